"""The first migration: everything there is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# SQLite counts only a column of the type INTEGER by itself.
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make every table, and the audit chain's head before its first row."""
    op.create_table(
        "audit",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=True),
        sa.Column("environment", sa.Text(), nullable=True),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit"),
    )
    op.create_index("ix_audit_actor", "audit", ["actor", "number"], unique=False)
    op.create_index("ix_audit_service", "audit", ["service", "number"], unique=False)
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    op.create_table(
        "decisions",
        sa.Column("request", NUMBER, autoincrement=False, nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("seal", sa.Text(), nullable=False),
        sa.Column("approved", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("request", "person", "seal", name="pk_decisions"),
    )
    op.create_table(
        "deliveries",
        sa.Column("request", NUMBER, autoincrement=False, nullable=False),
        sa.Column("place_key", sa.Text(), nullable=False),
        sa.Column("surface", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("request", "place_key", name="pk_deliveries"),
    )
    op.create_table(
        "deployments",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("healthy", sa.Boolean(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=False),
        sa.Column("snapshot", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_deployments"),
    )
    op.create_index("ix_deployments_finished_at", "deployments", ["finished_at"], unique=False)
    op.create_index("ix_deployments_request", "deployments", ["request"], unique=False)
    op.create_index("ix_deployments_target", "deployments", ["service", "environment", "number"], unique=False)
    op.create_table(
        "freezes",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("service", sa.Text(), nullable=True),
        sa.Column("environment", sa.Text(), nullable=True),
        sa.Column("verb", sa.Text(), nullable=True),
        sa.Column("person", sa.Text(), nullable=True),
        sa.Column("only", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_freezes"),
    )
    op.create_index(
        "ix_freezes_open",
        "freezes",
        ["id"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "installations",
        sa.Column("surface", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("installed_by", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("renewing_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("surface", "tenant", name="pk_installations"),
    )
    op.create_table(
        "grants",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_grants"),
    )
    op.create_index(
        "ix_grants_person",
        "grants",
        ["person"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "offers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("parameters_hash", sa.Text(), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("place_key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_offers"),
        sa.UniqueConstraint("request", "action", "parameters_hash", name="uq_offers_request_action_parameters_hash"),
    )
    op.create_table(
        "requests",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("requester", sa.Text(), nullable=False),
        sa.Column("surface", sa.Text(), nullable=False),
        sa.Column("place_key", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=True),
        sa.Column("environment", sa.Text(), nullable=True),
        sa.Column("changes", sa.Boolean(), nullable=False),
        sa.Column("takes_lock", sa.Boolean(), nullable=False),
        sa.Column("holds_lock", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("seal", sa.Text(), nullable=False),
        sa.Column("policy_version", sa.Text(), nullable=False),
        sa.Column("poller", sa.Text(), nullable=False),
        sa.Column("next_poll_at", sa.BigInteger(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("shown_version", sa.Integer(), nullable=False),
        sa.Column("drawn_version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("snapshot", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_requests"),
        sa.UniqueConstraint("cause", name="uq_requests_cause"),
        # An id that was ever given is never given again.
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_requests_due",
        "requests",
        ["next_poll_at", "poller"],
        unique=False,
        sqlite_where=sa.text("next_poll_at IS NOT NULL"),
        postgresql_where=sa.text("next_poll_at IS NOT NULL"),
    )
    op.create_index(
        "ix_requests_lagging",
        "requests",
        ["surface", "number"],
        unique=False,
        sqlite_where=sa.text("drawn_version < shown_version"),
        postgresql_where=sa.text("drawn_version < shown_version"),
    )
    op.create_index("ix_requests_place", "requests", ["place_key", "number"], unique=False)
    op.create_index("ix_requests_requester", "requests", ["requester", "number"], unique=False)
    op.create_index("ix_requests_lately", "requests", ["requester", "changes", "created_at"], unique=False)
    op.create_index("ix_requests_state", "requests", ["state", "number"], unique=False)
    op.create_index("ix_requests_target", "requests", ["service", "environment", "number"], unique=False)
    # After the index above: of two that serve alike, SQLite takes the one made last.
    op.create_index(
        "ix_requests_open",
        "requests",
        ["service", "environment", "number"],
        unique=False,
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_index(
        "operation_lock",
        "requests",
        ["service", "environment"],
        unique=True,
        sqlite_where=sa.text("holds_lock"),
        postgresql_where=sa.text("holds_lock"),
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("hashed", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.UniqueConstraint("hashed", name="uq_tokens_hashed"),
    )
    op.create_index("ix_tokens_person", "tokens", ["person"], unique=False)
    op.create_table(
        "transitions",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("request", NUMBER, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_transitions"),
        sa.UniqueConstraint("request", "version", name="uq_transitions_request_version"),
    )
    op.execute("INSERT INTO audit_head (id, number, hash) VALUES (1, 0, '')")


def downgrade() -> None:
    """Take everything away."""
    for table in (
        "audit",
        "audit_head",
        "decisions",
        "deliveries",
        "deployments",
        "freezes",
        "grants",
        "offers",
        "requests",
        "tokens",
        "transitions",
    ):
        op.drop_table(table)
