"""How transactions of PostgreSQL begin."""

from __future__ import annotations

BEGIN_TO_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
MOST_IDLE_SECONDS = 60
BEGIN_TO_WRITE = (
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; "
    f"SET LOCAL idle_in_transaction_session_timeout = '{MOST_IDLE_SECONDS}s'"
)
"""Each statement sees what was committed before it, so that a row that had to be waited for is seen
as it is then. A process that was stopped in between does not keep its locks for ever.
"""
KEEP_REVISION = "LOCK TABLE alembic_version IN ROW SHARE MODE; "
"""A migration waits until all such transactions have ended, and those that begin wait for it."""
SHOW_REVISION = "SELECT version_num FROM alembic_version"
