"""Runs the steps in the transaction that `firewright.store.database` hands in; Alembic loads this file, nothing imports it."""

from __future__ import annotations

from alembic import context

from firewright.store.tables import METADATA, VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
