"""Search requests, and answers cut to a budget."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from kodit.domain.entities import SearchResult, StoredSnippet
from kodit.domain.errors import InvalidQueryError
from kodit.domain.search import choose, within_budget
from kodit.domain.snippet import PlacedSymbol
from kodit.domain.value_objects import SearchFilter, SearchMode, Symbol, SymbolKind

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
OTHER = PlacedSymbol(Symbol("other", SymbolKind.FUNCTION), 3, 4)


def stored(text: str, **changes: Any) -> StoredSnippet:
    values: dict[str, Any] = {
        "id": 1,
        "index_id": 2,
        "file_id": 3,
        "source": "/source",
        "path": "a.py",
        "start_line": 5,
        "end_line": 5 + text.count("\n"),
        "language": "python",
        "symbol": "swing",
        "kind": "method",
        "scope": "Lantern",
        "text": text,
        "also_defines": (OTHER,),
    }
    return StoredSnippet(**values | changes)


def test_a_choice_is_known_in_any_case() -> None:
    assert choose(SearchMode, "mode", "CoDe") is SearchMode.CODE
    with pytest.raises(InvalidQueryError) as caught:
        choose(SearchMode, "mode", "magic")
    assert str(caught.value) == ("unknown mode 'magic'; choose one of hybrid, keyword, code, text")


@pytest.mark.parametrize(
    ("given", "chooses"),
    [
        ({}, False),
        ({"index_ids": (1,)}, False),
        ({"kinds": (SymbolKind.CLASS,)}, False),
        ({"languages": ("python",)}, True),
        ({"paths": ("a/",)}, True),
        ({"authors": ("ada",)}, True),
        ({"created_after": MOMENT}, True),
        ({"created_before": MOMENT}, True),
    ],
)
def test_a_filter_may_choose_files(given: dict[str, Any], chooses: bool) -> None:
    """An index is not a file, and kinds are those of snippets."""
    assert SearchFilter(**given).chooses_files is chooses


def test_what_a_stored_snippet_defines() -> None:
    assert stored("one").defined_symbol == Symbol("swing", SymbolKind.METHOD, "Lantern")
    assert stored("one", symbol=None).defined_symbol is None
    assert stored("one", kind=None).defined_symbol is None


def cut(tokens: int, *texts: str) -> list[tuple[str, int, bool]]:
    """For each kept result, its text, its last line, and whether it was cut."""
    results = [SearchResult(stored(text), 1.0) for text in texts]
    return [
        (one.snippet.text, one.snippet.end_line, one.is_cut)
        for one in within_budget(results, tokens)
    ]


def test_what_fits_into_a_budget_is_whole() -> None:
    """A place costs 30 tokens and four characters one."""
    one = ("a" * 40, 5, False)
    assert cut(80, "a" * 40, "a" * 40) == [one, one]
    assert cut(79, "a" * 40, "a" * 40) == [one]
    assert cut(40, "a" * 40) == [one]


def test_what_does_not_fit_is_cut_at_the_end_of_a_line() -> None:
    """It is the last one, and is left out if not even one line fits."""
    lines = "aaaaaaa\nbbbbbbb\n\nccccccc"
    assert cut(35, lines, "d") == [("aaaaaaa\nbbbbbbb", 6, True)]
    assert cut(34, lines, "d") == [("aaaaaaa\nbbbbbbb", 6, True)]
    assert cut(33, lines, "d") == [("aaaaaaa", 5, True)]
    assert cut(32, lines, "d") == [("aaaaaaa", 5, True)]
    assert cut(31, lines, "d") == []
    assert cut(36, lines, "d") == [(lines, 8, False)]
    assert cut(30, "") == []
    assert cut(31, "") == [("", 5, False)]
