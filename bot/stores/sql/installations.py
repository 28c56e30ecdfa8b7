"""Where Shipmate is installed; what it needs to speak there is kept as the surface sealed it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, delete, or_, select, update

from actions.core.ports.ledger import Installation
from bot.stores.sql.chain import Event, Head
from bot.stores.sql.database import Database
from bot.stores.sql.schema import installations

_known = select(*(column for column in installations.c if column.name != "renewing_until"))


class SqlInstallations:
    """Installations; making and ending one is written into the audit trail, without what is sealed.

    Args:
        database: where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        new = database.insert(installations)
        renewed = {name: new.excluded[name] for name in ("sealed", "installed_by", "updated_at", "renewing_until")}
        self._keep = new.on_conflict_do_update(index_elements=["surface", "tenant"], set_=renewed)

    def keep(self, installation: Installation) -> None:
        """Record an installation, in place of the one that was known."""
        with self._database.write() as connection:
            head = Head(connection)
            connection.execute(self._keep, installation.model_dump() | {"renewing_until": None})
            event = _event(installation.installed_by, installation.surface, installation.tenant, "installed")
            head.append([event], now=installation.updated_at)

    def renew(self, installation: Installation) -> None:
        """Record an installation's new tokens, with which its renewal is over."""
        where = and_(installations.c.surface == installation.surface, installations.c.tenant == installation.tenant)
        new = {"sealed": installation.sealed, "updated_at": installation.updated_at, "renewing_until": None}
        with self._database.write() as connection:
            connection.execute(update(installations).where(where).values(new))

    def of(self, surface: str, tenant: str) -> Installation | None:
        """The installation in a workspace."""
        query = _known.where(installations.c.surface == surface, installations.c.tenant == tenant)
        with self._database.read() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else Installation.model_validate(dict(row))

    def all(self, surface: str) -> Sequence[Installation]:
        """Every installation, by tenant."""
        query = _known.where(installations.c.surface == surface).order_by(installations.c.tenant)
        with self._database.read() as connection:
            return [Installation.model_validate(dict(row)) for row in connection.execute(query).mappings()]

    def forget(self, surface: str, tenant: str, *, now: datetime) -> None:
        """Delete an installation with its tokens."""
        where = and_(installations.c.surface == surface, installations.c.tenant == tenant)
        with self._database.write() as connection:
            head = Head(connection)
            if connection.execute(delete(installations).where(where)).rowcount:
                head.append([_event("shipmate", surface, tenant, "removed")], now=now)

    def claim_renewal(self, surface: str, tenant: str, *, now: datetime, until: datetime) -> bool:
        """Be the one process that renews its tokens, until a time; False where another one is at it."""
        free = or_(installations.c.renewing_until.is_(None), installations.c.renewing_until <= now)
        where = and_(installations.c.surface == surface, installations.c.tenant == tenant, free)
        with self._database.write() as connection:
            return bool(connection.execute(update(installations).where(where).values(renewing_until=until)).rowcount)


def _event(actor: str, surface: str, tenant: str, event: str) -> Event:
    return Event(
        actor=actor, action="installation", request="", event=event, detail={"surface": surface, "tenant": tenant}
    )
