"""By whose link somebody has their password."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Text in the order of code points."""


def upgrade() -> None:
    """Of accounts that are there it is not known."""
    op.add_column("accounts", sa.Column("let_in_by", TEXT, nullable=True))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("accounts", "let_in_by")
