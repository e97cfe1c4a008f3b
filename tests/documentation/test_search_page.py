"""docs/search.md lists the existing modes, kinds and signals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from kodit.domain.ranking.query import LONGEST_QUERY, MOST_TERMS, QueryKind, understand
from kodit.domain.ranking.signals import SIGNALS
from kodit.domain.ranking.weights import (
    FILE_SHARE,
    FURTHER_SNIPPET,
    NAME,
    PROSE,
    REPEATED_FILE,
    STATEMENT,
    WITHIN_FILE,
)
from kodit.domain.search import SearchMode
from kodit.domain.value_objects import SymbolKind

PAGE = (Path(__file__).parents[2] / "docs" / "search.md").read_text()


def test_every_mode_and_kind_is_in_its_table() -> None:
    """In the order in which they are listed elsewhere."""
    assert _first_cells("Modes") == [mode.value for mode in SearchMode]
    assert _first_cells("Kinds") == [kind.value for kind in SymbolKind]


def test_every_signal_is_listed_with_its_weights() -> None:
    """For a name and for words; an empty cell means that a signal does not count."""
    rows = re.findall(r"^\| `(\w+)` \| ([-\d.]*) ?\| ([-\d.]*) ?\|", _section("Scores"), re.M)
    assert rows == [(name, _weight(NAME, name), _weight(PROSE, name)) for name in SIGNALS]
    assert f"loses {REPEATED_FILE:g} for each one above" in PAGE


def test_the_weights_for_a_statement_are_those_of_the_page() -> None:
    rows = re.findall(r"^\| `snippet_(\w+)` \| ([\d.]+) \|", _section("Scores"), re.M)
    assert dict(rows) == {name: f"{weight:g}" for name, weight in WITHIN_FILE.items()}
    whole = {name for name, weight in STATEMENT.items() if weight == PROSE[name]}
    assert whole == {"not_code", *(name for name in SIGNALS if name.startswith("is_"))}
    assert {STATEMENT[name] / PROSE[name] for name in STATEMENT.keys() - whole} == {FILE_SHARE}
    assert f"{FILE_SHARE:g} of their weight" in PAGE.replace("\n", " ")
    assert f"loses {FURTHER_SNIPPET:g} (`further_snippet`)" in PAGE


def test_queries_are_understood_as_the_page_says() -> None:
    """By their text alone, each example."""
    rows = [line.split("|") for line in _section("Queries").splitlines() if "| `" in line]
    kinds = {
        what.strip(): {understand(query).kind for query in re.findall(r"`(.+?)`", examples)}
        for _, what, examples, *_ in rows
    }
    assert kinds.pop("a name") == {QueryKind.SYMBOL}
    assert kinds.pop("a name with its scope") == {QueryKind.QUALIFIED_NAME}
    assert kinds.pop("a file or folder") == {QueryKind.PATH}
    assert kinds.pop("words") == {QueryKind.NATURAL_LANGUAGE}
    assert kinds.pop("a sentence about code") == {QueryKind.NATURAL_LANGUAGE}
    assert kinds.pop("words and names") == {QueryKind.MIXED}
    statements = {
        what.strip()
        for _, what, examples, *_ in rows
        for query in re.findall(r"`(.+?)`", examples)
        if understand(query).is_statement
    }
    assert statements == {"a sentence about code"}
    assert f"the first {LONGEST_QUERY:,} characters" in PAGE
    assert f"at most {MOST_TERMS} different words" in PAGE


def _section(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def _first_cells(title: str) -> list[str]:
    return re.findall(r"^\| `(\w+)` \|", _section(title), re.MULTILINE)


def _weight(weights: Mapping[str, float], name: str) -> str:
    weight = weights.get(name)
    return "" if weight is None else f"{weight:g}"
