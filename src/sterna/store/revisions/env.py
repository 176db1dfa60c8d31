"""Runs the store's own schema changes; called in-process with an open connection."""

from __future__ import annotations

from alembic import context

from sterna.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    version_table="sterna_revision",
)
with context.begin_transaction():
    context.run_migrations()
