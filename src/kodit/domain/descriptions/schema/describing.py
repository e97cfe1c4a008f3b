"""The tables of a database as parts of a description."""

from __future__ import annotations

from kodit.domain.descriptions.description import DescribedItem, DescribedPart
from kodit.domain.descriptions.schema.tables import Column, Table

_ORIGINS = {"model": "model", "migration": "migrations", "sql": "SQL"}


def part_of(table: Table) -> DescribedPart:
    """A table with its columns and indexes."""
    items = [
        DescribedItem(one.name, "column", text_of_column(one), line=0) for one in table.columns
    ]
    for index in table.indexes:
        kind = "unique" if index.is_unique else "index"
        columns = ", ".join(index.columns)
        items.append(DescribedItem(index.name, kind, f"{kind} ({columns}) {index.name}".rstrip()))
    kind = "view" if table.is_view else "table"
    origin = f"model {table.model}" if table.model else f"from {_ORIGINS[table.origin]}"
    return DescribedPart(
        f"{table.name}  ({kind}, {origin})",
        kind,
        path=table.path,
        line=table.line,
        items=tuple(items),
    )


def text_of_column(column: Column) -> str:
    """A column on one line."""
    parts = [column.name, column.type]
    if column.is_primary:
        parts.append("primary key")
    elif column.is_nullable is False:
        parts.append("not null")
    if column.is_unique and not column.is_primary:
        parts.append("unique")
    if column.default:
        parts.append(f"default {column.default}")
    if column.references:
        parts.append(f"→ {column.references}")
    return " ".join(filter(None, parts))
