"""The files of the keyword index, and the documents in them."""

from __future__ import annotations

import json
import re
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tantivy
from numpy.typing import NDArray

from kodit.infrastructure.keyword.schema import FILE_ID, INDEX_ID, SNIPPET_ID, open_index

Ids = NDArray[np.int64]

_SEGMENT_FILE = re.compile(r"[0-9a-f]{32}\..+")
_FOOTER_MAGIC = 1337
"""Ends every file of a segment, after the length of a footer in JSON, both as little-endian
uint32; the footer holds the CRC-32 of what is before it (`directory/footer.rs` of tantivy)."""


class DamagedIndexError(Exception):
    """The keyword index cannot be used as it is; the message says why."""


class Documents(NamedTuple):
    """What the keyword index holds, one element a document."""

    snippet_ids: Ids
    index_ids: Ids
    file_ids: Ids


def read_documents(folder: Path) -> Documents:
    """All documents; none where there is no index. Raises DamagedIndexError."""
    if not (folder / "meta.json").exists():
        nothing = np.empty(0, dtype=np.int64)
        return Documents(nothing, nothing, nothing)
    for path in sorted(folder.iterdir()):
        if _SEGMENT_FILE.fullmatch(path.name) and not _is_whole(path):
            raise DamagedIndexError(f"its file {path.name} is damaged")
    try:
        searcher = open_index(folder).searcher()
        if not searcher.num_docs:
            hits = []
        else:
            hits = searcher.search(tantivy.Query.all_query(), searcher.num_docs, count=False).hits
        addresses = [address for _score, address in hits]
        columns = [
            np.array(searcher.fast_field_values(name, addresses), dtype=np.int64)
            for name in (SNIPPET_ID, INDEX_ID, FILE_ID)
        ]
    except (ValueError, OSError, TypeError) as error:
        raise DamagedIndexError(f"it cannot be read: {' '.join(str(error).split())}") from None
    return Documents(*columns)


def _is_whole(path: Path) -> bool:
    """Whether the file has its footer and its content that checksum."""
    data = path.read_bytes()
    if len(data) < 8:
        return False
    length, magic = struct.unpack("<II", data[-8:])
    if magic != _FOOTER_MAGIC or length > len(data) - 8:
        return False
    end = len(data) - 8 - length
    try:
        expected = json.loads(data[end:-8])["crc"]
    except (ValueError, KeyError, TypeError):
        return False
    return bool(zlib.crc32(memoryview(data)[:end]) == expected)
