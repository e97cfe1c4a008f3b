"""Rules at their edges: the headers of packs, how many hits are enough, and which may be best."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import tantivy
from numpy.typing import NDArray
from tests.searching.test_vectors import random_vectors

from kodit.infrastructure.keyword.asking import Question
from kodit.infrastructure.keyword.found import Found
from kodit.infrastructure.keyword.querying import Clause
from kodit.infrastructure.keyword.reading import _promising
from kodit.infrastructure.keyword.schema import FILE_ID, INDEX_ID
from kodit.infrastructure.keyword.sifting import Sieve
from kodit.infrastructure.vectors.pack_file import MAGIC, VERSION, open_pack, write_pack
from kodit.infrastructure.vectors.quantization import pack

NUMBERS = {"magic": 0, "version": 1, "length": 2, "count": 3, "dimensions": 4, "modified": 5}


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """A pack whose file was touched, so that its checksum is verified."""
    path = tmp_path / "1-code.pack"
    rows = [(7 + n, n, one.code, one.values) for n, one in enumerate(pack(random_vectors(3)))]
    write_pack(path, "a model", rows)
    os.utime(path, ns=(1, 1))
    return path


def change(path: Path, edit: Callable[[NDArray[Any]], None], *, is_checked: bool = True) -> None:
    """Change the numbers of a header, and its own checksum with them, unless that stays."""
    data = bytearray(path.read_bytes())
    edit(np.frombuffer(data, "<u8", 9))
    end = 9 * 8 + len("a model")
    if is_checked:
        data[end : end + 4] = zlib.crc32(bytes(data[:end])).to_bytes(4, "little")
    path.write_bytes(data)
    os.utime(path, ns=(1, 1))


def test_a_pack_that_was_touched_is_still_one(packed: Path) -> None:
    change(packed, lambda _numbers: None)
    found = open_pack(packed)
    assert found is not None
    assert (found.model, found.snippet_ids.tolist()) == ("a model", [7, 8, 9])
    assert len(found.token) == 32


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("magic", MAGIC + 1),
        ("version", VERSION - 1),
        ("version", VERSION + 1),
        ("length", 1 << 40),
        ("count", 0),
        ("count", 2),
        ("dimensions", 0),
        ("dimensions", 255),
        ("dimensions", 192),
    ],
)
def test_a_pack_with_another_header_is_none(packed: Path, name: str, value: int) -> None:
    """Though its own checksum is right."""

    def edit(numbers: NDArray[Any]) -> None:
        numbers[NUMBERS[name]] = value

    change(packed, edit)
    assert open_pack(packed) is None


def test_a_pack_with_a_damaged_header_is_none(packed: Path) -> None:
    """Whatever was damaged."""

    def edit(numbers: NDArray[Any]) -> None:
        numbers[NUMBERS["modified"]] += 1

    change(packed, edit, is_checked=False)
    assert open_pack(packed) is None


@pytest.mark.parametrize("end", [0, 1, 71, 72, 79, 83, 100, -1])
def test_a_pack_that_was_cut_is_none(packed: Path, end: int) -> None:
    packed.write_bytes(packed.read_bytes()[:end])
    os.utime(packed, ns=(1, 1))
    assert open_pack(packed) is None


def test_a_pack_with_more_behind_it_is_none(packed: Path) -> None:
    packed.write_bytes(packed.read_bytes() + b"x")
    assert open_pack(packed) is None


class Hits:
    """Stands for what was found, by the columns of all and their scores."""

    def __init__(self, scores: list[float], **columns: list[int]) -> None:
        self.scores = np.array(scores)
        self.columns = columns
        self.places = list(range(len(scores)))

    def __len__(self) -> int:
        return len(self.scores)

    def column(self, name: str) -> NDArray[Any]:
        return np.array(self.columns[name])

    def at(self, places: NDArray[Any]) -> Hits:
        some = Hits(self.scores[places].tolist())
        some.places = places.tolist()
        return some


def sifted(wanted: int, limit: int, *clauses: Clause) -> list[int] | None:
    """Of five hits in the indexes 1, 2, 1, 2, 1 and the files 10 to 14, the places that are
    kept."""
    hits = Hits([5.0, 4.0, 3.0, 2.0, 1.0], **{INDEX_ID: [1, 2, 1, 2, 1], FILE_ID: [*range(10, 15)]})
    found = Sieve((), clauses, wanted).sift(cast(Found, hits), limit)
    return None if found is None else cast(Hits, found).places


IN_ONE = Clause(tantivy.Occur.Must, INDEX_ID, (1,))
NOT_FIRST = Clause(tantivy.Occur.MustNot, FILE_ID, (10, 99))


def test_hits_are_sifted_until_there_may_be_more() -> None:
    """Which is so if as many were found as were wanted, and too few of them remain."""
    assert sifted(9, 3, IN_ONE) == [0, 2, 4]
    assert sifted(9, 2, IN_ONE) == [0, 2]
    assert sifted(9, 4, IN_ONE) == [0, 2, 4]
    assert sifted(5, 3, IN_ONE) == [0, 2, 4]
    assert sifted(5, 4, IN_ONE) is None
    assert sifted(6, 4, IN_ONE) == [0, 2, 4]
    assert sifted(9, 9, IN_ONE, NOT_FIRST) == [2, 4]
    assert sifted(9, 9, NOT_FIRST) == [1, 2, 3, 4]
    either = Clause(tantivy.Occur.Must, INDEX_ID, (2,), Clause(tantivy.Occur.Must, FILE_ID, (14,)))
    assert sifted(9, 9, either) == [1, 3, 4]


class Bounds:
    """A question by its bounds."""

    def __init__(self, least: float, most: float, alike: tuple[str, ...] = ()) -> None:
        self.least, self.most, self.alike = least, most, alike


def promising(limit: int, bounds: Bounds) -> list[int]:
    """Of hits with the scores 10, 8, 6 and 4."""
    hits = Hits([10.0, 8.0, 6.0, 4.0])
    found = _promising(cast(Question, bounds), cast(Found, hits), limit)
    return cast(Hits, found).places


def test_only_hits_that_may_be_among_the_best_are_scored_exactly() -> None:
    """By the least that the last of the best has, and the most that each other one may have."""
    assert promising(2, Bounds(1.0, 1.0)) == [0, 1]
    assert promising(2, Bounds(0.75, 1.0)) == [0, 1, 2]
    assert promising(2, Bounds(0.76, 1.0)) == [0, 1]
    assert promising(2, Bounds(1.0, 1.34)) == [0, 1, 2]
    assert promising(2, Bounds(1.0, 2.0)) == [0, 1, 2, 3]
    assert promising(2, Bounds(0.5, 1.0)) == [0, 1, 2, 3]
    assert promising(4, Bounds(1.0, 1.0)) == [0, 1, 2, 3]
    assert promising(2, Bounds(1.0, 1.0, ("a",))) == [0, 1, 2, 3]
