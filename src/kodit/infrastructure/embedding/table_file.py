"""The file of a static model: its words and one vector of signed bytes per token.

A line that names the format and one of JSON (`_HEADER_KEYS`), padded to `HEADER_BYTES`; the words
of the vocabulary, one per line; then, each at the next multiple of `ALIGNMENT`: a 16-bit scale per
token, a 16-bit scale per token for queries, and the table, tokens x dimensions signed bytes.
Numbers are little-endian.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

MAGIC = b"kodit static table 1\n"
HEADER_BYTES = 512
ALIGNMENT = 64
_HEADER_KEYS = ("name", "tokens", "dimensions", "words_bytes", "crc_words", "crc_table")


class DamagedTableError(Exception):
    """The model's file differs from the one that was installed."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"the built-in model {path} {problem}; install Kodit again")


class TableFile(NamedTuple):
    """A model as read. A component of a token's vector is its byte times the scale, in an arbitrary
    unit common to all tokens.
    """

    name: str
    words: list[str]
    scales: NDArray[np.uint16]
    query_scales: NDArray[np.uint16]
    table: NDArray[np.int8]
    mapping: mmap | None = None
    """The map of the file, if the arrays are views into one."""


def open_table(path: Path, *, check_all: bool = False) -> TableFile:
    """Map a file; raises DamagedTableError. The checksums of words and scales are always verified,
    that of the table with `check_all`, which takes as long as reading it.
    """
    with path.open("rb") as file:
        mapping = mmap(file.fileno(), 0, access=ACCESS_READ)
    data = np.frombuffer(mapping, dtype=np.uint8)
    start = data[:HEADER_BYTES].tobytes()
    if not start.startswith(MAGIC):
        raise DamagedTableError(path, "is of another format")
    header = _read_header(start[len(MAGIC) :])
    if header is None:
        raise DamagedTableError(path, "has a damaged header")
    tokens, dimensions = header["tokens"], header["dimensions"]
    scales_at = _aligned(HEADER_BYTES + header["words_bytes"])
    query_scales_at = _aligned(scales_at + 2 * tokens)
    table_at = _aligned(query_scales_at + 2 * tokens)
    if len(data) != table_at + tokens * dimensions:
        raise DamagedTableError(path, "does not have the length in its header")
    if zlib.crc32(data[HEADER_BYTES:table_at].data) != header["crc_words"]:
        raise DamagedTableError(path, "has damaged words")
    if check_all and zlib.crc32(data[table_at:].data) != header["crc_table"]:
        raise DamagedTableError(path, "has a damaged table")
    words = data[HEADER_BYTES : HEADER_BYTES + header["words_bytes"]].tobytes().decode()
    return TableFile(
        header["name"],
        words.split("\n"),
        data[scales_at : scales_at + 2 * tokens].view("<u2"),
        data[query_scales_at : query_scales_at + 2 * tokens].view("<u2"),
        data[table_at:].view(np.int8).reshape(tokens, dimensions),
        mapping,
    )


def write_table(path: Path, file: TableFile) -> None:
    """Write a model; equal models give equal bytes."""
    words = "\n".join(file.words).encode()
    tokens, dimensions = file.table.shape
    table = file.table.tobytes()
    body = bytearray(words)
    for part in (file.scales, file.query_scales):
        body += bytes(-len(body) % ALIGNMENT) + part.astype("<u2").tobytes()
    body += bytes(-len(body) % ALIGNMENT)
    header = {
        "name": file.name,
        "tokens": tokens,
        "dimensions": dimensions,
        "words_bytes": len(words),
        "crc_words": zlib.crc32(body),
        "crc_table": zlib.crc32(table),
    }
    start = MAGIC + json.dumps(header).encode()
    path.write_bytes(start.ljust(HEADER_BYTES - 1) + b"\n" + body + table)


def _read_header(line: bytes) -> dict[str, Any] | None:
    try:
        header: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    is_header = isinstance(header, dict) and set(header) == set(_HEADER_KEYS)
    numbers = _HEADER_KEYS[1:]
    if not is_header or not all(type(header[key]) is int and header[key] >= 0 for key in numbers):
        return None
    return header


def _aligned(position: int) -> int:
    return position + -position % ALIGNMENT


def quantised(
    table: NDArray[np.float32], query_weights: NDArray[np.float32], words: Sequence[str], name: str
) -> TableFile:
    """A table of floating-point vectors, shape (tokens, dimensions), in the form of the file."""
    largest = np.abs(table).max(axis=1)
    unit = largest.max() / 65_535
    scales = np.maximum(np.rint(largest / unit), 1)
    rows = np.clip(np.rint(table / (scales * unit / 127)[:, None]), -127, 127).astype(np.int8)
    wanted = scales * query_weights
    query_scales = np.rint(wanted * (65_535 / wanted.max()))
    return TableFile(
        name, list(words), scales.astype(np.uint16), query_scales.astype(np.uint16), rows
    )
