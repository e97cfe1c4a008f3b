"""Snippets as the database would hold them, of files that are not indexed."""

from __future__ import annotations

from collections.abc import Iterator

from kodit.domain.entities import StoredSnippet
from kodit.domain.value_objects import SlicedFile


def stored_snippets(sliced: SlicedFile) -> Iterator[StoredSnippet]:
    """The snippets of a file, numbered from 1."""
    for number, one in enumerate(sliced.snippets, start=1):
        symbol = one.symbol
        yield StoredSnippet(
            id=number,
            index_id=0,
            file_id=0,
            source="",
            path=one.path,
            start_line=one.start_line,
            end_line=one.end_line,
            language=one.language,
            symbol=None if symbol is None else symbol.name,
            kind=None if symbol is None else symbol.kind.value,
            scope="" if symbol is None else symbol.scope,
            text=one.text,
            also_defines=one.also_defines,
            extents=one.extents,
        )
