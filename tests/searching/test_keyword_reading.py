"""The results of one state of the keyword index, without a database."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kodit.domain.entities import StoredSnippet
from kodit.domain.keyword import KeywordBatch
from kodit.domain.value_objects import Hit, Scope, SymbolKind
from kodit.infrastructure.keyword import found, reading
from kodit.infrastructure.keyword.found import RecordCache
from kodit.infrastructure.keyword.reading import KeywordState, TantivyReader
from kodit.infrastructure.keyword.schema import open_index
from kodit.infrastructure.keyword.standing import Standing
from kodit.infrastructure.keyword.writing import apply_batches

WORDS = ("lantern", "basket", "quartz", "meadow", "harbour", "violin")
BOTH, ONE, TWO = frozenset([1, 2]), frozenset([1]), frozenset([2])


def snippet(number: int, text: str, index_id: int = 1, **more: Any) -> StoredSnippet:
    plain = StoredSnippet(number, index_id, number // 4, "/s", "a", 1, 2, "c", None, None, "", text)
    return replace(plain, **more)


def store(folder: Path, *snippets: StoredSnippet) -> KeywordState:
    """The state of an index with these snippets."""
    for index_id in sorted({one.index_id for one in snippets}):
        mine = [one for one in snippets if one.index_id == index_id]
        batch = KeywordBatch(index_id, 1, (), mine, "a", None, {1: 1})
        assert all(apply_batches(str(folder), [batch], report=lambda _done, _total: None))
    return KeywordState(open_index(folder), folder, RecordCache(), Standing())


def ids(hits: list[Hit]) -> list[int]:
    return [hit.snippet_id for hit in hits]


@pytest.fixture(params=["long", "short"])
def many(request: pytest.FixtureRequest, tmp_path: Path) -> KeywordState:
    """Snippets of one index, and much longer or shorter ones of another, which tantivy's statistics
    include.
    """
    chosen = random.Random(7)  # noqa: S311 - the same every time
    mine = [
        snippet(number, " ".join(chosen.choices(WORDS, k=chosen.choice((1, 3, 9, 40, 160)))))
        for number in range(1, 200)
    ]
    text, count = ("violin harbour " * 400, 40) if request.param == "long" else ("violin", 900)
    others = [snippet(1_000 + number, text, 2) for number in range(count)]
    return store(tmp_path / "keyword" / "6", *mine, *others)


@pytest.mark.parametrize("index_ids", [ONE, BOTH], ids=["one", "both"])
def test_none_of_the_best_is_missing(
    many: KeywordState, monkeypatch: pytest.MonkeyPatch, index_ids: frozenset[int]
) -> None:
    """However few candidates are requested at first, and whatever tantivy's statistics include."""
    reader = many.reader(Scope(ONE))
    for terms in (["lantern"], ["basket", "quartz"], ["meadow", "violin", "harbour"], [*WORDS]):
        monkeypatch.setattr(reading, "EXTRA_CANDIDATES", 10_000)
        every = reader.search(terms, Scope(index_ids), 2_000)
        assert [hit.score for hit in every] == sorted((hit.score for hit in every), reverse=True)
        monkeypatch.setattr(reading, "EXTRA_CANDIDATES", 0)
        for limit in (1, 2, 3, 7, 20, 50):
            assert reader.search(terms, Scope(index_ids), limit) == every[:limit]
            found = reader.candidates(terms, Scope(index_ids), limit)
            assert found == set(ids(every[:limit]))
        in_files = reader.in_files(terms, list(range(60)))
        scores = {hit.snippet_id: hit.score for hit in every}
        for per_file in (1, 2):
            best_found = in_files.best(per_file)
            by_file: dict[int, list[float]] = {}
            for hit in every:
                if hit.snippet_id < 1_000:
                    by_file.setdefault(hit.snippet_id // 4, []).append(hit.score)
            best = sorted(score for of_file in by_file.values() for score in of_file[:per_file])
            assert sorted(hit.score for hit in best_found) == best
            assert all(scores[hit.snippet_id] == hit.score for hit in best_found)
        wanted = [1, 2, 3, 50, 150]
        known = {one: scores[one] for one in wanted if one in scores}
        assert in_files.scores([*wanted, 9_999]) == known
        assert reader.in_files(terms, list(range(60))).scores(wanted) == known


def test_more_snippets_in_files_than_are_asked_for_at_first(
    many: KeywordState, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = many.reader(Scope(ONE)).in_files(["lantern"], list(range(60))).best(100)
    monkeypatch.setattr(reading, "MOST_SNIPPETS_OF_FILES", 3)
    assert many.reader(Scope(ONE)).in_files(["lantern"], list(range(60))).best(100) == every
    assert len(every) > 3


def test_ties_are_ordered_by_content(tmp_path: Path) -> None:
    """And not by ids, which depend on history."""
    texts = [f"lantern {word}" for word in WORDS[1:]]
    found: list[list[str]] = []
    for name, order in (("a", texts), ("b", list(reversed(texts)))):
        snippets = [snippet(number, text) for number, text in enumerate(order, 1)]
        reader = store(tmp_path / name / "6", *snippets).reader()
        hits = reader.search(["lantern"], Scope(ONE), 5)
        assert len({hit.score for hit in hits}) == 1
        found.append([order[number - 1] for number in ids(hits)])
        assert ids(reader.search(["lantern"], Scope(ONE), 3)) == ids(hits)[:3]
    assert found[0] == found[1]


def test_ties_for_a_word_of_every_snippet_are_ordered_by_content(tmp_path: Path) -> None:
    """Whose rarity tantivy rounds, in single precision, by more than its scores."""
    texts = [f"lantern word{number}" for number in range(384)]
    found: list[set[str]] = []
    for name, order in (("a", texts), ("b", list(reversed(texts)))):
        snippets = [snippet(number, text) for number, text in enumerate(order, 1)]
        hits = store(tmp_path / name / "6", *snippets).reader().search(["lantern"], Scope(ONE), 9)
        found.append({order[number - 1] for number in ids(hits)})
    assert found[0] == found[1]
    assert len(found[0]) == 9


def test_a_search_among_many_ties_leaves_other_records_cached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(found, "MOST_ADDED", 2)
    texts = ("quartz one", "quartz two", *[f"meadow part{number}" for number in range(6)])
    state = store(tmp_path / "6", *(snippet(number, text) for number, text in enumerate(texts)))
    assert len(state.reader().search(["quartz"], Scope(ONE), 9)) == 2
    cached = sorted(state.records.values)
    assert len(cached) == 2
    assert len(state.reader().search(["meadow"], Scope(ONE), 9)) == 6
    assert sorted(state.records.values) == cached


def test_a_cached_record_is_not_used_once_the_names_around_a_text_have_changed(
    tmp_path: Path,
) -> None:
    def scores(folder: Path, records: RecordCache, scope: str) -> list[float]:
        method = snippet(1, "quartz", symbol="light", kind=SymbolKind.METHOD, scope=scope)
        others = [snippet(number, "meadow") for number in range(2, 6)]
        state = store(folder, method, *others)
        state.records = records
        return [hit.score for hit in state.reader().search(["quartz", "violin"], Scope(ONE), 9)]

    records = RecordCache()
    before = scores(tmp_path / "old" / "6", records, "Basket")
    renamed = scores(tmp_path / "new" / "6", records, "Violin")
    assert renamed == scores(tmp_path / "fresh" / "6", RecordCache(), "Violin") != before


@pytest.fixture
def reader(tmp_path: Path) -> TantivyReader:
    """Two indexes with a few definitions."""
    snippets = (
        snippet(1, "lantern", symbol="OpenLantern", kind="function", file_id=1),
        snippet(2, "lantern basket", symbol="open_basket", kind="class", file_id=2),
        snippet(3, "lantern", 2, symbol="OpenLantern", kind="class", file_id=3),
        snippet(4, "basket", file_id=1),
    )
    return store(tmp_path / "keyword" / "6", *snippets).reader()


def test_what_a_scope_holds(reader: TantivyReader) -> None:
    def found(scope: Scope) -> list[int]:
        return sorted(ids(reader.search(["lantern"], scope, 9)))

    assert found(Scope(BOTH)) == [1, 2, 3]
    assert found(Scope(ONE)) == [1, 2]
    assert found(Scope(frozenset())) == []
    assert found(Scope(BOTH, frozenset([1, 3]))) == [1, 3]
    assert found(Scope(BOTH, frozenset())) == []
    assert found(Scope(BOTH, hidden_file_ids=frozenset([2]))) == [1, 3]
    classes = (SymbolKind.CLASS,)
    assert found(Scope(BOTH, kinds=classes)) == [2, 3]
    assert found(Scope(ONE, kinds=(*classes, SymbolKind.FUNCTION))) == [1, 2]
    assert reader.search([], Scope(BOTH), 9) == []
    assert reader.search(["nothing"], Scope(BOTH), 9) == []
    assert sorted(ids(reader.search(["nothing", "basket"], Scope(ONE), 9))) == [2, 4]
    assert reader.search(["lantern"], Scope(BOTH), 0) == []
    assert reader.candidates(["lantern"], Scope(ONE), 9) == {1, 2}
    assert reader.candidates([], Scope(BOTH), 9) == set()


def test_definitions_and_similar_names(reader: TantivyReader) -> None:
    """Case is ignored, and none of the terms is needed."""
    assert reader.definitions("OPENLANTERN", [], Scope(BOTH), 9) == {1, 3}
    assert reader.definitions("openlantern", ["basket"], Scope(BOTH), 9) == {1, 3}
    assert reader.definitions("open_basket", ["lantern"], Scope(BOTH), 9) == {2}
    assert reader.definitions("open", [], Scope(BOTH), 9) == set()
    near = reader.near({"openlantren": 2}, Scope(BOTH), 9)
    assert sorted(ids(near)) == [1, 3]
    assert {hit.score for hit in near} == {0.0}
    assert sorted(ids(reader.near({"openlan": 1}, Scope(BOTH), 9))) == [1, 3]  # how it begins
    assert sorted(ids(reader.near({"openlan": 1, "open_b": 1}, Scope(ONE), 9))) == [1, 2]
    assert reader.near({"other": 1}, Scope(BOTH), 9) == []
    assert reader.near({}, Scope(BOTH), 9) == []


def test_excluded_indexes_are_not_found(reader: TantivyReader) -> None:
    """By any search; the reader it was derived from still finds them."""
    other = reader.without(TWO)
    assert (other.leaves_out, reader.leaves_out) == (TWO, frozenset())
    assert sorted(ids(other.search(["lantern"], Scope(BOTH), 9))) == [1, 2]
    assert other.definitions("openlantern", [], Scope(BOTH), 9) == {1}
    assert ids(other.near({"openlan": 1}, Scope(BOTH), 9)) == [1]
    assert sorted(ids(other.in_files(["lantern"], [1, 2, 3]).best(9))) == [1, 2]
    assert sorted(ids(reader.in_files(["lantern"], [1, 2, 3]).best(9))) == [1, 2, 3]
    assert reader.in_files(["lantern"], []).best(9) == []
    assert reader.in_files([], [1]).best(9) == []


def test_statistics_are_of_the_indexes_that_are_asked_for(reader: TantivyReader) -> None:
    terms = ["lantern", "basket", "nothing"]
    readers = (reader, reader.over(Scope(ONE)), reader.over(Scope(TWO)))
    every, one, two = (some.statistics(terms) for some in readers)
    assert (every.snippets, every.frequencies) == (4, {"lantern": 3, "basket": 2, "nothing": 0})
    assert (one.snippets, one.frequencies) == (3, {"lantern": 2, "basket": 2, "nothing": 0})
    assert (two.snippets, two.frequencies) == (1, {"lantern": 1, "basket": 0, "nothing": 0})
    assert reader.over(Scope(BOTH)).statistics(terms) == every


def test_an_index_that_holds_nothing(tmp_path: Path) -> None:
    reader = KeywordState(
        open_index(tmp_path / "6"), tmp_path / "6", RecordCache(), Standing()
    ).reader()
    assert reader.search(["lantern"], Scope(ONE), 9) == []
    assert reader.near({"lantern": 1}, Scope(ONE), 9) == []
    assert reader.definitions("lantern", ["lantern"], Scope(ONE), 9) == set()
    assert reader.in_files(["lantern"], [1]).best(1) == []
    assert reader.statistics(["lantern"]).snippets == 0
