"""Reading snippets with the path and source that they belong to."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from kodit.domain.search import StoredSnippet
from kodit.infrastructure.sqlalchemy.entities import FileRow, IndexRow, SnippetRow
from kodit.infrastructure.sqlalchemy.symbols import text_to_placed


def select_stored() -> Select[*tuple[Any, ...]]:
    """Every column that `to_stored` reads, joined; the caller adds the conditions."""
    return (
        select(
            SnippetRow.id,
            SnippetRow.index_id,
            SnippetRow.file_id,
            IndexRow.location,
            IndexRow.ref,
            FileRow.path,
            SnippetRow.start_line,
            SnippetRow.end_line,
            SnippetRow.language,
            SnippetRow.symbol,
            SnippetRow.kind,
            SnippetRow.scope,
            SnippetRow.text,
            SnippetRow.also_defines,
        )
        .join(FileRow, FileRow.id == SnippetRow.file_id)
        .join(IndexRow, IndexRow.id == SnippetRow.index_id)
    )


def to_stored(row: Any) -> StoredSnippet:
    """A row of `select_stored` as a domain object."""
    return StoredSnippet(
        id=row[0],
        index_id=row[1],
        file_id=row[2],
        source=f"{row[3]}@{row[4]}" if row[4] else row[3],
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
