"""How transactions of PostgreSQL begin."""

from __future__ import annotations

BEGIN_TO_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
BEGIN_TO_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
"""Each statement sees what was committed before it, so that a row that had to be waited for is seen
as it is then.
"""
KEEP_REVISION = "LOCK TABLE alembic_version IN ROW SHARE MODE; "
"""A migration waits until all such transactions have ended, and those that begin wait for it."""
SHOW_REVISION = "SELECT version_num FROM alembic_version"
