"""The vector index: packs, candidates by code, rescoring, and rows added and removed since."""

from __future__ import annotations

import sys
from itertools import chain
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.memory import mapped_bytes

from kodit.domain.value_objects import Scope, VectorKind
from kodit.infrastructure.vectors import exact_index
from kodit.infrastructure.vectors import tail as tail_module
from kodit.infrastructure.vectors.hamming import edge_of_nearest, hamming_distances
from kodit.infrastructure.vectors.pack_file import open_pack, write_pack
from kodit.infrastructure.vectors.quantization import FloatMatrix, pack, pack_code, unpack
from kodit.infrastructure.vectors.selection import AllowedRows, Selection
from kodit.infrastructure.vectors.tail import Tail, VectorsOf
from kodit.infrastructure.vectors.vector_set import VectorSet, find_nearest


def random_vectors(count: int, seed: int = 0) -> FloatMatrix:
    vectors = np.random.default_rng(seed).normal(size=(count, 256)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def test_packed_vectors_keep_their_direction() -> None:
    """One byte per dimension loses less than a thousandth of the cosine similarity."""
    vectors = random_vectors(100)
    unpacked = unpack([packed.values for packed in pack(vectors)])
    cosines = (unpacked * vectors).sum(axis=1) / np.linalg.norm(unpacked, axis=1)
    assert cosines.min() > 0.999


def test_a_pack_returns_what_was_written(tmp_path: Path) -> None:
    """Ids, codes and scores, from a mapped file."""
    vectors = random_vectors(37)
    packed = pack(vectors)
    rows = [(10 + n, n // 4, one.code, one.values) for n, one in enumerate(packed)]
    write_pack(tmp_path / "1-code.pack", "a model", rows)
    read = open_pack(tmp_path / "1-code.pack")
    assert read is not None
    assert read.model == "a model"
    assert read.snippet_ids.tolist() == [row[0] for row in rows]
    assert read.file_ids.tolist() == [row[1] for row in rows]
    everything = np.arange(37)
    assert np.allclose(read.rescore(everything, vectors[5]), vectors @ vectors[5], atol=0.01)
    assert hamming_distances(read.codes, pack_code(vectors[5]))[5] == 0
    assert sorted(read.rows_of_files(np.array([2, 0])).tolist()) == [0, 1, 2, 3, 8, 9, 10, 11]
    assert read.rows_of_files(np.array([99])).tolist() == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_pages_of_a_pack_are_mapped_again_where_they_are_read(tmp_path: Path) -> None:
    vectors = random_vectors(2_000)
    rows = [(1 + n, n // 4, one.code, one.values) for n, one in enumerate(pack(vectors))]
    path = tmp_path / "1-code.pack"
    write_pack(path, "a model", rows)
    read = open_pack(path)
    assert read is not None
    everything = np.arange(len(rows))
    scores = read.rescore(everything, vectors[5])
    assert mapped_bytes(path) > path.stat().st_size / 2
    read.release_pages()
    assert not mapped_bytes(path)
    assert (read.rescore(everything, vectors[5]) == scores).all()


@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 4096])
def test_a_damaged_pack_is_ignored(tmp_path: Path, damage: bytes) -> None:
    """The database answers instead."""
    (tmp_path / "1-code.pack").write_bytes(damage)
    assert open_pack(tmp_path / "1-code.pack") is None


@given(
    distances=st.lists(st.lists(st.integers(0, 256), max_size=50), min_size=1, max_size=5),
    wanted=st.integers(1, 250),
)
@settings(deadline=None)
def test_as_many_as_are_wanted_are_within_the_edge(distances: list[list[int]], wanted: int) -> None:
    """Of all sets together, and no distance less would do."""
    every = sorted(chain.from_iterable(distances))
    edge = edge_of_nearest([np.array(some, dtype=np.uint16) for some in distances], wanted)
    assert edge == (every[wanted - 1] if wanted < len(every) else None)


def test_distances_are_counts_of_differing_bits() -> None:
    vectors = random_vectors(300, seed=1)
    codes = np.ascontiguousarray(np.packbits(vectors > 0, axis=1).view(np.uint64).T)
    query = vectors[7]
    expected = ((vectors > 0) != (query > 0)).sum(axis=1)
    assert hamming_distances(codes, pack_code(query)).tolist() == expected.tolist()


@pytest.mark.parametrize("file_ids", [None, frozenset({3})])
def test_nothing_is_near_where_there_is_nothing(file_ids: frozenset[int] | None) -> None:
    """No vector yet, or none of these files."""
    of = VectorsOf((1,), VectorKind.CODE, "m")
    none = VectorSet(cast(Any, None), of, Tail([], []), None, AllowedRows())
    searched = {none: Selection(Scope(frozenset({1}), file_ids), VectorKind.CODE)}
    found = find_nearest(searched, random_vectors(1)[0], 5)
    assert [len(part) for part in found] == [0, 0]


@pytest.mark.parametrize(("most", "reads"), [(2, 2), (3, 1)])
def test_few_vectors_without_a_pack_are_read_once(
    monkeypatch: pytest.MonkeyPatch, most: int, reads: int
) -> None:
    """Many are not kept: each connection would have its own copy."""
    read: list[Tail] = []

    def read_three(*_: object) -> Tail:
        read.append(Tail([(one, 1, one, b"12345678") for one in range(3)], ()))
        return read[-1]

    monkeypatch.setattr(exact_index, "MOST_KEPT_ROWS", most)
    monkeypatch.setattr(exact_index, "read_tail", read_three)
    known = exact_index._Known()
    for _ in range(2):
        known.tail(cast(Any, None), VectorsOf((1,), VectorKind.CODE, "m"), 0, ())
    assert len(read) == reads


def test_vectors_without_a_pack_are_held_once_they_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each is read once, and there is no room for the many others."""
    count = 1_000
    stored = {one: bytes([one % 251, one // 251]) for one in range(count)}
    read: list[int] = []

    class Stored:
        def run(self, _driver: object, ids: list[int]) -> list[tuple[int, bytes]]:
            read.extend(ids)
            return [(one, stored[one]) for one in ids]

    monkeypatch.setattr(tail_module, "_VECTORS", Stored())
    tail = Tail([(one, 1, one, b"12345678") for one in range(count)], ())
    asked: set[int] = set()
    for wanted in ([7, 3], [], [3], [999, 7, 500], list(range(0, 40, 3)), [500, 1]):
        found = tail.vectors(cast(Any, None), np.array(wanted, dtype=np.intp))
        assert [bytes(row) for row in found] == [stored[one] for one in wanted]
        asked.update(wanted)
    assert sorted(read) == sorted(asked)
    assert len(tail._vectors) < 2 * len(asked)
    everything = tail.vectors(cast(Any, None), np.arange(count))
    assert (len(everything), len(tail._vectors)) == (count, count)
