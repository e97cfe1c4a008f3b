"""Errors in the contents of the engines: pending changes are not drift."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, NoReturn, cast

import pytest
from tests.doctor.damage import (
    the_keyword_index_has_a_snippet_twice,
    the_keyword_index_keeps_a_dead_snippet,
    the_keyword_index_loses_snippets,
)
from tests.doctor.place import Place
from tests.doctor.rows import repair

from kodit.domain.diagnosis import Problem
from kodit.domain.ports.engines import KeywordIndex
from kodit.infrastructure.doctor import keyword_files
from kodit.infrastructure.doctor.keyword import KeywordExaminer
from kodit.infrastructure.doctor.keyword_files import read_all
from kodit.infrastructure.doctor.packs import PackExaminer
from kodit.infrastructure.keyword.standing import DamagedIndexError
from kodit.infrastructure.keyword.tantivy_index import TantivyKeywordIndex
from kodit.infrastructure.processes.pool import ProcessPool
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase, open_sqlite
from kodit.infrastructure.vectors.pack_file import write_pack


def told(problems: list[Problem]) -> list[str]:
    return [problem.what for problem in problems]


@pytest.fixture
def database(place: Place) -> Iterator[SqliteDatabase]:
    database = SqliteDatabase(
        open_sqlite(place.data_dir / "kodit.db"), place.data_dir / "write.lock"
    )
    yield database
    database.close()


class PackedRow(NamedTuple):
    snippet_id: int
    file_id: int
    code: bytes
    vector: bytes


def _other_file(row: PackedRow) -> PackedRow:
    return row._replace(file_id=row.file_id + 1)


def _other_scale(row: PackedRow) -> PackedRow:
    return row._replace(vector=row.vector[:-1] + bytes([row.vector[-1] ^ 1]))


def _other_value(row: PackedRow) -> PackedRow:
    return row._replace(vector=bytes([row.vector[0] ^ 1]) + row.vector[1:])


def _other_code(row: PackedRow) -> PackedRow:
    return row._replace(code=row.code[:-1] + bytes([row.code[-1] ^ 1]))


def _same(row: PackedRow) -> PackedRow:
    return row


def test_packed_data_is_compared_to_the_last_byte(place: Place, database: SqliteDatabase) -> None:
    """It may lag behind in added and removed rows."""
    rows = [
        PackedRow(*row)
        for row in place.sql(
            "SELECT snippet_id, vectors.version_id, vectors.code, embeddings.vector FROM vectors "
            "JOIN embeddings ON embeddings.id = embedding_id "
            "WHERE vectors.index_id = 1 AND kind = 'code' ORDER BY snippet_id"
        )
    ]
    ((model,),) = place.sql("SELECT DISTINCT model FROM vectors")
    folder = place.data_dir / "vectors"
    gone = rows[-1]._replace(snippet_id=10**6)
    for change in (_same, _other_file, _other_scale, _other_value, _other_code):
        token = write_pack(
            folder / "1-code.pack", model, [change(rows[0]), change(rows[1]), *rows[2:-1], gone]
        )
        place.sql("UPDATE indexes SET code_pack = ? WHERE id = 1", token)
        problems = PackExaminer(database, folder).examine()
        wrong = "2 vectors in 1-code.pack differ from the database"
        assert told(problems) == ([] if change is _same else [wrong]), change.__name__
        assert {problem.refresh for problem in problems} <= {frozenset([1])}
    token = write_pack(folder / "1-code.pack", model, [gone])  # of which nothing is left
    place.sql("UPDATE indexes SET code_pack = ? WHERE id = 1", token)
    assert PackExaminer(database, folder).examine() == []


@pytest.mark.parametrize("log", ["keyword_changes", "keyword_history"])
def test_pending_changes_of_the_keyword_index_are_no_drift(
    place: Place, database: SqliteDatabase, log: str
) -> None:
    """A snippet that is not in it yet, one to be added again, one to be removed, and one of an
    index that is being deleted. A node may have to follow what others have applied.
    """
    examiner = KeywordExaminer(database, place.keyword, cast(KeywordIndex, None))
    the_keyword_index_loses_snippets(place)
    the_keyword_index_has_a_snippet_twice(place)
    the_keyword_index_keeps_a_dead_snippet(place)
    drift = told(examiner.examine())
    assert drift == [
        "3 snippets are missing from it",
        "1 snippets are in it more than once",
        "1 snippets are in it that no longer exist",
    ]
    for snippet_id in (2, 5, 9, 7, 99999):
        place.sql(
            f"INSERT INTO {log} (seq, index_id, version_id, change_set, snippet_id, op, token) "  # noqa: S608
            "VALUES (?, 1, 1, 1, ?, ?, 1)",
            snippet_id,
            snippet_id,
            "remove" if snippet_id == 99999 else "add",
        )
    assert examiner.examine() == []
    place.sql("UPDATE indexes SET deleted_at = 1 WHERE id = 2")
    assert examiner.examine() == []


def test_a_missing_snippet_is_logged_once(place: Place, database: SqliteDatabase) -> None:
    """However often it is found missing before the log is applied."""
    examiner = KeywordExaminer(database, place.keyword, cast(KeywordIndex, None))
    the_keyword_index_loses_snippets(place)
    [problem] = examiner.examine()
    assert problem.relog == frozenset([1])
    repair(problem)
    repair(problem)
    assert place.sql("SELECT snippet_id, op FROM keyword_changes ORDER BY seq") == [
        (2, "add"),
        (5, "add"),
        (9, "add"),
    ]


def test_a_bit_flip_is_found(place: Place, database: SqliteDatabase) -> None:
    """No process has written the file, so that its time and size are unchanged: the next writer of
    the index would not notice, so that a repair starts with an empty one."""
    path = max(place.keyword.glob("*.store"), key=lambda one: one.stat().st_size)
    status = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0x10
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(DamagedIndexError, match=f"its file {path.name} is damaged"):
        read_all(place.keyword)
    index = TantivyKeywordIndex(place.data_dir / "keyword", ProcessPool(place.data_dir))
    examiner = KeywordExaminer(database, place.keyword, index)
    [problem] = examiner.examine()
    assert problem.relog == frozenset([1, 2])
    repair(problem)
    documents, _standing = read_all(place.keyword)
    assert not len(documents.snippet_ids)
    live = "SELECT id, index_id FROM snippets WHERE state = 'live' ORDER BY id"
    logged = "SELECT snippet_id, index_id FROM keyword_changes ORDER BY snippet_id"
    assert place.sql(logged) == place.sql(live)


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("of ours"), KeyboardInterrupt()])
def test_not_every_error_means_damage(
    place: Place, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """A repair would remove what is whole."""

    def fail(_folder: Path) -> NoReturn:
        raise error

    monkeypatch.setattr(keyword_files, "open_index", fail)
    with pytest.raises(type(error)):
        read_all(place.keyword)
