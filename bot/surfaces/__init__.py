"""Places to talk, one folder each; none knows another."""
