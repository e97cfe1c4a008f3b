"""What readers of the keyword index see of its writers."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.searching.keyword_engine import Engine, batch, snippet
from tests.support.memory import mapped_bytes

from kodit.domain.errors import PermanentError
from kodit.domain.keyword import KeywordPosition
from kodit.domain.value_objects import Scope
from kodit.infrastructure.keyword import corpus, found, positions, reading, schema, statistics
from kodit.infrastructure.keyword.corpus import Corpus
from kodit.infrastructure.keyword.found import RecordCache
from kodit.infrastructure.keyword.positions import KeywordPositions
from kodit.infrastructure.keyword.querying import within
from kodit.infrastructure.keyword.reading import KeywordState, TantivyReader
from kodit.infrastructure.keyword.schema import FILE_ID, open_index, to_documents
from kodit.infrastructure.keyword.standing import (
    NAME,
    Standing,
    read_standing,
    write_standing,
)
from kodit.infrastructure.keyword.tantivy_index import TantivyKeywordIndex
from kodit.infrastructure.keyword.version import SCHEMA_VERSION
from kodit.infrastructure.processes.pool import ProcessPool

ONE = frozenset([1])


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path / "keyword" / "6")


def test_a_reader_sees_that_an_index_was_dropped(tmp_path: Path, engine: Engine) -> None:
    """Even if it had no documents, so that only the positions have changed."""
    index = TantivyKeywordIndex(tmp_path / "keyword", ProcessPool(tmp_path))
    engine = Engine(tmp_path / "keyword" / SCHEMA_VERSION)
    engine.apply(batch(1, 1, snippet(1)))
    assert index.positions([1, 2]) == {1: KeywordPosition("a", 1, 1), 2: None}
    places = dict(read_standing(engine.folder).places)
    places[1] = places[1]._replace(position=KeywordPosition("z", 9, 9))
    write_standing(engine.folder, places, sealed=True)
    assert index.positions([1]) == {1: KeywordPosition("z", 9, 9)}


def test_a_reader_sees_later_writes(tmp_path: Path) -> None:
    """Whatever it has opened before."""
    index = TantivyKeywordIndex(tmp_path / "keyword", ProcessPool(tmp_path))
    engine = Engine(tmp_path / "keyword" / SCHEMA_VERSION)
    engine.apply(batch(1, 1, snippet(1)))
    former = index.reader()
    assert former.statistics(["lantern"]).snippets == 1
    engine.apply(batch(2, 2, snippet(2), follows=1))
    assert index.reader().statistics(["lantern"]).snippets == 2
    assert former.statistics(["lantern"]).snippets == 1


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_is_not_searched_is_closed(tmp_path: Path) -> None:
    """And is opened again with all that was known about it, unless it was written meanwhile."""
    index = TantivyKeywordIndex(tmp_path / "keyword", ProcessPool(tmp_path))
    engine = Engine(tmp_path / "keyword" / SCHEMA_VERSION)
    engine.apply(batch(1, 1, snippet(1)))
    reader = index.reader()
    assert isinstance(reader, TantivyReader)
    known = reader._state.statistics
    assert index.reader().over(Scope(ONE)).statistics(["lantern"]).frequencies == {"lantern": 1}
    hits = reader.search(["lantern"], Scope(ONE), 9)
    index.close_unused()
    assert index.reader() is reader, "it was used since"
    index.close_unused()
    index.close_unused()
    assert reader.search(["lantern"], Scope(ONE), 9) == hits, "who has it may use it"
    assert mapped_bytes(engine.folder)
    del reader
    assert not mapped_bytes(engine.folder)
    again = index.reader()
    assert isinstance(again, TantivyReader)
    assert again.search(["lantern"], Scope(ONE), 9) == hits
    assert again._state.statistics is known
    index.close_unused()
    index.close_unused()
    engine.apply(batch(2, 2, snippet(2), follows=1))
    assert index.reader().statistics(["lantern"]).frequencies == {"lantern": 2}


def test_a_damaged_index_is_reported_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """However often it could be closed."""
    index = TantivyKeywordIndex(tmp_path / "keyword", ProcessPool(tmp_path))
    engine = Engine(tmp_path / "keyword" / SCHEMA_VERSION)
    engine.apply(batch(1, 1, snippet(1)))
    (engine.folder / "meta.json").write_text("{}")
    for _look in range(2):
        assert index.positions([1]) == {1: None}
        index.close_unused()
        index.close_unused()
    assert caplog.text.count("damaged") == 1


def test_positions_are_read_without_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The current ones; a damaged index has none."""
    told = KeywordPositions(tmp_path / "keyword")
    engine = Engine(tmp_path / "keyword" / SCHEMA_VERSION)
    assert told.reader().positions([1]) == {1: None}
    engine.apply(batch(1, 1, snippet(1)))
    former = told.reader()
    assert former.positions([1, 2]) == {1: KeywordPosition("a", 1, 1), 2: None}
    assert told.reader() is former
    engine.apply(batch(2, 2, snippet(2), follows=1))
    assert told.reader().positions([1]) == {1: KeywordPosition("a", 2, 2)}
    assert former.positions([1]) == {1: KeywordPosition("a", 1, 1)}
    assert former.without(ONE).leaves_out == ONE
    assert former.leaves_out == frozenset()
    next(engine.folder.glob("*.store")).write_bytes(b"other")
    assert KeywordPositions(tmp_path / "keyword").reader().positions([1]) == {1: None}
    (engine.folder / NAME).write_bytes(b"other")
    assert told.reader().positions([1]) == {1: None}

    def refuse(_folder: Path) -> Standing:
        raise PermissionError

    monkeypatch.setattr(positions, "read_standing", refuse)
    with pytest.raises(PermanentError, match="belongs to another user") as refused:
        KeywordPositions(tmp_path / "keyword").reader()
    assert refused.value.code == "keyword_index_unreadable"
    assert refused.value.fields == {"folder": str(engine.folder)}


