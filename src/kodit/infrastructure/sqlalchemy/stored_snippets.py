"""Reading snippets with the path and source that they belong to."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, select

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
    SNIPPETS.c.minor_symbols,
    SNIPPETS.c.extents,
)
"""The columns that `sql.stored_snippets.to_stored` reads."""


def select_stored() -> Select[*tuple[Any, ...]]:
    """Those columns, joined; the caller adds the conditions."""
    return (
        select(*STORED_COLUMNS)
        .join(FILES, FILES.c.id == SNIPPETS.c.file_id)
        .join(INDEXES, INDEXES.c.id == SNIPPETS.c.index_id)
    )
