"""A writer of the keyword index that is called twice, too late, or with another log; and files that
differ from those that the last writer left.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from kodit.domain.entities import StoredSnippet
from kodit.domain.errors import PermanentError, TransientError
from kodit.domain.keyword import KeywordBatch, KeywordPosition
from kodit.domain.value_objects import Scope
from kodit.infrastructure.keyword import found, positions, reading, schema, writing
from kodit.infrastructure.keyword.corpus import Corpus
from kodit.infrastructure.keyword.found import RecordCache
from kodit.infrastructure.keyword.positions import KeywordPositions
from kodit.infrastructure.keyword.querying import within
from kodit.infrastructure.keyword.reading import KeywordState
from kodit.infrastructure.keyword.schema import FILE_ID, open_index, to_documents
from kodit.infrastructure.keyword.standing import (
    NAME,
    DamagedIndexError,
    Standing,
    check_files,
    read_standing,
    write_standing,
)
from kodit.infrastructure.keyword.tantivy_index import TantivyKeywordIndex
from kodit.infrastructure.keyword.version import SCHEMA_VERSION
from kodit.infrastructure.keyword.writing import apply_batches, drop_index
from kodit.infrastructure.processes.pool import ProcessPool

ONE = frozenset([1])


def test_batches_of_several_indexes_are_one_commit(engine: Engine) -> None:
    """One that is refused, was applied before or is of a deleted index changes nothing, and does
    not keep the others from being applied."""
    engine.apply(batch(1, 1, snippet(1)))
    engine.apply(batch(1, 1, snippet(2, 2), index_id=2))
    engine.drop(2, "a")
    before = segments(engine)
    assert engine.apply_all(
        batch(1, 1, snippet(1)),
        batch(1, 1, snippet(2, 2), index_id=2),
        batch(2, 2, snippet(3, 3), follows=1, index_id=3),
        batch(1, 2, snippet(4, 4), snippet(5, 4), index_id=4),
        batch(1, 1, snippet(6, 5), index_id=5),
    ) == [True, True, False, True, True]
    assert len(segments(engine)) == len(before) + 1
    assert engine.holds() == 4
    assert [engine.position(one) for one in (2, 3)] == [None, None]
    assert [engine.position(one) for one in (1, 4, 5)] == [
        KeywordPosition("a", number, number) for number in (1, 2, 1)
    ]


def test_batches_without_news_are_no_commit(engine: Engine) -> None:
    both = batch(1, 1, snippet(1)), batch(1, 1, snippet(2, 2), index_id=2)
    assert engine.apply_all(*both) == [True, True]
    before = segments(engine)
    assert engine.apply_all(*both) == [True, True]
    assert segments(engine) == before


def segments(engine: Engine) -> list[str]:
    """Every commit that adds something makes one."""
    meta = json.loads((engine.folder / "meta.json").read_bytes())
    return [one["segment_id"] for one in meta["segments"]]


def test_leftovers_of_writers(tmp_path: Path) -> None:
    """Ours and tantivy's, which have other names."""
    for name in ("a.tmp", ".tmpabc", "meta.json", "tmp", "a.tmp.json"):
        (tmp_path / name).touch()
    assert writing.leftovers(tmp_path) == [tmp_path / ".tmpabc", tmp_path / "a.tmp"]


def silent(_done: int, _total: int) -> None:
    """Ignores reports."""


def snippet(number: int, index_id: int = 1, text: str = "lantern") -> StoredSnippet:
    return StoredSnippet(number, index_id, 1, "/s", "a.py", 1, 2, "c", None, None, "", text)


def batch(
    first: int,
    last: int,
    *additions: StoredSnippet,
    generation: str = "a",
    follows: int | None = None,
    index_id: int = 1,
    deletions: Sequence[int] = (),
) -> KeywordBatch:
    """The changes from one number to another; each has its number as token."""
    before = None if follows is None else KeywordPosition(generation, follows, follows)
    tokens = {seq: seq for seq in range(first, last + 1)}
    return KeywordBatch(index_id, last, deletions, additions, generation, before, tokens)


