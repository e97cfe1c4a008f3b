"""Reading snippets with the path and source that they belong to."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, func, null, select

from kodit.infrastructure.sqlalchemy.entities import (
    INDEXES,
    SNIPPET_TEXTS,
    SNIPPETS,
    VERSIONS,
)

_NOTHING = null()
TEXT = func.coalesce(SNIPPET_TEXTS.c.text, SNIPPETS.c.text)
"""The text of a snippet that is joined with `OF_TEXT`, which not every row finds."""
OF_TEXT = SNIPPET_TEXTS.c.id == SNIPPETS.c.text_id
_TEXT_AND_PLACE: tuple[ColumnElement[Any], ...] = (
    SNIPPETS.c.id,
    SNIPPETS.c.index_id,
    SNIPPETS.c.version_id,
    INDEXES.c.location,
    INDEXES.c.ref,
    VERSIONS.c.path,
    SNIPPETS.c.start_line,
    SNIPPETS.c.end_line,
    SNIPPETS.c.language,
    SNIPPETS.c.symbol,
    SNIPPETS.c.kind,
    SNIPPETS.c.scope,
    TEXT,
)
KEYWORD_COLUMNS = (
    *_TEXT_AND_PLACE,
    SNIPPETS.c.also_defines,
    SNIPPETS.c.minor_symbols,
    _NOTHING.label("extents"),
)
"""The columns that `sql.stored_snippets.to_stored` reads, without the extents, which the keyword
index does not use: parsing them takes longer than reading them.
"""


def select_texts() -> Select[*tuple[Any, ...]]:
    """Those columns, joined, without any symbols but the snippet's own; the caller adds the
    conditions.
    """
    nothing = (_NOTHING.label(name) for name in ("also_defines", "minor_symbols", "extents"))
    return (
        select(*_TEXT_AND_PLACE, *nothing)
        .join(VERSIONS, VERSIONS.c.id == SNIPPETS.c.version_id)
        .join(INDEXES, INDEXES.c.id == SNIPPETS.c.index_id)
        .outerjoin(SNIPPET_TEXTS, OF_TEXT)
    )
