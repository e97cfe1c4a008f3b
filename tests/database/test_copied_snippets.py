"""Snippets that a file gets from a version made for another path."""

from __future__ import annotations

import pytest
from tests.database.content import CODE, ENRICH, Content, rows

from kodit.domain.entities import Snippet
from kodit.domain.ports.repositories import ExtractedFile, SnippetCounts
from kodit.domain.ports.versions import KnownVersion
from kodit.domain.snippet import Extent, MinorSymbol, PlacedSymbol, SlicedFile
from kodit.domain.value_objects import Symbol, SymbolKind

pytestmark = pytest.mark.every_store


def test_snippets_are_copied_from_a_version_that_is_still_there(content: Content) -> None:
    """With all that was extracted; and a file whose version is gone stays stale."""
    transaction = content.transaction
    drop = PlacedSymbol(Symbol("drop", SymbolKind.METHOD, "Store"), 1, 1)
    size = MinorSymbol(Symbol("size", SymbolKind.FIELD, "Store"), 1, 1)
    snippet = Snippet(
        *("a", 1, 1, "python", Symbol("use", SymbolKind.METHOD, "Store"), "text"),
        also_defines=(drop, size),
        mentions="call one",
        extents=(Extent(1, 1, 1),),
    )
    known = KnownVersion(0, b"a" * 32, is_left_out=False, path="a", snippets=1)
    moved = ExtractedFile(
        *(content.files["b"], "1" * 40, "v1", SlicedFile("b", "python", ()), b"b" * 32),
        alike=known,
    )
    assert transaction.snippets.replace(content.id, [moved]) == SnippetCounts()
    stale = transaction.indexes.stale_files(content.id, 9)
    assert [file.path for file in stale] == ["a", "b"]

    file = ExtractedFile(
        *(content.files["a"], "1" * 40, "v1", SlicedFile("a", "python", (snippet,)), b"a" * 32)
    )
    transaction.snippets.replace(content.id, [file])
    counts = transaction.snippets.replace(content.id, [moved])
    assert counts == SnippetCounts(written=1, reused=1)
    assert transaction.indexes.stale_files(content.id, 9) == []
    columns = "state, start_line, end_line, language, symbol, kind, scope, content_hash, text, "
    columns += "also_defines, minor_symbols, mentions, extents, text_id"
    query = f"SELECT {columns} FROM snippets WHERE version_id = ?"  # noqa: S608 - ours
    one, two = (rows(transaction, query, content.versions[path]) for path in "ab")
    assert one == two
    assert None not in tuple(one[0])
    for stage in (CODE, ENRICH):
        pending = transaction.snippets.pending(content.id, stage, 9)
        assert [(found.path, found.text) for found in pending] == [("a", "text"), ("b", "text")]
    added = transaction.keyword_log.read(content.id, 9).changes
    assert [change.snippet.path for change in added if change.snippet] == ["a", "b"]
