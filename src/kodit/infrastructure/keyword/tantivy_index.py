"""The keyword index of one machine: tantivy, following the change log in the database."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tantivy

from kodit.domain.errors import PermanentError
from kodit.domain.keyword import KeywordBatch, KeywordPosition
from kodit.infrastructure.keyword.empty import EmptyReader
from kodit.infrastructure.keyword.found import RecordCache
from kodit.infrastructure.keyword.positions import (
    KeywordPositions,
    Stamps,
    stamps_of,
    unreadable,
)
from kodit.infrastructure.keyword.querying import reading
from kodit.infrastructure.keyword.reading import KeywordState, TantivyReader
from kodit.infrastructure.keyword.schema import open_index
from kodit.infrastructure.keyword.standing import (
    DamagedIndexError,
    Standing,
    check_files,
    read_standing,
)
from kodit.infrastructure.keyword.statistics import Statistics
from kodit.infrastructure.keyword.version import SCHEMA_VERSION

# Child processes are started when they are first needed.
if TYPE_CHECKING:
    from kodit.infrastructure.processes.pool import ProcessPool

log = logging.getLogger(__name__)

_WRITING = "kodit.infrastructure.keyword.writing"


class TantivyKeywordIndex:
    """Reads in this process; writes in a child process of the pool."""

    def __init__(self, folder: Path, pool: ProcessPool) -> None:
        self._folder = folder / SCHEMA_VERSION
        self._pool = pool
        self._records = RecordCache()
        self._opened: _Opened | None = None
        self._known: _Known | None = None
        self._was_used = False
        self._lock = threading.Lock()

    async def apply(self, batches: Sequence[KeywordBatch]) -> list[bool]:
        applied: list[bool] = await self._pool.call(
            f"{_WRITING}:apply_batches",
            str(self._folder),
            batches,
            items=sum(len(batch.additions) for batch in batches),
        )
        return applied

    async def drop(self, index_id: int, generation: str | None) -> None:
        await self._pool.call(f"{_WRITING}:drop_index", str(self._folder), index_id, generation)

    def positions(self, index_ids: Iterable[int]) -> dict[int, KeywordPosition | None]:
        return self.reader().positions(index_ids)

    def held(self) -> set[int]:
        return KeywordPositions(self._folder.parent).held()

    def reader(self) -> TantivyReader | EmptyReader:
        """The index as last written by any process. A damaged one counts as empty until the next
        writer has rebuilt it.
        """
        self._was_used = True
        stamps = self._stamps()
        opened = self._opened
        if opened is None or opened.stamps != stamps:
            with self._lock:
                opened = self._opened
                if opened is None or opened.stamps != stamps:
                    opened = self._opened = self._open(stamps)
        return opened.reader

    def close_unused(self) -> None:
        """Searches map the files, and the engine caches up to 1.6 MB of each segment. The next one
        opens them again without checking them, in some 3 ms: as long as nothing was written, they
        are the same.
        """
        if self._was_used:
            self._was_used = False
            return
        with self._lock:
            opened = self._opened
            if opened is not None and opened.state is not None:
                self._known = _Known(opened.stamps, opened.state.standing, opened.state.statistics)
                self._opened = None

    def _stamps(self) -> Stamps:
        return stamps_of(self._folder)

    def _open(self, stamps: Stamps) -> _Opened:
        while True:
            try:
                return self._open_checked(stamps)
            except (DamagedIndexError, FileNotFoundError, PermanentError) as error:
                now = self._stamps()
                if now == stamps:
                    log.warning(
                        "the keyword index is damaged and will not be searched until the next "
                        "run or a repair rebuilds it",
                        extra={"folder": str(self._folder), "reason": str(error)},
                    )
                    return _Opened(stamps, None, EmptyReader())
                stamps = now  # a writer was active
            except OSError as error:
                raise unreadable(self._folder) from error

    def _open_checked(self, stamps: Stamps) -> _Opened:
        known, self._known = self._known, None
        if known is None or known.stamps != stamps:
            standing = read_standing(self._folder)
            check_files(self._folder, standing)
            known = _Known(stamps, standing, Statistics())
        if stamps[1] is None:
            return _Opened(stamps, None, EmptyReader())
        with reading(self._folder):
            index = self._opened.index if self._opened is not None else None
            index = index or open_index(self._folder)
            index.reload()
            state = KeywordState(
                index, self._folder, self._records, known.standing, known.statistics
            )
            return _Opened(stamps, index, state.reader(), state)


@dataclass(frozen=True)
class _Opened:
    """An index, and its state by the stamps of the files that change with it."""

    stamps: Stamps
    index: tantivy.Index | None
    reader: TantivyReader | EmptyReader
    state: KeywordState | None = None


@dataclass(frozen=True)
class _Known:
    """What is known about a state whose files are intact, but not open."""

    stamps: Stamps
    standing: Standing
    statistics: Statistics
