"""The GitLab stand-in: REST v4, git over HTTP, pipelines and webhooks."""
