"""Vectors of one index and kind in one file, mapped into memory rather than read.

The file is derived: the database holds the truth and the file can be deleted at any time. It is
written whole and put in place in one step. Layout, all little-endian, every section aligned to
64 bytes, with n rows in the order of `snippet_id`:

    magic, version, length of the model's name, n, dimensions      5 x uint64
    the model's name                                               UTF-8
    snippet_id                                                     n x int64
    file_id                                                        n x int64
    code, one section a word of 64 sign bits                       dimensions / 64 x (n x uint64)
    scale                                                          n x float32
    values                                                         n x dimensions x int8
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kodit.infrastructure.files import open_new_file
from kodit.infrastructure.vectors.quantization import products

MAGIC = int.from_bytes(b"KODITVEC", "little")
VERSION = 1
_ALIGNMENT = 64
_WORD_BITS = 64
_HEADER = np.dtype("<u8")
_ROWS_AT_ONCE = 512
"""Widened to floats at once, so that they stay in the processor's cache."""


@dataclass(frozen=True, eq=False)
class Pack:
    """The mapped file. `codes` has one row a word, so that a scan reads each in one sweep."""

    model: str
    snippet_ids: NDArray[np.int64]
    file_ids: NDArray[np.int64]
    codes: NDArray[np.uint64]
    scales: NDArray[np.float32]
    values: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.snippet_ids)

    @cached_property
    def _by_file(self) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Rows ordered by file, and the files in that order."""
        order = np.argsort(self.file_ids, kind="stable")
        return order, self.file_ids[order]

    def rows_of_files(self, file_ids: NDArray[np.int64]) -> NDArray[np.intp]:
        """The rows of all snippets of some files."""
        order, files = self._by_file
        wanted = np.unique(file_ids)
        firsts = np.searchsorted(files, wanted, "left")
        lengths = np.searchsorted(files, wanted, "right") - firsts
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        rows: NDArray[np.intp] = order[np.repeat(firsts, lengths) + within]
        return rows

    def rescore(self, rows: NDArray[np.intp], query: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosines of the query, of length 1, with the stored vectors of some rows."""
        scores = np.empty(len(rows), dtype=np.float32)
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            some = rows[start : start + _ROWS_AT_ONCE]
            scores[start : start + len(some)] = products(self.values[some], query)
        scores *= self.scales[rows]
        return scores


class PackColumns(NamedTuple):
    """What a pack holds, one element a row in the order of the snippets; `codes` and `values` have
    one row a vector, of 64-bit words and of signed bytes."""

    snippet_ids: NDArray[np.int64]
    file_ids: NDArray[np.int64]
    codes: NDArray[np.uint64]
    scales: NDArray[np.float32]
    values: NDArray[np.int8]


def to_columns(rows: Sequence[tuple[int, int, bytes, bytes]]) -> PackColumns:
    """Each of `rows`, at least one, has a snippet, its file, and the 1-bit code and vector as the
    database stores them."""
    snippet_ids, file_ids, codes, vectors = zip(*rows, strict=True)
    raw = np.frombuffer(b"".join(vectors), dtype=np.int8).reshape(len(rows), -1)
    return PackColumns(
        np.asarray(snippet_ids, "<i8"),
        np.asarray(file_ids, "<i8"),
        np.frombuffer(b"".join(codes), dtype="<u8").reshape(len(rows), -1),
        np.ascontiguousarray(raw[:, -4:]).view("<f4")[:, 0],
        raw[:, :-4],
    )


def write_pack(path: Path, model: str, rows: Sequence[tuple[int, int, bytes, bytes]]) -> None:
    """Replace the file in one step, by the rows of `to_columns`."""
    write_columns(path, model, [to_columns(rows)])


def write_columns(path: Path, model: str, parts: Sequence[PackColumns]) -> None:
    """Replace the file in one step; the rows of one part follow those of the one before."""
    count, dimensions = sum(len(part.snippet_ids) for part in parts), parts[0].values.shape[1]
    name = model.encode()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}.tmp")
    with os.fdopen(open_new_file(temporary), "wb") as file:
        file.write(np.array([MAGIC, VERSION, len(name), count, dimensions], _HEADER).tobytes())
        sections: list[Sequence[bytes | NDArray[Any]]] = [
            [name],
            [part.snippet_ids for part in parts],
            [part.file_ids for part in parts],
            *([part.codes[:, word] for part in parts] for word in range(dimensions // _WORD_BITS)),
            [part.scales for part in parts],
            [part.values for part in parts],
        ]
        for section in sections:
            _align(file)
            for piece in section:
                file.write(piece if isinstance(piece, bytes) else np.ascontiguousarray(piece).data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def open_pack(path: Path) -> Pack | None:
    """Map the file; None where there is none, or none that this program can read."""
    try:
        mapped = np.memmap(path, dtype=np.uint8, mode="r")
    except (FileNotFoundError, ValueError):
        return None
    # A plain array on the map: every slice of a memmap costs a Python-level finaliser.
    data = np.asarray(mapped)
    if len(data) < 5 * 8:
        return None
    magic, version, length, count, dimensions = data[: 5 * 8].view(_HEADER).tolist()
    if magic != MAGIC or version != VERSION:
        return None
    words = dimensions // _WORD_BITS
    start = 5 * 8

    def section(size: int) -> NDArray[np.uint8]:
        nonlocal start
        begin = -(-start // _ALIGNMENT) * _ALIGNMENT
        start = begin + size
        return data[begin:start]

    name = section(length).tobytes().decode()
    snippet_ids = section(8 * count).view("<i8")
    file_ids = section(8 * count).view("<i8")
    columns = [section(8 * count).view("<u8") for _ in range(words)]
    scales = section(4 * count).view("<f4")
    values = section(dimensions * count).view(np.int8)
    if start > len(data) or not count:
        return None
    stride = -(-8 * count // _ALIGNMENT) * _ALIGNMENT
    codes = np.lib.stride_tricks.as_strided(
        columns[0], shape=(words, count), strides=(stride, 8), writeable=False
    )
    return Pack(name, snippet_ids, file_ids, codes, scales, values.reshape(count, dimensions))


def _align(file: BinaryIO) -> None:
    file.write(b"\0" * (-file.tell() % _ALIGNMENT))
