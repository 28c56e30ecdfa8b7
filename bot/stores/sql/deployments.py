"""What was brought where, as the ledger recorded it with the step that ended it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from actions.core.deployment import Deployment
from bot.stores.sql.database import Database
from bot.stores.sql.schema import deployments


class SqlDeployments:
    """Finished deployments.

    Args:
        database: where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(
        self,
        *,
        service: str | None = None,
        environment: str | None = None,
        since: datetime | None = None,
        limit: int = 20,
    ) -> Sequence[Deployment]:
        """Deployments, newest first."""
        query = select(deployments.c.snapshot).order_by(deployments.c.number.desc()).limit(limit)
        if service is not None:
            query = query.where(deployments.c.service == service)
        if environment is not None:
            query = query.where(deployments.c.environment == environment)
        if since is not None:
            query = query.where(deployments.c.finished_at >= since)
        with self._database.read() as connection:
            return [Deployment.model_validate_json(text) for text in connection.execute(query).scalars()]

    def last_healthy(self, service: str, environment: str, *, other_than: str) -> Deployment | None:
        """The newest deployment there that proved healthy with another version than this one."""
        query = (
            select(deployments.c.snapshot)
            .where(
                deployments.c.service == service,
                deployments.c.environment == environment,
                deployments.c.healthy,
                deployments.c.version != other_than,
            )
            .order_by(deployments.c.number.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            found = connection.execute(query).scalar()
        return None if found is None else Deployment.model_validate_json(found)
