"""The keyword index of one machine: tantivy, following the log of changes in the database."""

from __future__ import annotations

import secrets
import threading
from pathlib import Path
from typing import NamedTuple

import tantivy

from kodit.domain.keyword import KeywordBatch
from kodit.infrastructure.files import write_atomically
from kodit.infrastructure.keyword.querying import reading
from kodit.infrastructure.keyword.reading import (
    EmptyReader,
    KeywordState,
    RecordCache,
    TantivyReader,
)
from kodit.infrastructure.keyword.schema import SCHEMA_VERSION, open_index
from kodit.infrastructure.keyword.writing import locked
from kodit.infrastructure.processes.pool import ProcessPool

_WRITING = "kodit.infrastructure.keyword.writing"


class TantivyKeywordIndex:
    """Reads in this process; writes in a child process of the pool."""

    def __init__(self, folder: Path, pool: ProcessPool) -> None:
        self._folder = folder / SCHEMA_VERSION
        self._pool = pool
        self._records = RecordCache()
        self._opened: _Opened | None = None
        self._lock = threading.Lock()

    async def apply(self, batch: KeywordBatch) -> None:
        await self._pool.call(f"{_WRITING}:apply_batch", str(self._folder), batch)

    async def drop(self, index_id: int) -> None:
        await self._pool.call(f"{_WRITING}:drop_index", str(self._folder), index_id)

    def generation(self) -> str:
        path = self._folder / "generation"
        if not path.exists():
            with locked(str(self._folder)):
                if not path.exists():  # of two that begin at once, both take the first one's
                    write_atomically(path, secrets.token_hex(8).encode())
        return path.read_text()

    def reader(self) -> TantivyReader | EmptyReader:
        """The index as it was last committed, by whichever process."""
        try:
            status = (self._folder / "meta.json").stat()
        except FileNotFoundError:
            return _EMPTY
        stamp = (status.st_mtime_ns, status.st_ino)
        opened = self._opened
        if opened is None or opened.stamp != stamp:
            with self._lock:
                opened = self._opened
                if opened is None or opened.stamp != stamp:
                    opened = self._opened = self._open(stamp)
        return opened.reader

    def _open(self, stamp: tuple[int, int]) -> _Opened:
        with reading(self._folder):
            index = self._opened.files if self._opened is not None else open_index(self._folder)
            index.reload()
            return _Opened(stamp, index, KeywordState(index, self._folder, self._records).reader())


class _Opened(NamedTuple):
    """An index, and its state by the stamp of its file."""

    stamp: tuple[int, int]
    files: tantivy.Index
    reader: TantivyReader


_EMPTY = EmptyReader()
