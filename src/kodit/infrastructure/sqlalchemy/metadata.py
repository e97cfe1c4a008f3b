"""Common definitions of all tables.

Times are whole microseconds since 1970 in UTC (columns `*_at`), enumerations are strings with a
check, and structured values are JSON text. Ids are never reused.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Integer, MetaData

BigKey = BigInteger().with_variant(Integer, "sqlite")
"""SQLite assigns ids only to a column of exactly this type."""

METADATA = MetaData()
"""All tables."""
ON_SERVERS = {"only": "on servers"}
"""Marks an index that a file, which one transaction writes at a time, does not need."""


def one_of(column: str, *values: str) -> CheckConstraint:
    """A check that a column holds one of the values, named after the column."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_is_known")
