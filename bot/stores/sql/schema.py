"""The tables: what is searched, compared or constrained is a column; the rest of a record is one JSON text beside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

HEAD = "0002"
"""The newest migration; a database that says so needs none."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """A point in time as microseconds since 1970 UTC: exact, ordered and the same in both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """The number that is stored."""
        del dialect
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """The time, with zone UTC."""
        del dialect
        return None if value is None else _EPOCH + timedelta(microseconds=value)


# SQLite counts only a column of the type INTEGER by itself.
Number = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

requests = Table(
    "requests",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("version", Integer, nullable=False),
    Column("cause", Text, nullable=False, unique=True),
    Column("action", Text, nullable=False),
    Column("requester", Text, nullable=False),
    Column("surface", Text, nullable=False),
    Column("place_key", Text, nullable=False),
    Column("service", Text),
    Column("environment", Text),
    Column("changes", Boolean, nullable=False),
    Column("takes_lock", Boolean, nullable=False),
    Column("holds_lock", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("seal", Text, nullable=False),
    Column("policy_version", Text, nullable=False),
    Column("poller", Text, nullable=False),
    Column("next_poll_at", Instant),
    Column("fence", Integer, nullable=False),
    Column("lease_owner", Text),
    Column("lease_until", Instant),
    Column("expires_at", Instant),
    # The version that last changed what a card shows, and the version at which the card of its own thread was drawn.
    Column("shown_version", Integer, nullable=False),
    Column("drawn_version", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("snapshot", Text, nullable=False),
    Index(
        "operation_lock",
        "service",
        "environment",
        unique=True,
        sqlite_where=text("holds_lock"),
        postgresql_where=text("holds_lock"),
    ),
    Index(
        "ix_requests_due",
        "next_poll_at",
        "poller",
        sqlite_where=text("next_poll_at IS NOT NULL"),
        postgresql_where=text("next_poll_at IS NOT NULL"),
    ),
    Index(
        "ix_requests_lagging",
        "surface",
        "number",
        sqlite_where=text("drawn_version < shown_version"),
        postgresql_where=text("drawn_version < shown_version"),
    ),
    Index(
        "ix_requests_open",
        "service",
        "environment",
        "number",
        sqlite_where=text("finished_at IS NULL"),
        postgresql_where=text("finished_at IS NULL"),
    ),
    Index("ix_requests_state", "state", "number"),
    Index("ix_requests_place", "place_key", "number"),
    Index("ix_requests_target", "service", "environment", "number"),
    Index("ix_requests_requester", "requester", "number"),
    Index("ix_requests_lately", "requester", "changes", "created_at"),
    # An id that was ever given is never given again, even after the newest rows were deleted.
    sqlite_autoincrement=True,
)

transitions = Table(
    "transitions",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("request", Number, nullable=False),
    Column("version", Integer, nullable=False),
    Column("before", Text),
    Column("after", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("request", "version"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("request", Number, primary_key=True, autoincrement=False),
    Column("person", Text, primary_key=True),
    Column("seal", Text, primary_key=True),
    Column("approved", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("request", Text, nullable=False),
    Column("service", Text),
    Column("environment", Text),
    Column("event", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index("ix_audit_actor", "actor", "number"),
    Index("ix_audit_service", "service", "number"),
)

# One row. Every writer of the chain takes it first, so that rows follow each other in one order; and because it says
# where the chain ends, rows cut off its end are missed.
audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
)

grants = Table(
    "grants",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("person", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("until", Instant),
    Column("by", Text, nullable=False),
    Column("request", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("ended_at", Instant),
    Index(
        "ix_grants_person", "person", sqlite_where=text("ended_at IS NULL"), postgresql_where=text("ended_at IS NULL")
    ),
)

freezes = Table(
    "freezes",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    Column("service", Text),
    Column("environment", Text),
    Column("verb", Text),
    Column("person", Text),
    Column("only", Text),
    Column("reason", Text, nullable=False),
    Column("until", Instant),
    Column("by", Text, nullable=False),
    Column("request", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("ended_by", Text),
    Index("ix_freezes_open", "id", sqlite_where=text("ended_at IS NULL"), postgresql_where=text("ended_at IS NULL")),
)

deployments = Table(
    "deployments",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("request", Text, nullable=False, index=True),
    Column("service", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("healthy", Boolean, nullable=False),
    Column("finished_at", Instant, nullable=False, index=True),
    Column("snapshot", Text, nullable=False),
    Index("ix_deployments_target", "service", "environment", "number"),
)

offers = Table(
    "offers",
    metadata,
    Column("id", Text, primary_key=True),
    # Empty where there is none: NULLs would not be equal to each other in the unique constraint.
    Column("request", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("parameters_hash", Text, nullable=False),
    Column("parameters", Text, nullable=False),
    Column("place_key", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("request", "action", "parameters_hash"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("request", Number, primary_key=True, autoincrement=False),
    Column("place_key", Text, primary_key=True),
    Column("surface", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("failed", Text, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("hashed", Text, nullable=False, unique=True),
    Column("person", Text, nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
)

installations = Table(
    "installations",
    metadata,
    Column("surface", Text, primary_key=True),
    Column("tenant", Text, primary_key=True),
    # What the surface keeps of it, encrypted: whoever reads the database alone cannot speak for Shipmate.
    Column("sealed", Text, nullable=False),
    Column("installed_by", Text, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("renewing_until", Instant),
)

usage = Table(
    "usage",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    # The date in UTC, since budgets are for a day.
    Column("day", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("cause", Text, nullable=False, index=True),
    Column("input", BigInteger, nullable=False),
    Column("output", BigInteger, nullable=False),
    Column("cached", BigInteger, nullable=False),
    Column("stored", BigInteger, nullable=False),
    # In millionths of the currency; NULL where the model had no price.
    Column("cost", BigInteger),
    Index("ix_usage_day", "day", "person"),
    Index("ix_usage_at", "at"),
)

# Who was told what on which day, so that it is told once.
usage_told = Table(
    "usage_told",
    metadata,
    Column("day", Text, primary_key=True),
    Column("whom", Text, primary_key=True),
    Column("what", Text, primary_key=True),
)

# What people thought of how they were understood; thread, did and expect are JSON in the form of evaluation items.
opinions = Table(
    "opinions",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False, index=True),
    Column("person", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("thread", Text, nullable=False),
    Column("say", Text, nullable=False),
    Column("did", Text, nullable=False),
    Column("expect", Text),
    UniqueConstraint("about", "person"),
)
