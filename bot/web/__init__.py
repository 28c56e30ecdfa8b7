"""All HTTP in: the API, health, metrics, and what surfaces and hooks add. The only place where async stands."""
