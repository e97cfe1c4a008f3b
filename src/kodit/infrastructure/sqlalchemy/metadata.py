"""Common definitions of all tables.

Times are whole microseconds since 1970 in UTC (columns `*_at`), enumerations are strings with a
check, and structured values are JSON text. Ids are never reused.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Integer, MetaData
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateIndex
from sqlalchemy.sql.compiler import DDLCompiler

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


@compiles(CreateIndex, "postgresql")
def _create_partial(creation: CreateIndex, compiler: DDLCompiler, **options: Any) -> str:
    """The indexes of a server have the same conditions as those of a file. Where an index names
    PostgreSQL's own option, SQLAlchemy imports all that it knows of PostgreSQL."""
    created: str = compiler.visit_create_index(creation, **options)  # type: ignore[no-untyped-call]
    of_dialect = creation.element.dialect_options
    condition = of_dialect["sqlite"]["where"]
    if condition is None or of_dialect["postgresql"]["where"] is not None:
        return created  # migrations name both
    only = compiler.sql_compiler.process(condition, include_table=False, literal_binds=True)
    return f"{created} WHERE {only}"
