"""Locks that a transaction holds until it ends, where several may write at a time."""

from __future__ import annotations

from kodit.infrastructure.sqlalchemy.prepared import Driver

_LOCK_NAME = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || %s, 0))"


def lock_name(driver: Driver, *words: str) -> None:
    """Wait until no other transaction holds the lock of this name. Take it before rows are locked,
    or in a transaction that waits for nothing afterwards: otherwise two may wait for each other.
    """
    if driver.is_concurrent:
        driver.cursor.execute(_LOCK_NAME, ("\n".join(("", *words)),))


def lock_revision(driver: Driver) -> None:
    """Wait until no transaction writes that has found the schema as it is now, and let none begin
    before this one ends."""
    if driver.is_concurrent:
        driver.cursor.execute("LOCK TABLE alembic_version IN EXCLUSIVE MODE")
