"""Reading snippets with the path and source that they belong to."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, select

from kodit.domain.entities import StoredSnippet
from kodit.infrastructure.mappers.symbols import text_to_placed
from kodit.infrastructure.sqlalchemy.entities import FILES, INDEXES, SNIPPETS

STORED_COLUMNS: tuple[ColumnElement[Any], ...] = (
    SNIPPETS.c.id,
    SNIPPETS.c.index_id,
    SNIPPETS.c.file_id,
    INDEXES.c.location,
    INDEXES.c.ref,
    FILES.c.path,
    SNIPPETS.c.start_line,
    SNIPPETS.c.end_line,
    SNIPPETS.c.language,
    SNIPPETS.c.symbol,
    SNIPPETS.c.kind,
    SNIPPETS.c.scope,
    SNIPPETS.c.text,
    SNIPPETS.c.also_defines,
)
"""What `to_stored` reads."""


def select_stored() -> Select[*tuple[Any, ...]]:
    """Those columns, joined; the caller adds the conditions."""
    return (
        select(*STORED_COLUMNS)
        .join(FILES, FILES.c.id == SNIPPETS.c.file_id)
        .join(INDEXES, INDEXES.c.id == SNIPPETS.c.index_id)
    )


def to_stored(row: Any) -> StoredSnippet:
    """A row of `select_stored` as a domain object."""
    return StoredSnippet(
        id=row[0],
        index_id=row[1],
        file_id=row[2],
        source=to_source_text(row[3], row[4]),
        path=row[5],
        start_line=row[6],
        end_line=row[7],
        language=row[8],
        symbol=row[9],
        kind=row[10],
        scope=row[11],
        text=row[12],
        also_defines=text_to_placed(row[13]),
    )


def to_source_text(location: str, ref: str | None) -> str:
    """A source as it is written: its location and, where one is chosen, its ref."""
    return f"{location}@{ref}" if ref else location
