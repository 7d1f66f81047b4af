"""Whether a request is known to run, and what an exception opened when it was approved."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Text in the order of code points."""


def upgrade() -> None:
    """Of requests that are there nobody knows what confirmed them: what stands of them is asked again."""
    op.add_column("requests", sa.Column("is_confirmed", sa.Boolean(), nullable=True))
    op.execute(sa.text("UPDATE requests SET is_confirmed = :no").bindparams(no=False))
    op.create_table(
        "request_openings",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("opens", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["number"], ["requests.number"], name="fk_request_openings_number"),
        sa.PrimaryKeyConstraint("number", name="pk_request_openings"),
    )


def downgrade() -> None:
    """Forget it."""
    op.drop_table("request_openings")
    op.drop_column("requests", "is_confirmed")
