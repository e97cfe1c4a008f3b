"""The results of one search of tantivy."""

from __future__ import annotations

from typing import cast

import numpy as np
import tantivy
from numpy.typing import NDArray

from kodit.domain.recent import Recent
from kodit.infrastructure.keyword.schema import CONTENT, PHRASES, RECORD

MOST_RECORD_BYTES = 6 << 20
"""The size of the term records that are cached between searches. One search needs some 500, and
half of the cache holds what the last 15 searches needed."""
MOST_ADDED = 2_000
"""If a search needs more records, because as many snippets tie, none of them is cached: they would
take the place of all that other searches need."""
RECORD_BYTES = 200
"""The overhead of one cached record."""

Scores = NDArray[np.float64]
Ids = NDArray[np.int64]


class RecordCache(Recent[int, bytes]):
    """Records by the content they were made from, for all states of an index."""

    def __init__(self) -> None:
        super().__init__(MOST_RECORD_BYTES, lambda record: len(record) + RECORD_BYTES)


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

    def down_to(self, score: float) -> Found:
        """Those with at least this score."""
        count = int(np.count_nonzero(self.scores >= score))
        return self if count == len(self) else self.at(np.arange(count))

    def at(self, places: NDArray[np.intp]) -> Found:
        """Those at some of the places, in this order."""
        some = Found(
            self._searcher,
            [self._addresses[place] for place in places.tolist()],
            self.scores[places],
        )
        some._columns = {field: column[places] for field, column in self._columns.items()}
        return some

    def records(self, places: NDArray[np.intp], cache: RecordCache) -> list[bytes]:
        """The term records of some of the documents."""
        keys = self.column(CONTENT)[places].tolist()
        every = cache.find_all(keys)
        if every is not None:
            return every
        known = cache.find(keys)
        records: list[bytes] = []
        for place, key in zip(places.tolist(), keys, strict=True):
            record = known.get(key)
            if record is None:
                document = self._searcher.doc(self._addresses[place])
                record = known[key] = cast(bytes, document.get_first(RECORD))
                if len(keys) <= MOST_ADDED:
                    cache.add(key, record)
            records.append(record)
        return records

    def phrases(self, places: NDArray[np.intp]) -> list[str]:
        """The text of some of the documents in scripts without spaces, as pairs of characters."""
        documents = (self._searcher.doc(self._addresses[place]) for place in places.tolist())
        return [cast(str, document.get_first(PHRASES) or "") for document in documents]
