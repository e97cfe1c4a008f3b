"""Alembic's entry point: runs the migrations on the connection from `migrate.py`."""

from __future__ import annotations

from alembic import context

from kodit.infrastructure.sqlalchemy.entities import METADATA

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
