"""Alembic's home: the steps that brought the schema to what `schema.py` says."""
