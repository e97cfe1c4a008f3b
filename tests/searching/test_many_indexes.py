"""Vectors of several indexes at once: some have a pack, the others are read from the database."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.database.content import Content
from tests.queue.databases import sqlite_database

from kodit.domain.value_objects import Hit, Scope, VectorKind
from kodit.infrastructure.processes.pool import ProcessPool
from kodit.infrastructure.sql.statements import Cursors
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase
from kodit.infrastructure.vectors import exact_index, vector_set
from kodit.infrastructure.vectors.exact_index import ExactVectorIndex
from kodit.infrastructure.vectors.incomplete_file import PartlyEmbedded
from kodit.infrastructure.vectors.pack_builder import pack_path
from kodit.infrastructure.vectors.pack_file import write_pack
from kodit.infrastructure.vectors.quantization import FloatMatrix, pack
from kodit.infrastructure.vectors.tail import Tail, VectorsOf, read_tail

DIMENSIONS = 128
PER_INDEX = 12
PER_FILE = 4


class Indexes:
    """Four indexes of three files each, with a vector of model `m` for every snippet."""

    def __init__(self, database: SqliteDatabase, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self.index = ExactVectorIndex(database, folder, ProcessPool(folder))
        self.rows: dict[int, list[tuple[int, int, bytes, bytes]]] = {}
        self.random = np.random.default_rng(3)
        with database.write() as transaction:
            for number in range(4):
                Content(transaction, f"/{number}")
        self.add(range(4 * PER_INDEX))
        self.query = self.vectors(1)[0]

    def vectors(self, count: int) -> FloatMatrix:
        vectors = self.random.normal(size=(count, DIMENSIONS)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def add(self, numbers: range) -> None:
        """Snippets of these numbers, which are dealt to the indexes in turn."""
        packed = pack(self.vectors(len(numbers)))
        with self.database.write() as transaction:
            execute = transaction.connection.exec_driver_sql
            for number, one in zip(numbers, packed, strict=True):
                index_id, snippet_id, file_id = (
                    number % 4 + 1,
                    number + 1,
                    number // 16 * 4 + number % 4,
                )
                execute(
                    "INSERT INTO embeddings (id, index_id, key, code, vector) "
                    "VALUES (?, 1, ?, ?, ?)",
                    (snippet_id, f"{snippet_id}".encode(), one.code, one.values),
                )
                execute(
                    "INSERT INTO vectors VALUES (?, 'code', ?, ?, ?, 'm', ?)",
                    (index_id, snippet_id, file_id, snippet_id, one.code),
                )
                row = (snippet_id, file_id, one.code, one.values)
                self.rows.setdefault(index_id, []).append(row)

    def sql(self, statement: str, *values: object) -> None:
        with self.database.write() as transaction:
            transaction.connection.exec_driver_sql(statement, values)

    def pack(self, index_id: int, rows: int = PER_INDEX) -> None:
        """The first rows of an index, and before them one that is gone."""
        some = self.rows[index_id][:rows]
        token = write_pack(
            pack_path(self.folder, index_id, "code"), "m", [(0, 0, *some[0][2:]), *some]
        )
        self.sql("UPDATE indexes SET code_pack = ? WHERE id = ?", token, index_id)

    def found(
        self, *index_ids: int, limit: int = 5, files: frozenset[int] | None = None
    ) -> list[Hit]:
        with self.database.read() as transaction:
            reader = self.index.reader(transaction)
            scope = Scope(frozenset(index_ids), files)
            return reader.search(VectorKind.CODE, "m", self.query.tolist(), scope, limit)

    def found_without(self, *file_ids: int) -> list[int]:
        """The snippets of the second index that are not in hidden versions."""
        with self.database.read() as transaction:
            reader = self.index.reader(transaction)
            scope = Scope(frozenset([2]), hidden_file_ids=frozenset(file_ids))
            hits = reader.search(VectorKind.CODE, "m", self.query.tolist(), scope, 999)
            return sorted(hit.snippet_id for hit in hits)

    def told(self) -> tuple[set[int], dict[int, float]]:
        """The two best of each file of every index, and the scores of every snippet."""
        files = {index_id: sorted({row[1] for row in rows}) for index_id, rows in self.rows.items()}
        snippets = {index_id: [row[0] for row in rows] for index_id, rows in self.rows.items()}
        with self.database.read() as transaction:
            reader = self.index.reader(transaction)
            vector = self.query.tolist()
            best = reader.best_in_files(VectorKind.CODE, "m", vector, files, 2)
            return best, reader.score(VectorKind.CODE, "m", vector, snippets)


@pytest.fixture
def indexes(tmp_path: Path) -> Iterator[Indexes]:
    with sqlite_database(tmp_path) as database:
        yield Indexes(database, tmp_path / "vectors")


@pytest.mark.parametrize("packed", [(1,), (2, 3), (1, 2, 3, 4)])
def test_the_same_is_found_whichever_have_a_pack(
    packed: tuple[int, ...], indexes: Indexes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where so few candidates are rescored that the cut falls among them, and where a pack
    lacks what came later."""
    monkeypatch.setattr(vector_set, "FEWEST_CANDIDATES", 7)
    monkeypatch.setattr(vector_set, "CANDIDATES_PER_RESULT", 1)
    scopes = [(1, 2, 3, 4), (2, 4), (3,)]
    files = frozenset({0, 3, 5, 6})
    expected = [indexes.found(*scope) for scope in scopes]
    expected += [indexes.found(*scope, files=files) for scope in scopes]
    told = indexes.told()
    assert len(told[0]) == 4 * PER_INDEX // PER_FILE * 2
    assert len(told[1]) == 4 * PER_INDEX

    for number, index_id in enumerate(packed):
        indexes.pack(index_id, PER_INDEX - number)

    found = [indexes.found(*scope) for scope in scopes]
    found += [indexes.found(*scope, files=files) for scope in scopes]
    assert found == expected
    assert indexes.told() == told


