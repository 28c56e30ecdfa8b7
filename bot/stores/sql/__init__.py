"""The ledger and all that is kept for good, in SQLite or PostgreSQL."""
