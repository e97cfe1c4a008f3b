"""The bare clones of git sources."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from kodit.application.services.threads import in_thread
from kodit.domain.diagnosis import Area, Problem
from kodit.domain.entities import Index, WorkingCopy
from kodit.domain.errors import KoditError, NotFoundError
from kodit.domain.this_host import ALONE, ThisHost
from kodit.domain.value_objects import SourceKind
from kodit.infrastructure.doctor.database import newest_index
from kodit.infrastructure.files import remove_tree
from kodit.infrastructure.git.clone import clone_fault, is_at_commit, remove_clone
from kodit.infrastructure.git.transfer import tip_of
from kodit.infrastructure.locks import try_lock
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase

_CLONE = re.compile(r"(?P<index>\d+)\.git")
_TEMPORARY = re.compile(r"\.(?P<clone>\d+\.git)\.[0-9a-f]+\.tmp")
_LOCK = re.compile(r"\.(?P<index>\d+)\.git\.lock")


class CloneExaminer:
    """Compares the folder of clones with the indexes that need one."""

    area = Area.CLONES

    def __init__(self, database: SqlDatabase, folder: Path, host: ThisHost = ALONE) -> None:
        """Where several machines share the database, `host` is this one: its clones may be missing,
        and be of other commits than those that are indexed."""
        self._database = database
        self._host = host
        self._folder = folder

    def examine(self) -> list[Problem]:
        leftovers = self.leftovers()
        with self._database.read() as transaction:
            indexes = transaction.indexes.list_all()
        problems = []
        for index in indexes:
            if index.source.kind is SourceKind.GIT and index.working_copy.commit is not None:
                what = self._fault(index)
                if what is not None:
                    problems.append(self._clone_again(index, what))
        return problems + leftovers

    def leftovers(self) -> list[Problem]:
        """What belongs to no index."""
        # The folder first: an index is stored before its clone is made.
        names = sorted(path.name for path in self._folder.glob("*")) + sorted(
            path.name for path in self._folder.glob(".*")
        )
        with self._database.read() as transaction:
            known = {index.id for index in transaction.indexes.list_all()}
            dying = {index.id for index in transaction.indexes.deleted()}
            newest = newest_index(transaction.connection)
        problems = []
        for name in dict.fromkeys(names):
            problem = self._leftover(name, known | dying, newest)
            if problem is not None:
                problems.append(problem)
        return problems

    def _fault(self, index: Index) -> str | None:
        path, commit = self._path(index.id), str(index.working_copy.commit)
        if self._host.is_one_of_several and not is_at_commit(path, commit):
            tip = tip_of(path)  # without one, it is replaced before it is used
            what = None if tip is None else clone_fault(path, tip)
            return None if what is None else f"the clone of {index.source} {what}"
        with self._database.read() as transaction:
            files = transaction.indexes.known_files(index.id).values()
        blobs = sorted({file.content_hash for file in files})
        what = clone_fault(path, commit, blobs)
        return None if what is None else f"the clone of {index.source} {what}"

    def _clone_again(self, index: Index, what: str) -> Problem:
        if self._host.is_one_of_several:
            repair = partial(in_thread, partial(self._remove, index.id))
            return Problem(self.area, what, "removes it", index.id, repair)
        return Problem(
            self.area,
            what,
            "removes it and clones again",
            index.id,
            partial(in_thread, partial(self._reset, index.id)),
            refresh=frozenset([index.id]),
        )

    def _reset(self, index_id: int) -> None:
        """Clear the commit as well: the next SYNC would find it unchanged and fetch nothing."""
        with self._database.write() as transaction:
            try:
                index = transaction.indexes.get(index_id)
            except NotFoundError:
                return
            working_copy = index.working_copy
            transaction.indexes.finish_scan(
                index_id, WorkingCopy(None, working_copy.scanned_at_ns, working_copy.skipped)
            )
        self._remove(index_id)

    def _remove(self, index_id: int) -> None:
        with self._lock_of(f"{index_id}.git") as is_free:
            if not is_free:
                raise KoditError("another process is working on the clone")
            remove_clone(self._path(index_id))

    def _leftover(self, name: str, known: set[int], newest: int) -> Problem | None:
        path = self._folder / name
        temporary = _TEMPORARY.fullmatch(name)
        if temporary is not None:
            # A process that is filling it holds the clone's lock.
            with self._lock_of(temporary["clone"]) as is_free:
                if not is_free:
                    return None
            return self._removal(path, f"{name} was left by an interrupted transfer")
        match = _CLONE.fullmatch(name) or _LOCK.fullmatch(name)
        if match is None or int(match["index"]) in known:
            return None
        if int(match["index"]) > newest:
            # Of another database, which may have been lost.
            return Problem(
                self.area,
                f"{name} belongs to an index that this database never had",
                "nothing; restore the database that it belongs to, or remove it by hand",
            )
        return self._removal(path, f"{name} belongs to no index")

    def _removal(self, path: Path, what: str) -> Problem:
        repair = partial(in_thread, partial(remove_tree, path))
        return Problem(self.area, what, "removes it", repair=repair)

    @contextmanager
    def _lock_of(self, clone: str) -> Iterator[bool]:
        """Yields whether no process is using the clone; if so, none can start until the end of
        `with`.
        """
        try:
            descriptor = os.open(self._folder / f".{clone}.lock", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            yield True
            return
        try:
            yield try_lock(descriptor)
        finally:
            os.close(descriptor)

    def _path(self, index_id: int) -> Path:
        return self._folder / f"{index_id}.git"
