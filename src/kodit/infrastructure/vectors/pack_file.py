"""Vectors of one index and kind in one file, mapped into memory rather than read.

The file is derived from the database and can be deleted at any time. It is replaced atomically.
Layout, all little-endian, every section aligned to 64 bytes, with n rows in the order of
`snippet_id`:

    magic, version, length of the model's name, n, dimensions,
    modification time in ns, token (2), checksum                   9 x uint64
    the model's name                                               UTF-8
    CRC-32 of all before it                                        uint32
    snippet_id                                                     n x int64
    file_id                                                        n x int64
    code, one section per word of 64 sign bits                     dimensions / 64 x (n x uint64)
    scale                                                          n x float32
    values                                                         n x dimensions x int8

The token is random; the database records that of the file made from it. The checksum is the CRC-32
of all sections. It is verified only if the file's modification time differs from the one recorded
in the header: reading a large file takes longer than a search.
"""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from mmap import ACCESS_READ, MADV_DONTNEED, mmap
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kodit.infrastructure.files import make_private_folder, replacing
from kodit.infrastructure.vectors.quantization import products

MAGIC = int.from_bytes(b"KODITVEC", "little")
VERSION = 2
_ALIGNMENT = 64
_WORD_BITS = 64
_HEADER = np.dtype("<u8")
_HEADER_BYTES = 9 * 8
_CHECKSUM_BYTES = 4
_ROWS_AT_ONCE = 512
"""Rows widened to floats at once, to stay in the processor's cache."""


@dataclass(frozen=True, eq=False)
class Pack:
    """The mapped file. `codes` has one row per word, so that a scan reads each sequentially."""

    model: str
    token: str
    snippet_ids: NDArray[np.int64]
    file_ids: NDArray[np.int64]
    codes: NDArray[np.uint64]
    scales: NDArray[np.float32]
    values: NDArray[np.int8]
    mapping: mmap
    """The map of the file, into which the arrays are views."""

    def release_pages(self) -> None:
        """Release the resident pages of the map, which the system's cache keeps: they are mapped
        again where they are read, also by a search that is running."""
        self.mapping.madvise(MADV_DONTNEED)

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
        """Cosine similarities of the query, a unit vector, and the stored vectors of some rows."""
        scores = np.empty(len(rows), dtype=np.float32)
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            some = rows[start : start + _ROWS_AT_ONCE]
            scores[start : start + len(some)] = products(self.values[some], query)
        scores *= self.scales[rows]
        return scores


class PackColumns(NamedTuple):
    """The columns of a pack, one element per row in snippet order; `codes` and `values` have one
    row per vector, of 64-bit words and of signed bytes.
    """

    snippet_ids: NDArray[np.int64]
    file_ids: NDArray[np.int64]
    codes: NDArray[np.uint64]
    scales: NDArray[np.float32]
    values: NDArray[np.int8]


def to_columns(rows: Sequence[Sequence[Any]]) -> PackColumns:
    """Each of `rows`, at least one, has a snippet, its file, and the 1-bit code and vector as the
    database stores them.
    """
    snippet_ids, file_ids, codes, vectors = zip(*rows, strict=True)
    raw = np.frombuffer(b"".join(vectors), dtype=np.int8).reshape(len(rows), -1)
    return PackColumns(
        np.asarray(snippet_ids, "<i8"),
        np.asarray(file_ids, "<i8"),
        np.frombuffer(b"".join(codes), dtype="<u8").reshape(len(rows), -1),
        np.ascontiguousarray(raw[:, -4:]).view("<f4")[:, 0],
        raw[:, :-4],
    )


def write_pack(path: Path, model: str, rows: Sequence[Sequence[Any]]) -> str:
    """Replace the file atomically by the rows of `to_columns`; returns its token."""
    return write_columns(path, model, [to_columns(rows)])


