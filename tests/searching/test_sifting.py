"""Conditions of a scope that are checked on what tantivy has found."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import tantivy
from tests.searching.test_keyword_reading import WORDS, snippet, store

from kodit.domain.snippet import PlacedSymbol, SymbolKind
from kodit.domain.value_objects import Scope, Symbol
from kodit.infrastructure.keyword import sifting
from kodit.infrastructure.keyword.querying import Clause
from kodit.infrastructure.keyword.reading import KeywordState, TantivyReader
from kodit.infrastructure.keyword.schema import FILE_ID, INDEX_ID, NAME
from kodit.infrastructure.keyword.sifting import sieve_for

TOGETHER = Scope(frozenset([1]), stores=frozenset([1, 2]), hidden_file_ids=frozenset(range(5)))
SCOPES = {
    "one of three": Scope(frozenset([2])),
    "two of three": Scope(frozenset([1, 3])),
    "with hidden versions": TOGETHER,
    "with listed versions": replace(
        Scope(frozenset([1])), listed_stores=frozenset([3]), listed=frozenset(range(100, 120))
    ),
    "some files": replace(TOGETHER, file_ids=frozenset(range(0, 200, 2))),
}


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> KeywordState:
    """Three indexes; the versions of each are four snippets with consecutive numbers."""
    chosen = random.Random(3)  # noqa: S311 - the same every time
    snippets = [
        replace(
            snippet(number, " ".join(chosen.choices(WORDS, k=chosen.choice((2, 5, 30))))),
            index_id=1 + number // 200,
            also_defines=(PlacedSymbol(Symbol("lamp", SymbolKind.FUNCTION), 1, 2),) * (number % 2),
        )
        for number in range(600)
    ]
    return store(tmp_path_factory.mktemp("sifting") / "6", *snippets)


def answers(reader: TantivyReader, scope: Scope) -> list[object]:
    return [
        answer
        for limit in (1, 7, 40)
        for terms in (["lantern"], ["basket", "quartz"], [*WORDS])
        for answer in (
            reader.search(terms, scope, limit),
            reader.candidates(terms, scope, limit),
            reader.definitions("lamp", terms, scope, limit),
            reader.having_all(terms, scope, limit),
        )
    ]


@pytest.mark.parametrize("scope", SCOPES.values(), ids=SCOPES)
def test_the_same_is_found_as_by_tantivy(
    three: KeywordState, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where too few of those read at first meet the conditions."""
    reader = three.reader(scope)
    sifted = answers(reader, scope)
    monkeypatch.setattr(sifting, "RESERVE", 0.01)
    monkeypatch.setattr(sifting, "FEWEST_MORE", 1)
    assert answers(reader, scope) == sifted
    monkeypatch.setattr(sifting, "MOST_SIFTED", 0)
    assert answers(reader, scope) == sifted
    assert all(sifted[:2])


def test_a_search_in_most_snippets_is_sifted(
    three: KeywordState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """tantivy is asked for no index and no version, and only once."""
    asked: list[list[str]] = []
    run = TantivyReader._run

    def noted(reader, question, clauses, limit, *, must_match):  # type: ignore[no-untyped-def]
        asked.append([clause.field for clause in clauses])
        return run(reader, question, clauses, limit, must_match=must_match)

    monkeypatch.setattr(TantivyReader, "_run", noted)
    reader = three.reader(TOGETHER)
    assert reader.search(["lantern"], TOGETHER, 5)
    assert reader.definitions("lamp", ["lantern"], TOGETHER, 5)
    assert asked == [[], [NAME]]


def test_when_tantivy_checks_the_conditions() -> None:
    """If very many would have to be read, or if nothing is asked of the scope."""
    of_index = Clause(tantivy.Occur.Must, INDEX_ID, frozenset([1]))
    of_files = Clause(tantivy.Occur.Must, FILE_ID, frozenset([1]))
    hidden = Clause(tantivy.Occur.MustNot, FILE_ID, frozenset([2]))
    sieve = sieve_for([of_index, of_files, hidden], 100, 0.5)
    assert sieve is not None
    assert sieve == ([of_files], [of_index, hidden], 316)
    assert sieve_for([of_index], 100, 0.01) is None
    assert sieve_for([of_index], 100, 0.0) is None
    assert sieve_for([of_files], 100, 0.5) is None
