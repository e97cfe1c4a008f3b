"""The results of one search of tantivy."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import cast

import numpy as np
import tantivy
from numpy.typing import NDArray

from kodit.infrastructure.keyword.schema import CONTENT, PHRASES, RECORD

MOST_RECORDS = 16_384
"""Term records that are cached between searches: some 8 MB."""

Scores = NDArray[np.float64]
Ids = NDArray[np.int64]


class RecordCache:
    """Records by the content they were made from, for all states of an index."""

    def __init__(self) -> None:
        self._records: dict[int, bytes] = {}

    def current(self) -> MutableMapping[int, bytes]:
        """The current cache. A caller keeps it while another thread starts a new one."""
        if len(self._records) > MOST_RECORDS:
            self._records = {}
        return self._records


class Found:
    """tantivy's results, best first by its own scores. Columns are read on demand."""

    def __init__(
        self, searcher: tantivy.Searcher, addresses: list[tantivy.DocAddress], found: Scores
    ) -> None:
        self._searcher = searcher
        self._addresses = addresses
        self._columns: dict[str, Ids] = {}
        self.scores = found

    def __len__(self) -> int:
        return len(self._addresses)

    def column(self, field: str) -> Ids:
        """A numeric field of every document; every document has each field."""
        column = self._columns.get(field)
        if column is None:
            values = self._searcher.fast_field_values(field, self._addresses)
            column = self._columns[field] = np.array(values, dtype=np.int64)
        return column

    def records(self, places: NDArray[np.intp], known: MutableMapping[int, bytes]) -> list[bytes]:
        """The term records of some of the documents."""
        records: list[bytes] = []
        keys = self.column(CONTENT)[places].tolist()
        for place, key in zip(places.tolist(), keys, strict=True):
            record = known.get(key)
            if record is None:
                document = self._searcher.doc(self._addresses[place])
                record = known[key] = cast(bytes, document.get_first(RECORD))
            records.append(record)
        return records

    def phrases(self, places: NDArray[np.intp]) -> list[str]:
        """The text of some of the documents in scripts without spaces, as pairs of characters."""
        documents = (self._searcher.doc(self._addresses[place]) for place in places.tolist())
        return [cast(str, document.get_first(PHRASES) or "") for document in documents]
