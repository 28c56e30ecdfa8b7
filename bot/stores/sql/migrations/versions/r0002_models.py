"""What language models were used for, and what people thought of how they were understood."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# SQLite counts only a column of the type INTEGER by itself.
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "usage",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("input", sa.BigInteger(), nullable=False),
        sa.Column("output", sa.BigInteger(), nullable=False),
        sa.Column("cached", sa.BigInteger(), nullable=False),
        sa.Column("stored", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_usage"),
    )
    op.create_index("ix_usage_day", "usage", ["day", "person"], unique=False)
    op.create_index("ix_usage_at", "usage", ["at"], unique=False)
    op.create_index("ix_usage_cause", "usage", ["cause"], unique=False)
    op.create_table(
        "usage_told",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("whom", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("day", "whom", "what", name="pk_usage_told"),
    )
    op.create_table(
        "opinions",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("thread", sa.Text(), nullable=False),
        sa.Column("say", sa.Text(), nullable=False),
        sa.Column("did", sa.Text(), nullable=False),
        sa.Column("expect", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_opinions"),
        sa.UniqueConstraint("about", "person", name="uq_opinions_about_person"),
    )
    op.create_index("ix_opinions_at", "opinions", ["at"], unique=False)


def downgrade() -> None:
    """Take them away."""
    for table in ("opinions", "usage_told", "usage"):
        op.drop_table(table)
