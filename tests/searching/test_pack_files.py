"""When a pack is written, extended, kept or removed, over a small database."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.database.content import Content, rows
from tests.queue.databases import sqlite_database

from kodit.domain.value_objects import VectorKind
from kodit.infrastructure.processes.pool import ProcessPool
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase
from kodit.infrastructure.sqlalchemy.prepared import Driver
from kodit.infrastructure.vectors import pack_builder
from kodit.infrastructure.vectors.exact_index import ExactVectorIndex
from kodit.infrastructure.vectors.incomplete_file import PartlyEmbedded, partly_embedded_files
from kodit.infrastructure.vectors.pack_builder import (
    FEWEST_CHANGES,
    extend_pack,
    is_near,
    pack_path,
    refresh_pack,
)
from kodit.infrastructure.vectors.pack_file import open_pack
from kodit.infrastructure.vectors.quantization import pack, unpack

CODE, VECTOR = bytes(8), bytes(64) + struct.pack("<f", 1.0)


def silent(_done: int, _total: int) -> None:
    """Ignores reports."""


class Packed:
    """An index with some vectors of the model `m`, and its packs."""

    def __init__(self, database: SqliteDatabase, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self.path = pack_path(folder, 1, "code")
        with database.write() as transaction:
            Content(transaction, "/packed")

    def sql(self, statement: str, *values: object) -> None:
        with self.database.write() as transaction:
            transaction.connection.exec_driver_sql(statement, values)

    def store(self, *snippet_ids: int, model: str = "m") -> None:
        """Store vectors of these snippets."""
        with self.database.write() as transaction:
            for snippet_id in snippet_ids:
                connection = transaction.connection
                connection.exec_driver_sql(
                    "INSERT OR IGNORE INTO embeddings (id, index_id, key, code, vector) "
                    "VALUES (1, 1, 'k', ?, ?)",
                    (CODE, VECTOR),
                )
                connection.exec_driver_sql(
                    "INSERT INTO vectors VALUES (1, 'code', ?, 1, 1, ?, ?)",
                    (snippet_id, model, CODE),
                )

    def note(self, token: str | None) -> None:
        self.sql("UPDATE indexes SET code_pack = ?", token)

    def refresh(self, model: str = "m") -> str | None:
        had = self.path.exists()
        is_spared = had and self.is_near(model)
        token = refresh_pack(*self._of(model), report=silent)
        assert is_spared == (had and token is None and self.path.exists())
        return token

    def is_near(self, model: str = "m") -> bool:
        """Whether a stage would start no child process for the pack."""
        with self.database.read() as transaction:
            return is_near(transaction.cursors, self.folder, 1, VectorKind.CODE, model)

    def extend(self, model: str = "m") -> str | None:
        return extend_pack(*self._of(model), report=silent)

    def _of(self, model: str) -> tuple[str, str, int, str, str]:
        return str(self.database.path), str(self.folder), 1, "code", model

    def held(self) -> list[int]:
        packed = open_pack(self.path)
        return [] if packed is None else packed.snippet_ids.tolist()


@pytest.fixture
def packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Packed]:
    monkeypatch.setattr(pack_builder, "FEWEST_CHANGES", 4)
    monkeypatch.setattr(pack_builder, "FEWEST_AT_END", 2)
    monkeypatch.setattr(pack_builder, "LARGEST_SHARE", 0.5)
    with sqlite_database(tmp_path) as database:
        yield Packed(database, tmp_path / "vectors")


def test_a_first_pack_needs_enough_vectors(packed: Packed) -> None:
    """So many that a search should not read them from the database."""
    packed.store(1, 2, 3)
    assert packed.extend() is None
    assert packed.refresh() is None
    packed.store(4, 5)
    assert packed.extend() is not None
    assert packed.held() == [1, 2, 3, 4, 5]


def test_what_has_come_and_what_has_gone_has_a_pack_rewritten(packed: Packed) -> None:
    packed.store(*range(1, 9))
    packed.note(packed.refresh())
    packed.sql("DELETE FROM vectors WHERE snippet_id <= 4")
    assert packed.refresh() is None  # no more than half of it
    packed.sql("DELETE FROM vectors WHERE snippet_id = 5")
    packed.note(packed.refresh())
    assert packed.held() == [6, 7, 8]
    packed.store(9, 10)
    packed.note(packed.refresh())  # added at the end of a stage
    assert packed.held() == [6, 7, 8, 9, 10]
    packed.sql("DELETE FROM vectors")
    assert packed.refresh() is None
    assert not packed.path.exists()


def test_a_pack_that_is_not_of_this_database_or_model_is_not_added_to(packed: Packed) -> None:
    packed.store(*range(1, 9))
    packed.refresh()
    packed.note("of another one")
    packed.sql("DELETE FROM vectors WHERE snippet_id = 1")
    packed.store(9, 10, 11, 12)
    assert packed.extend() is not None
    assert packed.held() == list(range(2, 13))
    packed.note(packed.refresh())
    packed.store(*range(21, 27), model="n")
    assert packed.extend("n") is not None
    assert packed.held() == list(range(21, 27))


def test_nothing_is_left_of_an_index_that_was_deleted_meanwhile(packed: Packed) -> None:
    """Nor of a writer that was killed; the temporary file of another pack's writer stays."""
    packed.store(*range(1, 9))
    packed.folder.mkdir()
    left = packed.path.with_name(f"{packed.path.name}.1.0a1b2c3d.tmp")
    other = packed.path.with_name("1-text.pack.1.0a1b2c3d.tmp")
    for path in (left, other):
        path.touch()
    packed.sql("UPDATE indexes SET deleted_at = 1")
    packed.refresh()
    packed.extend()
    assert sorted(packed.folder.iterdir()) == [other]


