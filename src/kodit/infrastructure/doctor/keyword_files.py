"""The documents in the keyword index."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import tantivy
from numpy.typing import NDArray

from kodit.infrastructure.keyword.panics import is_panic
from kodit.infrastructure.keyword.schema import FILE_ID, INDEX_ID, SNIPPET_ID, open_index
from kodit.infrastructure.keyword.standing import (
    DamagedIndexError,
    Standing,
    check_files,
    is_whole,
    read_standing,
    segment_files,
)

Ids = NDArray[np.int64]


class Documents(NamedTuple):
    """The documents in the keyword index, one element per document."""

    snippet_ids: Ids
    index_ids: Ids
    file_ids: Ids


def read_all(folder: Path) -> tuple[Documents, Standing]:
    """All documents, none if there is no index, and its standing; every file is read completely.
    Raises DamagedIndexError.
    """
    standing = read_standing(folder)
    check_files(folder, standing)
    if not (folder / "meta.json").exists():
        nothing = np.empty(0, dtype=np.int64)
        return Documents(nothing, nothing, nothing), standing
    for path in segment_files(folder):
        if not is_whole(path):
            raise DamagedIndexError(f"its file {path.name} is damaged")
    return _read_documents(folder), standing


def _read_documents(folder: Path) -> Documents:
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
    except BaseException as error:
        if not (isinstance(error, (ValueError, OSError, TypeError)) or is_panic(error)):
            raise
        raise DamagedIndexError(f"it cannot be read: {' '.join(str(error).split())}") from None
    return Documents(*columns)
