"""The only place that builds: what stands behind each port."""