class Engine:
    """A keyword index whose writers run in this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def apply(self, some: KeywordBatch) -> bool:
        [applied] = self.apply_all(some)
        return applied

    def apply_all(self, *some: KeywordBatch) -> list[bool]:
        return apply_batches(str(self.folder), some, report=silent)

    def drop(self, index_id: int, generation: str | None) -> None:
        drop_index(str(self.folder), index_id, generation, report=silent)

    def holds(self) -> int:
        return int(open_index(self.folder).searcher().num_docs)

    def position(self, index_id: int = 1) -> KeywordPosition | None:
        return read_standing(self.folder).position(index_id)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path / "keyword" / "6")


def test_a_batch_that_comes_again_changes_nothing(engine: Engine) -> None:
    """Whether its writer has recorded its position or was killed before."""
    assert engine.apply(batch(1, 2, snippet(1), snippet(2)))
    before = read_standing(engine.folder).places
    second = batch(3, 3, snippet(3), follows=2)
    assert engine.apply(second)
    assert engine.apply(second)
    assert engine.holds() == 3
    assert engine.position() == KeywordPosition("a", 3, 3)
    write_standing(engine.folder, before, sealed=False)
    assert engine.apply(second)
    assert engine.holds() == 3


def test_a_batch_that_does_not_continue_what_is_held_is_refused(engine: Engine) -> None:
    assert engine.apply(batch(1, 2, snippet(1)))
    for other in (
        batch(5, 6, snippet(2), follows=4),
        batch(3, 3, snippet(2), follows=2, generation="b"),
        batch(2, 3, snippet(2), follows=1, index_id=2),
    ):
        assert not engine.apply(other)
    assert engine.holds() == 1
    assert engine.position() == KeywordPosition("a", 2, 2)


def test_a_log_that_starts_anew_replaces_all_of_its_index(engine: Engine) -> None:
    engine.apply(batch(1, 2, snippet(1), snippet(2)))
    engine.apply(batch(1, 1, snippet(7, 2), index_id=2))
    assert engine.apply(batch(1, 1, snippet(3), generation="b"))
    assert engine.holds() == 2
    assert engine.position() == KeywordPosition("b", 1, 1)


def test_nothing_comes_back_of_an_index_that_was_dropped(engine: Engine) -> None:
    """From a worker that does not know of it; a new index with the same id starts from nothing."""
    engine.apply(batch(1, 1, snippet(1)))
    engine.drop(1, "a")
    assert (engine.holds(), engine.position()) == (0, None)
    assert engine.apply(batch(2, 2, snippet(2), follows=1))
    assert engine.apply(batch(1, 1, snippet(2)))
    assert (engine.holds(), engine.position()) == (0, None)
    assert engine.apply(batch(1, 1, snippet(2), generation="b"))
    assert (engine.holds(), engine.position()) == (1, KeywordPosition("b", 1, 1))


def test_an_unknown_index_is_dropped_too(engine: Engine) -> None:
    """Even one whose position was lost."""
    engine.apply(batch(1, 1, snippet(1)))
    engine.apply(batch(1, 1, snippet(2, 2), index_id=2))
    places = dict(read_standing(engine.folder).places)
    del places[1]
    write_standing(engine.folder, places, sealed=True)
    engine.drop(1, None)
    assert engine.holds() == 1
    assert read_standing(engine.folder).places.keys() == {2}
    engine.drop(3, "c")  # was never held, and may still be asked for
    assert engine.apply(batch(1, 1, snippet(3, 3), generation="c", index_id=3))
    assert engine.holds() == 1


def test_readers_notice_that_it_is_being_written(engine: Engine) -> None:
    """And so does a reader after a writer that was killed."""
    seen: list[Standing] = []

    def look(_done: int, _total: int) -> None:
        seen.append(read_standing(engine.folder))

    engine.apply(batch(1, 1, snippet(1)))
    assert read_standing(engine.folder).meta is not None
    second = batch(2, 2, snippet(2), follows=1)
    apply_batches(str(engine.folder), [second], report=look)
    assert [standing.meta for standing in seen] == [None]
    assert seen[0].position(1) == KeywordPosition("a", 1, 1)


def test_files_are_those_that_were_written(engine: Engine) -> None:
    """A copy has other times, and is intact; a changed file is not."""
    engine.apply(batch(1, 1, snippet(1)))
    standing = read_standing(engine.folder)
    check_files(engine.folder, standing)
    path = next(engine.folder.glob("*.store"))
    os.utime(path, ns=(1, 1))
    check_files(engine.folder, standing)
    content = path.read_bytes()
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    with pytest.raises(DamagedIndexError, match=f"its file {path.name} is damaged"):
        check_files(engine.folder, standing)


def test_the_list_of_files_is_the_one_that_was_written(engine: Engine) -> None:
    engine.apply(batch(1, 1, snippet(1)))
    standing = read_standing(engine.folder)
    meta = engine.folder / "meta.json"
    meta.write_bytes(meta.read_bytes() + b" ")
    with pytest.raises(DamagedIndexError, match=r"its meta.json is not the one that was written"):
        check_files(engine.folder, standing)
    meta.unlink()
    with pytest.raises(DamagedIndexError, match=r"its meta.json is missing"):
        check_files(engine.folder, standing)
    dropped = {1: standing.places[1]._replace(is_dropped=True)}
    check_files(engine.folder, Standing(dropped))  # which needs no file
    (engine.folder / NAME).write_bytes((engine.folder / NAME).read_bytes()[:-1] + b" ")
    with pytest.raises(DamagedIndexError, match=f"its {NAME} is damaged"):
        read_standing(engine.folder)


def test_a_damaged_index_starts_from_nothing(engine: Engine) -> None:
    """So a batch that relies on its content is refused. Leftovers of killed writers are removed,
    too.
    """
    engine.apply(batch(1, 1, snippet(1)))
    engine.apply(batch(1, 1, snippet(5, 2), index_id=2))
    (engine.folder / NAME).write_bytes(b"0\n{}")
    (engine.folder / "left.tmp").write_bytes(b"half")
    (engine.folder / ".tmp1").write_bytes(b"half")
    (engine.folder.parent / "left.tmp").mkdir()
    assert not engine.apply(batch(2, 2, snippet(2), follows=1))
    assert sorted(path.name for path in engine.folder.parent.iterdir()) == ["6", "keyword.lock"]
    assert not list(engine.folder.iterdir())
    assert engine.apply(batch(1, 2, snippet(1)))
    assert engine.holds() == 1


class PanicException(BaseException):
    """tantivy's panic."""


