"""The model's file is read back unchanged, and a damaged one is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kodit.infrastructure.embedding.table_file import (
    ALIGNMENT,
    HEADER_BYTES,
    MAGIC,
    DamagedTableError,
    TableFile,
    open_table,
    quantised,
    write_table,
)

WORDS = ["parse", "größe", "x"]


def made() -> TableFile:
    random = np.random.default_rng(1)
    table = random.standard_normal((5, 8)).astype(np.float32)
    return quantised(table, np.asarray([1, 2, 0.5, 1, 1], np.float32), WORDS, "test-1")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    written = tmp_path / "test.table"
    write_table(written, made())
    return written


def test_a_file_is_read_as_it_was_written(path: Path) -> None:
    read, expected = open_table(path, check_all=True), made()
    assert (read.name, read.words) == ("test-1", WORDS)
    np.testing.assert_array_equal(read.scales, expected.scales)
    np.testing.assert_array_equal(read.query_scales, expected.query_scales)
    np.testing.assert_array_equal(read.table, expected.table)
    assert not read.table.flags.writeable
    assert read.table.ctypes.data % ALIGNMENT == 0


def test_the_same_model_gives_the_same_bytes(path: Path, tmp_path: Path) -> None:
    write_table(tmp_path / "again", open_table(path))
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_bytes_and_scales_stand_for_the_vectors() -> None:
    table = np.random.default_rng(2).standard_normal((50, 16)).astype(np.float32)
    table *= np.geomspace(0.01, 1, 50)[:, None]
    weights = np.linspace(0.5, 2, 50).astype(np.float32)
    file = quantised(table, weights, [], "x")
    back = file.table * file.scales[:, None].astype(float)
    cosine = (back * table).sum(axis=1) / np.linalg.norm(back, axis=1)
    np.testing.assert_allclose(cosine / np.linalg.norm(table, axis=1), 1, atol=1e-3)
    lengths = np.linalg.norm(back, axis=1) / np.linalg.norm(table, axis=1)
    np.testing.assert_allclose(lengths / lengths[-1], 1, atol=1e-2)
    of_queries = file.query_scales / (file.scales * weights)
    np.testing.assert_allclose(of_queries / of_queries[-1], 1, atol=1e-2)


def change(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("at", "problem"),
    [
        (0, "another format"),
        (len(MAGIC) - 2, "another format"),
        (len(MAGIC), "damaged header"),
        (HEADER_BYTES, "damaged words"),
        (HEADER_BYTES + ALIGNMENT, "damaged words"),
        (-1, "damaged table"),
    ],
)
def test_a_changed_byte_is_noticed(path: Path, at: int, problem: str) -> None:
    change(path, at)
    with pytest.raises(DamagedTableError, match=problem):
        open_table(path, check_all=True)


@pytest.mark.parametrize("length", [1, 20, len(MAGIC), 100, HEADER_BYTES, -1])
def test_a_file_that_was_cut_is_noticed(path: Path, length: int) -> None:
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DamagedTableError, match="install Kodit again"):
        open_table(path)


def test_a_file_that_is_too_long_is_noticed(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(DamagedTableError, match="does not have the length"):
        open_table(path)


@pytest.mark.parametrize("header", [b"[]", b"{}", b'{"name": 1}', b"\xff"])
def test_a_header_of_another_shape_is_refused(path: Path, header: bytes) -> None:
    data = path.read_bytes()
    path.write_bytes((MAGIC + header).ljust(HEADER_BYTES) + data[HEADER_BYTES:])
    with pytest.raises(DamagedTableError, match="damaged header"):
        open_table(path)
