"""The files of the keyword index can be read at any time, even while a writer changes them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from kodit.domain.entities import StoredSnippet
from kodit.domain.errors import PermanentError
from kodit.domain.keyword import KeywordBatch, KeywordPosition
from kodit.infrastructure.keyword import querying, tantivy_index, writing
from kodit.infrastructure.keyword.empty import EmptyReader
from kodit.infrastructure.keyword.standing import (
    NAME,
    DamagedIndexError,
    Place,
    Standing,
    check_files,
    read_standing,
    write_standing,
)
from kodit.infrastructure.keyword.tantivy_index import TantivyKeywordIndex
from kodit.infrastructure.keyword.version import SCHEMA_VERSION
from kodit.infrastructure.processes.pool import ProcessPool

SNIPPETS = 6


def snippet(number: int) -> StoredSnippet:
    return StoredSnippet(
        id=number,
        index_id=1,
        file_id=number,
        source="/source",
        path=f"{number}.py",
        start_line=1,
        end_line=1,
        language="python",
        symbol=f"harvest_{number}",
        kind=None,
        scope="",
        text=f"def harvest_{number}(): pass",
    )


def batches() -> list[KeywordBatch]:
    """Several snippets at once, which are then deleted one by one."""
    made = [KeywordBatch(1, 1, [], [snippet(n + 1) for n in range(SNIPPETS)], "g", None, {1: 1})]
    for seq in range(2, SNIPPETS):
        made.append(KeywordBatch(1, seq, [seq], [], "g", made[-1].reached, {seq: seq}))
    return made


def test_the_index_can_be_read_at_every_step_of_a_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Even when a list of deleted snippets has replaced another one, and the writer has not
    recorded the files yet.
    """
    readers: list[type] = []

    def read_and_write(folder: Path, places: Mapping[int, Place], *, sealed: bool) -> None:
        index = TantivyKeywordIndex(tmp_path, cast(ProcessPool, None))
        readers.append(type(index.reader()))
        write_standing(folder, places, sealed=sealed)
        readers.append(type(index.reader()))

    monkeypatch.setattr(writing, "write_standing", read_and_write)
    for batch in batches():
        assert writing.apply_batches(str(tmp_path / SCHEMA_VERSION), [batch], report=_ignore) == [
            True
        ]
    assert EmptyReader in readers[:3]  # there was nothing before the first commit
    assert EmptyReader not in readers[3:]
    assert len(readers) == 4 * len(batches())
    assert caplog.messages == []
    index = TantivyKeywordIndex(tmp_path, cast(ProcessPool, None))
    last = SNIPPETS - 1
    assert index.positions([1]) == {1: KeywordPosition("g", last, last)}


def _ignore(*_progress: Any) -> None:
    pass


class PanicException(BaseException):
    """tantivy's panic."""


@pytest.mark.parametrize(
    ("error", "is_of_the_engine"),
    [
        *((kind("no luck"), True) for kind in (ValueError, KeyError, TypeError, PanicException)),
        *((kind("no luck"), False) for kind in (OSError, RuntimeError, SystemExit)),
        (KeyboardInterrupt(), False),
        (GeneratorExit(), False),
    ],
    ids=repr,
)
def test_what_goes_wrong_in_reading(
    tmp_path: Path, error: BaseException, *, is_of_the_engine: bool
) -> None:
    with pytest.raises(BaseException) as told, querying.reading(tmp_path):
        raise error
    if is_of_the_engine:
        assert isinstance(told.value, PermanentError)
        assert told.value.code == "keyword_index_unreadable"
    else:
        assert told.value is error


def test_a_number_is_found_wherever_it_is_explained() -> None:
    other = {"description": "N, nothing", "value": "x", "details": [{"description": "a"}]}
    tree = {"details": [{"details": []}, {"details": [{"description": "N, all", "value": 3}]}]}
    assert querying.explained(tree, "N, ") == 3.0
    assert querying.explained({"details": [{}, tree]}, "N, all") == 3.0
    lacking: object
    for lacking in ({}, [], None, other["details"]):
        with pytest.raises(LookupError):
            querying.explained(lacking, "N, ")


class Held:
    """A keyword index that holds one snippet."""

    def __init__(self, folder: Path) -> None:
        self.index = TantivyKeywordIndex(folder, ProcessPool(folder))
        self.folder = folder / SCHEMA_VERSION
        self.write(1)

    def write(self, number: int) -> None:
        before = None if number == 1 else KeywordPosition("a", number - 1, number - 1)
        batch = KeywordBatch(1, number, (), [snippet(number)], "a", before, {number: number})
        assert writing.apply_batches(str(self.folder), [batch], report=lambda *_: None) == [True]

    def snippets(self) -> int:
        return self.index.reader().statistics([]).snippets


@pytest.fixture
def held(tmp_path: Path) -> Held:
    return Held(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        *("7", "[]", "{}", '{"positions": [], "files": {}, "meta": null}'),
        '{"positions": {"1": ["a", 1, 1]}, "files": {}, "meta": null}',
        '{"positions": {"x": ["a", 1, 1, false]}, "files": {}, "meta": null}',
        '{"positions": {}, "files": {"a": 1}, "meta": null}',
        '{"positions": {}, "files": {}, "meta": "x"}',
        '{"positions": {}, "files": {}}',
    ],
)
def test_positions_that_are_none(held: Held, content: str) -> None:
    body = content.encode()
    (held.folder / NAME).write_bytes(b"%08x\n%s" % (zlib.crc32(body), body))
    with pytest.raises(DamagedIndexError, match="does not hold positions"):
        read_standing(held.folder)


@pytest.mark.parametrize(
    "content", ["", "7", "{}", "[]", '{"segments": 1}', '{"segments": [1]}', '{"segments": [{}]}']
)
def test_a_list_of_files_that_is_none(held: Held, content: str) -> None:
    standing = read_standing(held.folder)
    (held.folder / "meta.json").write_text(content)
    with pytest.raises(DamagedIndexError, match=r"its meta.json is damaged"):
        check_files(held.folder, replace(standing, meta=None))


def test_a_file_that_is_missing(held: Held, caplog: pytest.LogCaptureFixture) -> None:
    """A reader then finds nothing, and says so."""
    assert held.snippets() == 1
    path = next(held.folder.glob("*.store"))
    path.unlink()
    with pytest.raises(DamagedIndexError, match=f"its file {path.name} is damaged"):
        check_files(held.folder, read_standing(held.folder))
    other = TantivyKeywordIndex(held.folder.parent, ProcessPool(held.folder))
    assert isinstance(other.reader(), EmptyReader)
    assert other.reader() is other.reader()
    [record] = caplog.records
    assert vars(record)["folder"] == str(held.folder)
    assert vars(record)["reason"] == f"its file {path.name} is damaged"


@pytest.mark.parametrize(
    "error", [DamagedIndexError("x"), FileNotFoundError(), PermanentError("x")]
)
def test_opening_it_while_a_writer_is_active_retries(
    held: Held, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Files that are changing are not taken for damage."""
    left = [error]

    def check_as_it_changes(folder: Path, standing: Standing) -> None:
        if left:
            held.write(2)
            raise left.pop()
        check_files(folder, standing)

    monkeypatch.setattr(tantivy_index, "check_files", check_as_it_changes)
    assert held.snippets() == 2
    assert left == []


def test_an_index_that_may_not_be_read(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_folder: Path, _standing: Standing) -> None:
        raise PermissionError

    monkeypatch.setattr(tantivy_index, "check_files", refuse)
    with pytest.raises(PermanentError, match="belongs to another user"):
        held.snippets()
