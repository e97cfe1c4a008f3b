"""A writer of the keyword index that is called twice, too late, or with another log; and files that
differ from those that the last writer left.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.searching.keyword_engine import Engine, batch, snippet

from kodit.domain.errors import PermanentError, TransientError
from kodit.domain.keyword import KeywordPosition
from kodit.infrastructure.keyword import querying, writing
from kodit.infrastructure.keyword.standing import (
    NAME,
    DamagedIndexError,
    Standing,
    check_files,
    read_standing,
    write_standing,
)
from kodit.infrastructure.keyword.writing import apply_batches


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


def test_small_batches_are_merged(engine: Engine) -> None:
    """A search reads each part of the index, and so few of them remain."""
    for number in range(1, 21):
        engine.apply(batch(number, number, snippet(number), follows=number - 1 or None))
    assert len(segments(engine)) < 10
    assert engine.holds() == 20


def test_leftovers_of_writers(tmp_path: Path) -> None:
    """Ours and tantivy's, which have other names."""
    for name in ("a.tmp", ".tmpabc", "meta.json", "tmp", "a.tmp.json"):
        (tmp_path / name).touch()
    assert writing.leftovers(tmp_path) == [tmp_path / ".tmpabc", tmp_path / "a.tmp"]


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


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError(), KeyboardInterrupt(), OSError()])
def test_errors_of_other_kinds_are_not_the_engine_s(engine: Engine, error: BaseException) -> None:
    """Neither writing nor reading."""
    engine.apply(batch(1, 1, snippet(1)))
    for translated in (writing._translated_errors, querying.reading):
        with pytest.raises(type(error)) as told, translated(engine.folder):
            raise error
        assert told.value is error
    assert engine.holds() == 1


@pytest.mark.parametrize("error", [ValueError(), KeyError(), TypeError(), PanicException()])
def test_errors_of_a_reader_mean_damage(engine: Engine, error: BaseException) -> None:
    with (
        pytest.raises(PermanentError, match="cannot be read") as told,
        querying.reading(engine.folder),
    ):
        raise error
    assert told.value.__cause__ is error


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
