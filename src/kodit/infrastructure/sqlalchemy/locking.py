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
