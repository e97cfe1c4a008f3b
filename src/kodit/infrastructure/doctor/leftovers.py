"""Leftovers of dead processes, earlier versions and incomplete deletions."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Table, select

from kodit.application.services.index_removal import ROWS_PER_REMOVAL
from kodit.application.services.index_service import IndexService
from kodit.application.services.threads import in_thread
from kodit.domain.diagnosis import Area, Problem
from kodit.domain.ports.workers import WorkerRegistry
from kodit.infrastructure.doctor.database import newest_index
from kodit.infrastructure.files import remove_tree
from kodit.infrastructure.keyword.version import SCHEMA_VERSION
from kodit.infrastructure.keyword.writing import LOCK, leftovers
from kodit.infrastructure.locks import open_lock_file, try_lock
from kodit.infrastructure.sqlalchemy.entities import (
    DESCRIPTIONS,
    EMBEDDINGS,
    ENRICHMENTS,
    INDEX_RUNS,
    INDEXES,
    KEYWORD_CHANGES,
    KEYWORD_HISTORY,
    NODE_CURSORS,
    NODE_PACKS,
    PENDING_SNIPPETS,
    REFUSED_SNIPPETS,
    SNIPPETS,
    TASKS,
    VECTORS,
)
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase
from kodit.infrastructure.sqlalchemy.transaction import SqlTransaction
from kodit.infrastructure.vectors.pack_file import open_pack

QUIET_SECONDS = 3600.0
"""A file that has been untouched for this long is not about to be used by the process that made
it.
"""

_OWNED: tuple[Table, ...] = (
    PENDING_SNIPPETS,
    REFUSED_SNIPPETS,
    VECTORS,
    KEYWORD_CHANGES,
    KEYWORD_HISTORY,
    NODE_CURSORS,
    NODE_PACKS,
    SNIPPETS,
    EMBEDDINGS,
    ENRICHMENTS,
    DESCRIPTIONS,
    INDEX_RUNS,
    TASKS,
)
_CREDENTIALS = re.compile(r"[0-9a-f]{32}")
_OF_PROCESS = re.compile(r"\.(?P<process>\d+)\.[0-9a-f]{8}\.tmp$")
_PACK = re.compile(r"(?P<index>\d+)-(?:code|text)\.pack")


class LeftoverExaminer:
    """Checks the rows of deleted indexes, and the files of the data directory."""

    area = Area.LEFTOVERS

    def __init__(
        self,
        database: SqlDatabase,
        data_dir: Path,
        indexes: IndexService,
        registry: WorkerRegistry,
    ) -> None:
        self._database = database
        self._data_dir = data_dir
        self._indexes = indexes
        self._registry = registry

    def examine(self) -> list[Problem]:
        # Files first: a file named by a row of the database exists before the row.
        files = [*self._temporary_files(), *self._former_keyword_indexes(), *self._dead_workers()]
        credentials = self._credentials()
        packs = sorted((self._data_dir / "vectors").glob("*.pack"))
        with self._database.read() as transaction:
            rows = [*self._deletions(transaction), *self._rows_without_index(transaction)]
            unused = self._unused_in(transaction, credentials)
            known = set(transaction.connection.execute(select(INDEXES.c.id)).scalars())
        return [
            *rows,
            *files,
            *unused,
            *self._useless_packs(packs, known),
        ]

    def unused_credentials(self) -> list[Problem]:
        """The secrets that no index refers to."""
        found = self._credentials()
        with self._database.read() as transaction:
            return self._unused_in(transaction, found)

    def _unused_in(self, transaction: SqlTransaction, found: list[Path]) -> list[Problem]:
        references = set(
            transaction.connection.execute(
                select(INDEXES.c.credentials).where(INDEXES.c.credentials.is_not(None))
            ).scalars()
        )
        # A database that never had an index may have replaced a lost one that needs them.
        has_had_any = newest_index(transaction.connection)
        return self._unused_credentials(found, references) if has_had_any else []

    def _deletions(self, transaction: SqlTransaction) -> list[Problem]:
        return [
            Problem(
                self.area,
                f"the deletion of {index.source} was started but not finished",
                "finishes it",
                index.id,
                self._indexes.finish_deletions,
            )
            for index in transaction.indexes.deleted()
        ]

    def _rows_without_index(self, transaction: SqlTransaction) -> list[Problem]:
        tables: dict[int, set[str]] = {}
        for table in _OWNED:
            query = (
                select(table.c.index_id)
                .where(table.c.index_id.is_not(None), table.c.index_id.not_in(select(INDEXES.c.id)))
                .distinct()
            )
            for index_id in transaction.connection.execute(query).scalars():
                tables.setdefault(index_id, set()).add(table.name)
        return [
            Problem(
                self.area,
                f"rows in {', '.join(sorted(names))} belong to an index that does not exist",
                "removes them, except cached results that others use",
                index_id,
                partial(in_thread, partial(self._remove_rows, index_id)),
            )
            for index_id, names in sorted(tables.items())
        ]

    def _remove_rows(self, index_id: int) -> None:
        while True:
            with self._database.write() as transaction:
                if not (
                    transaction.tasks.delete_runs(index_id, ROWS_PER_REMOVAL)
                    or transaction.indexes.remove_some(index_id, ROWS_PER_REMOVAL)
                ):
                    return

    def _temporary_files(self) -> list[Problem]:
        found: list[Path] = []
        for pattern in ("*.tmp", "vectors/*.tmp", "credentials/.*.tmp"):
            found += self._data_dir.glob(pattern)
        abandoned = [path for path in found if _is_from_dead_process(path)]
        abandoned += _untouched(path for path in found if path not in abandoned)
        abandoned += self._temporary_files_of_keyword_index()
        return [
            self._removal(path, f"{path.relative_to(self._data_dir)} was never moved into place")
            for path in sorted(abandoned)
        ]

    def _temporary_files_of_keyword_index(self) -> list[Path]:
        """Unneeded as long as no process is writing."""
        folder = self._data_dir / "keyword"
        if not (folder / LOCK).exists():
            return []
        descriptor = open_lock_file(folder / LOCK)
        try:
            if not try_lock(descriptor):
                return []
            folders = [folder, *(path for path in folder.glob("*") if path.suffix != ".tmp")]
            return [path for one in folders for path in leftovers(one)]
        finally:
            os.close(descriptor)

    def _former_keyword_indexes(self) -> list[Problem]:
        others = [
            path
            for path in (self._data_dir / "keyword").glob("*")
            if path.is_dir() and path.name != SCHEMA_VERSION
        ]
        return [
            self._removal(path, f"keyword/{path.name} is the keyword index of another version")
            for path in _untouched(others)
        ]

    def _dead_workers(self) -> list[Problem]:
        return [
            Problem(
                self.area,
                f"the worker {path.stem} has died and left its lock file",
                "removes it",
                repair=partial(in_thread, self._registry.sweep),
            )
            for path in sorted((self._data_dir / "workers").glob("*.lock"))
            if self._registry.is_dead(path.stem)
        ]

    def _credentials(self) -> list[Path]:
        folder = self._data_dir / "credentials"
        return _untouched(path for path in folder.glob("*") if _CREDENTIALS.fullmatch(path.name))

    def _unused_credentials(self, found: list[Path], references: set[Any]) -> list[Problem]:
        return [
            self._removal(path, f"the credentials {path.name[:8]}… belong to no index")
            for path in found
            if f"file:{path.name}" not in references
        ]

    def _useless_packs(self, packs: list[Path], known: set[int]) -> list[Problem]:
        problems = []
        for path in packs:
            match = _PACK.fullmatch(path.name)
            if match is None or int(match["index"]) not in known:
                problems.append(self._removal(path, f"vectors/{path.name} belongs to no index"))
            elif open_pack(path) is None and path.exists():
                problems.append(self._removal(path, f"vectors/{path.name} cannot be read"))
        return problems

    def _removal(self, path: Path, what: str) -> Problem:
        repair = partial(in_thread, partial(remove_tree, path))
        return Problem(self.area, what, "removes it", repair=repair)


def _is_from_dead_process(path: Path) -> bool:
    """Whether the process named in a temporary file's name has ended."""
    match = _OF_PROCESS.search(path.name)
    if match is None:
        return False
    try:
        os.kill(int(match["process"]), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _untouched(paths: Iterable[Path]) -> list[Path]:
    """Those that have been untouched for a while, in order."""
    before = time.time() - QUIET_SECONDS
    quiet = []
    for path in paths:
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < before:
                quiet.append(path)
    return sorted(quiet)
