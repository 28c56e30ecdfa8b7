"""The Argo CD stand-in: applications that follow the manifests repository, syncs, health and Argo Rollouts."""
