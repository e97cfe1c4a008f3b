"""Reading snippets with the path and source that they belong to."""

from __future__ import annotations

from kodit.domain.entities import StoredSnippet
from kodit.infrastructure.mappers.symbols import text_to_extents, text_to_placed
from kodit.infrastructure.sql.shared_texts import SharedTexts
from kodit.infrastructure.sql.statements import Row

CONTENT_ID = "coalesce(files.version_id, -(files.path_id * 1048576 + files.index_id))"
"""The content of a file as engines know it: its version; another number until it has one."""
TEXT = "coalesce(snippet_texts.text, snippets.text)"
"""The text of a snippet that is joined with `JOIN_TEXT`."""
JOIN_TEXT = "LEFT JOIN snippet_texts ON snippet_texts.id = snippets.text_id"
_SELECTION = (
    "SELECT snippets.id, snippets.index_id, snippets.version_id, indexes.location, indexes.ref, "
    "versions.path, snippets.start_line, snippets.end_line, snippets.language, snippets.symbol, "
    "snippets.kind, snippets.scope, {}, snippets.also_defines, snippets.minor_symbols, "
    "snippets.extents "
    "FROM snippets JOIN versions ON versions.id = snippets.version_id "
    "JOIN indexes ON indexes.id = snippets.index_id "
)
SELECT_STORED = f"{_SELECTION.format(TEXT)}{JOIN_TEXT}"
"""The columns that `to_stored` reads; conditions are appended."""
SELECT_PLACES = _SELECTION.format("''")
"""The same with an empty text."""

_SHARED = SharedTexts()


def to_stored(row: Row, index_id: int | None = None, source: str | None = None) -> StoredSnippet:
    """A row of `SELECT_STORED` as a domain object, as one of another index if that is given.

    What the snippets of a file have in common is one object in all of them, and in the answers that
    are made at the same time: those about a common name hold a thousand snippets each.
    """
    share = _SHARED.share
    source = to_source_text(row[3], row[4]) if source is None else source
    return StoredSnippet(
        id=row[0],
        index_id=row[1] if index_id is None else index_id,
        file_id=row[2],
        source=share(source, source),
        path=share(row[5], row[5]),
        start_line=row[6],
        end_line=row[7],
        language=share(row[8], row[8]),
        symbol=row[9] and share(row[9], row[9]),
        kind=row[10] and share(row[10], row[10]),
        scope=share(row[11], row[11]),
        text=row[12],
        also_defines=text_to_placed(row[13]) + text_to_placed(row[14], minor=True),
        extents=text_to_extents(row[15]),
    )


def to_source_text(location: str, ref: str | None) -> str:
    """The canonical text of a source: its location and, if one is chosen, its ref."""
    return f"{location}@{ref}" if ref else location