def test_what_several_hold_is_ordered_as_one(indexes: Indexes) -> None:
    """The best of each are the best of all, as the scores of every vector have it."""
    scores = indexes.told()[1]
    best = sorted(scores.items(), key=lambda one: -one[1])[:5]
    assert [(hit.snippet_id, hit.score) for hit in indexes.found(1, 2, 3, 4)] == best
    assert indexes.found(1, 2, 3, 4, limit=99)[:5] == indexes.found(1, 2, 3, 4)


@pytest.mark.parametrize("is_packed", [True, False])
def test_hidden_versions_are_not_found_again(is_packed: bool, indexes: Indexes) -> None:
    """What is cached of one search is not used for other versions, nor after a change."""
    if is_packed:
        indexes.pack(2)
    every = [row[0] for row in indexes.rows[2]]
    first, second = sorted({row[1] for row in indexes.rows[2]})[:2]
    of_first, of_second = (
        {row[0] for row in indexes.rows[2] if row[1] == file_id} for file_id in (first, second)
    )
    for _again in range(2):
        assert indexes.found_without(first) == sorted({*every} - of_first)
        assert indexes.found_without(second) == sorted({*every} - of_second)
        assert indexes.found_without() == every
    pack_path(indexes.folder, 2, "code").unlink(missing_ok=True)  # no change of the database
    assert indexes.found_without(first) == sorted({*every} - of_first)
    indexes.sql("DELETE FROM vectors WHERE snippet_id = ?", every[-1])
    assert indexes.found_without(first) == sorted({*every[:-1]} - of_first)


def test_a_change_by_another_connection_is_seen(
    indexes: Indexes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept for the next search is forgotten by the first one after a change."""
    read = list[int]()

    def counted(
        driver: Cursors, of: VectorsOf, newest: int, partly_embedded: Collection[PartlyEmbedded]
    ) -> Tail:
        read.append(newest)
        return read_tail(driver, of, newest, partly_embedded)

    monkeypatch.setattr(exact_index, "read_tail", counted)
    [best, *_others] = indexes.found(1, 2)
    assert [best, *_others] == indexes.found(1, 2)
    assert len(read) == 1
    indexes.sql("DELETE FROM vectors WHERE snippet_id = ?", best.snippet_id)
    assert best.snippet_id not in {hit.snippet_id for hit in indexes.found(1, 2)}
    assert len(read) == 2
    monkeypatch.setattr(exact_index, "MOST_KEPT_ROWS", 3 * PER_INDEX)
    indexes.found(3)
    indexes.found(1, 2)
    assert len(read) == 3
    indexes.found(1, 2, 3, 4)  # too many to keep
    indexes.found(3)
    assert len(read) == 5


def test_each_index_has_a_partly_embedded_file(tmp_path: Path) -> None:
    """It answers with its old vectors until the new ones are all there."""
    [packed] = pack(np.full((1, 64), 1 / 8, np.float32))
    with sqlite_database(tmp_path) as database:
        with database.write() as transaction:
            contents = [Content(transaction, f"/{number}", "a") for number in range(3)]
            for content in contents:
                content.replace(a=["one", "two"])
                content.embed()
                content.replace(a=["three", "four"])
                content.embed(limit=1)
            contents[2].embed()
            execute = transaction.connection.exec_driver_sql
            execute("UPDATE vectors SET code = ?", (packed.code,))
            execute("UPDATE embeddings SET vector = ?", (packed.values,))
        index = ExactVectorIndex(database, tmp_path / "vectors", ProcessPool(tmp_path))
        with database.read() as transaction:
            scope = Scope(frozenset(content.id for content in contents))
            reader = index.reader(transaction)
            hits = reader.search(VectorKind.CODE, "m", [0.125] * 64, scope, 10)
            found = {
                snippet.id: snippet.text
                for snippet in transaction.search.get_many([hit.snippet_id for hit in hits])
            }
    assert sorted(found.values()) == ["four", "one", "one", "three", "two", "two"]
