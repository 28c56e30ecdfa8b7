"""GitLab's pipelines in small: the configuration language, the order of jobs, and bash."""