def test_a_corpus_consists_of_existing_snippets(engine: Engine) -> None:
    """Of some indexes or of all; deleted ones do not count."""
    engine.apply(batch(1, 1, snippet(1), snippet(2, text="lantern basket basket")))
    engine.apply(batch(1, 1, snippet(3, 2), index_id=2))
    engine.apply(batch(2, 2, follows=1, deletions=[1]))
    index = open_index(engine.folder)

    def figures(*index_ids: int) -> tuple[int, float, int, int]:
        clauses = within(Scope(frozenset(index_ids))) if index_ids else ()
        some = Corpus(index.searcher(), index.schema, engine.folder, clauses)
        return some.snippets, some.average_length, some.having("lantern"), some.having("basket")

    one, two = figures(1), figures(2)
    assert (one[0], *one[2:]) == (1, 1, 1)
    assert (two[0], *two[2:]) == (1, 1, 0)
    assert one[1] > two[1] > 1
    assert figures() == figures(1, 2) == (2, (one[1] + two[1]) / 2, 2, 1)
    assert figures(9) == (0, 1.0, 0, 0)


def test_a_scope_of_no_files_holds_nothing() -> None:
    fields = [clause.field for clause in within(Scope(ONE, frozenset()))]
    assert fields.count(FILE_ID) == 1
    both = Scope(ONE, frozenset([1, 2]), hidden_file_ids=frozenset([2]))
    assert [clause.field for clause in within(both)].count(FILE_ID) == 2
    assert [clause.field for clause in within(Scope(ONE))].count(FILE_ID) == 0


def test_caches_are_bounded(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records, statistics of sets of indexes, and the terms of runs."""
    monkeypatch.setattr(found, "MOST_RECORD_BYTES", 4_000)
    for module in (reading, statistics):
        monkeypatch.setattr(module, "MOST_CORPORA", 2)
    monkeypatch.setattr(corpus, "MOST_ASKED", 3)
    monkeypatch.setattr(schema, "MOST_RUNS", 3)
    records = RecordCache()
    for number in range(10):
        records.add(number, bytes(800))
        assert 1 <= len(records.values) <= 4
    for number in range(1, 6):
        engine.apply(batch(1, 1, snippet(number, number), index_id=number))
    state = KeywordState(open_index(engine.folder), engine.folder, records, Standing())
    for number in range(1, 6):
        state.reader(Scope(frozenset([number])))
        assert len(state._corpora) <= 2
        assert len(state.statistics._of_scopes) <= 2
        state.reader().statistics([f"lantern{number}"])
        assert len(state.statistics.whole.asked) <= 3
    many = [snippet(number, text=f"lantern{number} basket{number}") for number in range(10)]
    assert len(list(to_documents(many))) == 10
    assert len(schema._terms_of) <= 3
