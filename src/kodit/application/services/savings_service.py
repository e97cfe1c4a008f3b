"""Counts the size of answers against that of the files that they name."""

from __future__ import annotations

from collections.abc import Collection

from kodit.domain.errors import NotFoundError
from kodit.domain.ports.catalogue import Catalogue
from kodit.domain.ports.runtime import Clock
from kodit.domain.ports.savings import SavingsStore
from kodit.domain.savings import Cost, Savings

MOST_FILES = 200
"""How many files of one answer are counted, so that counting never costs more than answering."""


class SavingsService:
    """Synchronous: reads the sizes of files, and writes a small file."""

    def __init__(self, *, catalogue: Catalogue, store: SavingsStore, clock: Clock) -> None:
        self._catalogue = catalogue
        self._store = store
        self._clock = clock

    def count(self, tool: str, characters: int, files: Collection[tuple[int, str]]) -> None:
        """Count an answer with this many characters that names these files, each by the identifier
        of its index and its path."""
        size = 0
        with self._catalogue.open() as catalogue:
            for index_id, path in list(files)[:MOST_FILES]:
                try:
                    _index, file = catalogue.find_file(index_id, path)
                except NotFoundError:  # deleted meanwhile
                    continue
                size += 0 if file is None else file.size
        self._store.add(tool, Cost(1, characters, size), self._clock.now().date())

    def totals(self) -> Savings:
        """The counts on this machine."""
        return self._store.load()