def write_columns(path: Path, model: str, parts: Sequence[PackColumns]) -> str:
    """Replace the file atomically; the parts are concatenated. Returns the token of the file."""
    count, dimensions = sum(len(part.snippet_ids) for part in parts), parts[0].values.shape[1]
    sections: list[Sequence[NDArray[Any]]] = [
        [part.snippet_ids for part in parts],
        [part.file_ids for part in parts],
        *([part.codes[:, word] for part in parts] for word in range(dimensions // _WORD_BITS)),
        [part.scales for part in parts],
        [part.values for part in parts],
    ]
    checksum = 0
    for section in sections:
        for piece in section:
            checksum = zlib.crc32(np.ascontiguousarray(piece).data, checksum)
    name, token, now = model.encode(), os.urandom(16), time.time_ns()
    numbers = [MAGIC, VERSION, len(name), count, dimensions, now]
    header = np.array(numbers, _HEADER).tobytes() + token
    header += np.array([checksum], _HEADER).tobytes() + name
    make_private_folder(path.parent)
    with replacing(path) as file:
        file.write(header)
        file.write(zlib.crc32(header).to_bytes(_CHECKSUM_BYTES, "little"))
        for section in sections:
            _align(file)
            for piece in section:
                file.write(np.ascontiguousarray(piece).data)
        file.flush()
        os.utime(file.fileno(), ns=(now, now))
    return token.hex()


def open_pack(path: Path) -> Pack | None:
    """Map the file; None if there is none that is intact and of this version."""
    try:
        modified = path.stat().st_mtime_ns
        with path.open("rb") as file:
            mapping = mmap(file.fileno(), 0, access=ACCESS_READ)
    except (OSError, ValueError):
        return None
    data = np.frombuffer(mapping, np.uint8)
    header = _read_header(data)
    if header is None:
        return None
    count, dimensions = header.rows, header.dimensions
    sizes = [8 * count, 8 * count, *[8 * count] * (dimensions // _WORD_BITS)]
    sizes += [4 * count, dimensions * count]
    sections: list[NDArray[np.uint8]] = []
    start = header.end
    for size in sizes:
        start = -(-start // _ALIGNMENT) * _ALIGNMENT
        sections.append(data[start : start + size])
        start += size
    if start != len(data) or (modified != header.modified and _crc(sections) != header.checksum):
        return None
    snippet_ids = sections[0].view("<i8")
    stride = -(-8 * count // _ALIGNMENT) * _ALIGNMENT
    codes = np.lib.stride_tricks.as_strided(
        sections[2].view("<u8"),
        shape=(dimensions // _WORD_BITS, count),
        strides=(stride, 8),
        writeable=False,
    )
    return Pack(
        header.model,
        header.token,
        snippet_ids,
        sections[1].view("<i8"),
        codes,
        sections[-2].view("<f4"),
        sections[-1].view(np.int8).reshape(count, dimensions),
        mapping,
    )


class _Header(NamedTuple):
    """The header before the sections; `end` is its length."""

    model: str
    rows: int
    dimensions: int
    modified: int
    token: str
    checksum: int
    end: int


def _read_header(data: NDArray[np.uint8]) -> _Header | None:
    """The header, or None if it is of another version or damaged."""
    if len(data) < _HEADER_BYTES:
        return None
    numbers = data[:_HEADER_BYTES].view(_HEADER).tolist()
    magic, version, length, count, dimensions, modified = numbers[:6]
    end = _HEADER_BYTES + length + _CHECKSUM_BYTES
    if magic != MAGIC or version != VERSION or end > len(data):
        return None
    header = data[: end - _CHECKSUM_BYTES].tobytes()
    if (
        zlib.crc32(header).to_bytes(_CHECKSUM_BYTES, "little")
        != data[end - _CHECKSUM_BYTES : end].tobytes()
    ):
        return None
    if not count or not dimensions or dimensions % _WORD_BITS:
        return None
    model, token = header[_HEADER_BYTES:].decode(), header[6 * 8 : 8 * 8].hex()
    return _Header(model, count, dimensions, modified, token, numbers[8], end)


def _crc(sections: Sequence[NDArray[np.uint8]]) -> int:
    checksum = 0
    for section in sections:
        checksum = zlib.crc32(section.data, checksum)
    return checksum


def _align(file: BinaryIO) -> None:
    file.write(b"\0" * (-file.tell() % _ALIGNMENT))
