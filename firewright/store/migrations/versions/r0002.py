"""What other programs need: answers given once, webhooks with their outbox, and snapshots."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Text in the order of code points."""
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def text(name: str) -> sa.Column[str]:
    """A column with a text in every row."""
    return sa.Column(name, TEXT, nullable=False)


def upgrade() -> None:
    """Make the tables."""
    _idempotency()
    _webhooks()
    _outbox()
    _snapshots()


def downgrade() -> None:
    """Drop the tables with what is in them."""
    for name in ("snapshots", "outbox", "webhooks", "idempotency"):
        op.drop_table(name)


def _idempotency() -> None:
    op.create_table(
        "idempotency",
        text("account"),
        text("key"),
        text("request"),
        sa.Column("status", sa.Integer(), nullable=False),
        text("headers"),
        text("body"),
        text("at"),
        sa.PrimaryKeyConstraint("account", "key", name="pk_idempotency"),
    )
    op.create_index("ix_idempotency_at", "idempotency", ["at"])


def _webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        text("url"),
        text("secret"),
        text("owner"),
        text("events"),
        text("policies"),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        text("made"),
        sa.PrimaryKeyConstraint("number", name="pk_webhooks"),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("endpoint", sa.Integer(), nullable=False),
        text("kind"),
        text("body"),
        text("made"),
        sa.Column("due", TEXT, nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        text("state"),
        text("said"),
        sa.ForeignKeyConstraint(["endpoint"], ["webhooks.number"], name="fk_outbox_endpoint"),
        sa.PrimaryKeyConstraint("number", name="pk_outbox"),
    )
    op.create_index("ix_outbox_endpoint_number", "outbox", ["endpoint", "number"])
    op.create_index("ix_outbox_state_due", "outbox", ["state", "due"])


def _snapshots() -> None:
    op.create_table(
        "snapshots",
        text("kind"),
        text("name"),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        text("digest"),
        text("at"),
        text("seen"),
        text("body"),
        sa.PrimaryKeyConstraint("kind", "name", "number", name="pk_snapshots"),
    )