def test_a_pack_beside_what_a_killed_writer_left_is_looked_at(packed: Packed) -> None:
    packed.store(*range(1, 9))
    packed.note(packed.refresh())
    assert packed.is_near()
    left = packed.path.with_name(f"{packed.path.name}.1.0a1b2c3d.tmp")
    left.touch()
    assert not packed.is_near()
    index = ExactVectorIndex(packed.database, packed.folder, ProcessPool(packed.folder))
    assert not index._needs_none(1, VectorKind.CODE, "m")
    left.unlink()
    assert index._needs_none(1, VectorKind.CODE, "m")


def test_an_index_that_is_dropped_has_no_pack_of_either_kind(packed: Packed) -> None:
    packed.folder.mkdir()
    for kind in ("code", "text"):
        pack_path(packed.folder, 1, kind).touch()
    kept = pack_path(packed.folder, 11, "code")
    kept.touch()
    ExactVectorIndex(packed.database, packed.folder, ProcessPool(packed.folder)).drop(1)
    assert list(packed.folder.iterdir()) == [kept]


def test_a_pack_of_another_model_is_not_searched(packed: Packed) -> None:
    """Even if the database has recorded it."""
    index = ExactVectorIndex(packed.database, packed.folder, ProcessPool(packed.folder))
    packed.store(*range(1, 9))
    token = packed.refresh()
    assert token is not None
    packed.note(token)
    assert index.is_prepared(1, VectorKind.CODE, "m")
    assert index.is_prepared(1, VectorKind.CODE, "n")  # of which there is nothing to prepare
    assert index._packs.get(1, VectorKind.CODE, "n", token) is None
    assert index._packs.get(1, VectorKind.CODE, "m", token) is not None


def test_so_many_vectors_without_a_pack_are_not_prepared(packed: Packed) -> None:
    """Of this index, kind and model; a few more or less cost a search little."""
    index = ExactVectorIndex(packed.database, packed.folder, ProcessPool(packed.folder))
    packed.store(1)
    most = FEWEST_CHANGES
    packed.sql(
        "WITH RECURSIVE more(id) AS (SELECT 2 UNION ALL SELECT id + 1 FROM more WHERE id < ?) "
        "INSERT INTO vectors SELECT index_id, kind, more.id, version_id, embedding_id, model, code "
        "FROM vectors, more",
        most,
    )
    assert index.is_prepared(1, VectorKind.CODE, "m")
    packed.store(most + 1)
    assert not index.is_prepared(1, VectorKind.CODE, "m")
    assert index.is_prepared(1, VectorKind.CODE, "n")
    assert index.is_prepared(1, VectorKind.TEXT, "m")
    assert index.is_prepared(2, VectorKind.CODE, "m")


def test_a_file_is_partly_embedded_in_one_model(packed: Packed) -> None:
    """With vectors of an earlier model only, none of its vectors may be searched."""
    with packed.database.write() as transaction:
        content = Content(transaction, "/half", "a")
        content.replace(a=["one", "two"])
        content.embed(model="former")
        content.replace(a=["three", "four"])
        driver = Driver(transaction.connection)
        ids = [row[0] for row in rows(transaction, "SELECT id FROM snippets ORDER BY id")]
        halves = {
            model: partly_embedded_files(driver, [content.id], VectorKind.CODE, model)
            for model in ("former", "newer")
        }
        file_id = content.versions["a"]
    assert halves == {"former": {content.id: PartlyEmbedded(file_id, ids[1])}, "newer": {}}


def test_a_pack_that_has_changed_since_it_was_written_is_verified(packed: Packed) -> None:
    """A copy has another time and is valid; a damaged one is ignored."""
    packed.store(*range(1, 9))
    packed.refresh()
    os.utime(packed.path, ns=(1, 1))
    assert packed.held() == list(range(1, 9))
    content = packed.path.read_bytes()
    packed.path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert packed.held() == []


def test_a_zero_vector_is_packed() -> None:
    """It is similar to nothing, and does not affect other results."""
    nothing = np.zeros((1, 64), np.float32)
    assert unpack([one.values for one in pack(nothing)]).tolist() == nothing.tolist()
