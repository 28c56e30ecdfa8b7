"""Runs the steps in the transaction that `migrate` holds; Alembic loads this file by its name."""

from __future__ import annotations

from alembic import context

from bot.stores.sql.schema import metadata

# SQLite's schema changes are transactional once the driver leaves transactions to us, which Alembic cannot know.
context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