@pytest.mark.parametrize(
    ("error", "is_damaged", "why"),
    [
        (ValueError("no\n  luck"), False, "no luck"),
        (PanicException("no luck"), False, "no luck"),
        (ValueError("a file is Corrupt"), False, None),
        (ValueError("no luck"), True, None),
        (PanicException("no luck"), True, None),
    ],
    ids=["error", "panic", "told-damage", "damage", "damage-and-panic"],
)
def test_errors_of_the_engine(
    engine: Engine, error: BaseException, is_damaged: bool, why: str | None
) -> None:
    """A damaged index is removed, any other stays."""
    engine.apply(batch(1, 1, snippet(1)))
    if is_damaged:
        next(engine.folder.glob("*.store")).write_bytes(b"other")
    with pytest.raises(TransientError) as told, writing._translated_errors(engine.folder):
        raise error
    said = "it was damaged and is rebuilt" if why is None else why
    assert str(told.value) == f"the keyword index cannot be written: {said}"
    assert engine.folder.is_dir()
    assert (engine.position() is None) is (why is None)


def test_a_disk_that_is_full_damages_nothing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.apply(batch(1, 1, snippet(1)))
    monkeypatch.setattr(writing, "why_write_fails", lambda _folder, _needed: "no room")
    with pytest.raises(TransientError) as told, writing._translated_errors(engine.folder):
        raise ValueError("corrupt")
    assert str(told.value).endswith(": no room; free some space and try again")
    assert engine.position() is not None


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError("other"), KeyError("mistake")])
def test_errors_that_are_not_of_the_engine_pass(engine: Engine, error: BaseException) -> None:
    engine.apply(batch(1, 1, snippet(1)))
    with pytest.raises(type(error)) as told, writing._translated_errors(engine.folder):
        raise error
    assert told.value is error
    assert engine.position() is not None


def test_the_last_write_is_durable(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unlike the mark of a running writer: a crash of the machine loses both that and the write."""
    engine.apply(batch(1, 1, snippet(1)))
    synced: list[int] = []
    monkeypatch.setattr("kodit.infrastructure.files.os.fsync", synced.append)
    write_standing(engine.folder, {}, sealed=False)
    assert synced == []
    write_standing(engine.folder, {}, sealed=True)
    assert synced


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

    def corpus(*index_ids: int) -> tuple[int, float, int, int]:
        some = Corpus(index.searcher(), index.schema, engine.folder, index_ids or None)
        return some.snippets, some.average_length, some.having("lantern"), some.having("basket")

    one, two = corpus(1), corpus(2)
    assert (one[0], *one[2:]) == (1, 1, 1)
    assert (two[0], *two[2:]) == (1, 1, 0)
    assert one[1] > two[1] > 1
    assert corpus() == corpus(1, 2) == (2, (one[1] + two[1]) / 2, 2, 1)
    assert corpus(9) == (0, 1.0, 0, 0)


def test_a_scope_of_no_files_holds_nothing() -> None:
    fields = [clause.field for clause in within(Scope(ONE, frozenset()))]
    assert fields.count(FILE_ID) == 1
    both = Scope(ONE, frozenset([1, 2]), hidden_file_ids=frozenset([2]))
    assert [clause.field for clause in within(both)].count(FILE_ID) == 2
    assert [clause.field for clause in within(Scope(ONE))].count(FILE_ID) == 0


def test_caches_are_bounded(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records, statistics of sets of indexes, and the terms of runs."""
    monkeypatch.setattr(found, "MOST_RECORD_BYTES", 4_000)
    monkeypatch.setattr(reading, "MOST_CORPORA", 2)
    monkeypatch.setattr(schema, "MOST_RUNS", 3)
    records = RecordCache()
    for number in range(10):
        records.add(number, bytes(800))
        assert 1 <= len(records.values) <= 4
    for number in range(1, 6):
        engine.apply(batch(1, 1, snippet(number, number), index_id=number))
    state = KeywordState(open_index(engine.folder), engine.folder, records, Standing())
    for number in range(1, 6):
        state.reader(frozenset([number]))
        assert len(state._corpora) <= 2
    many = [snippet(number, text=f"lantern{number} basket{number}") for number in range(10)]
    assert len(list(to_documents(many))) == 10
    assert len(schema._spaced) <= 3
    assert len(schema._codes) <= 3
