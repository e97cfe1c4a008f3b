"""Keeps the indexes of folders up to date by indexing changes at once."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from datetime import timedelta

from kodit.application.services.known_changes import KnownChanges, Pending
from kodit.application.services.queue_service import QueueService
from kodit.application.services.threads import Lane, in_thread
from kodit.domain.entities import Index, IndexRun
from kodit.domain.errors import NotFoundError
from kodit.domain.ports.database import Database
from kodit.domain.ports.watching import FolderChanges, FolderWatcher, WatchedFolder
from kodit.domain.source import KnownFile
from kodit.domain.this_host import ALONE, ThisHost
from kodit.domain.value_objects import QueuePriority, RunState, SourceKind

log = logging.getLogger(__name__)

LONGEST_REST_SECONDS = 30.0
LOOK_SECONDS = 0.05
"""How often the progress of runs is checked while there are changes."""
IDLE_SECONDS = 1.0
"""How often to look for new and deleted indexes, which takes half a millisecond."""
COMPARE_SECONDS = 60.0
"""How often folders that the system does not watch are compared, using at most a hundredth of the
time: slow comparisons are made less often."""
SHARE_OF_TIME = 100
LONGEST_START_SECONDS = 5.0
"""How long answers wait for a run to start before they stop waiting for it."""
CLOCK_STEP_NS = 20_000_000
"""How far the clock of a file system may be behind that of the system."""


class WatchService:
    """Requests a run when files of an indexed folder have changed and the folder is quiet again.

    Runs are requested in the background: they never overtake a user's request, unless an answer
    waits for them. While a run is active, its follow-up, of which there is at most one, takes in
    further changes. A folder that never rests has runs for at most two thirds of the time.
    """

    def __init__(
        self,
        *,
        database: Database,
        queue: QueueService,
        watcher: FolderWatcher,
        changes: KnownChanges,
        compare_seconds: float = COMPARE_SECONDS,
        host: ThisHost = ALONE,
    ) -> None:
        """`compare_seconds` is how often folders are compared that the system does not watch.
        Folders of other machines than `host` are left to these."""
        self._host = host
        self._database = database
        self._queue = queue
        self._watcher = watcher
        self._changes = changes
        self._compare_seconds = compare_seconds
        self._indexes: dict[int, Index] = {}
        self._uncompared: dict[int, int] = {}
        """The folders that are still to be compared, each with its watch time in ns."""
        self._looked_at = 0.0
        self._rest_until: dict[int, float] = {}
        self._compare_at: dict[int, float] = {}

    async def run(self) -> None:
        """Watch until cancelled. Raises any error that keeps it from continuing."""
        self._changes.mark = self._watcher.mark
        try:
            while True:
                await self._follow()
                for index_id, found in (await self._watcher.changes(self._pause())).items():
                    await self._note(index_id, found)
                self._changes.reach(self._watcher.seen_mark())
                await self._compare_due_folders()
                await self._request_due_runs()
                await self._settle()
        finally:
            self._changes.stop()
            await self._watcher.aclose()

    def _pause(self) -> float:
        """How long to wait for changes: the longer ago the last change, the less often anything
        else is checked."""
        now = asyncio.get_running_loop().time()
        last = max((one.last_at for one in self._changes.pending.values()), default=0.0)
        return max(LOOK_SECONDS, min((now - last) / 10, IDLE_SECONDS))

    async def _follow(self) -> None:
        """Watch the currently indexed folders, and find the changes in those that were not watched
        before."""
        now = asyncio.get_running_loop().time()
        if self._looked_at and now - self._looked_at < IDLE_SECONDS:
            return
        self._looked_at = now
        indexes = await in_thread(self._read_indexes, Lane.READS)
        folders = {key: WatchedFolder(key, index.source) for key, index in indexes.items()}
        former = {key: WatchedFolder(key, index.source) for key, index in self._indexes.items()}
        self._indexes = indexes
        if folders != former:
            await self._watcher.follow(list(folders.values()))
            for index_id in former.keys() - folders.keys():
                self._changes.forget(index_id)
            new = {key for key, folder in folders.items() if former.get(key) != folder}
            watched_since = time.time_ns() + CLOCK_STEP_NS
            kept = {key: at for key, at in self._uncompared.items() if key in folders}
            self._uncompared = kept | dict.fromkeys(new, watched_since)
        for index_id, watched_since in sorted(self._uncompared.items()):
            scanned_at = indexes[index_id].working_copy.scanned_at_ns
            if scanned_at > watched_since:
                del self._uncompared[index_id]  # nothing that has happened since was missed
            elif scanned_at:  # before the first scan there is nothing to compare with
                await self._compare(index_id)
        self._changes.watched = frozenset(folders)

    def _read_indexes(self) -> dict[int, Index]:
        with self._database.read() as transaction:
            return {
                index.id: index
                for index in transaction.indexes.list_all()
                if index.source.kind is SourceKind.FOLDER and self._host.has(index.source)
            }

    async def _compare_due_folders(self) -> None:
        now = asyncio.get_running_loop().time()
        unwatched = self._watcher.unwatched()
        due = {one for one in unwatched if self._compare_at.get(one, 0.0) <= now}
        for index_id in sorted(due.union(self._watcher.missed()) & self._indexes.keys()):
            await self._compare(index_id)

    async def _compare(self, index_id: int) -> None:
        """Find the changes in a folder since its scan by the stamps of its files."""

        def read() -> tuple[int, Mapping[str, KnownFile]]:
            with self._database.read() as transaction:
                index = transaction.indexes.get(index_id)
                return index.working_copy.scanned_at_ns, transaction.indexes.known_files(index_id)

        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            scanned_at, known = await in_thread(read, Lane.READS)
        except NotFoundError:  # deleted since
            return
        if not scanned_at:
            return
        found = await self._watcher.compare(index_id, known, scanned_at)
        now = loop.time()
        pause = max(self._compare_seconds, SHARE_OF_TIME * (now - began))
        self._compare_at[index_id] = now + pause
        self._uncompared.pop(index_id, None)
        await self._note(index_id, found)

    async def _note(self, index_id: int, found: FolderChanges) -> None:
        """Record possible changes in a folder."""

        def judge() -> tuple[dict[str, int], bool]:
            with self._database.read() as transaction:
                scanned_at = transaction.indexes.get(index_id).working_copy.scanned_at_ns
                known = transaction.indexes.files_by_path(index_id, list(found.files))
            now = time.time_ns()
            changed: dict[str, int] = {}
            needs_scan = found.needs_scan
            for path, stamp in found.files.items():
                file = known.get(path)
                if stamp is None:
                    if file is not None:
                        changed[path] = now
                elif file is None or file.stamp != stamp.stored:
                    changed[path] = min(now, stamp.ctime_ns)
                else:  # as scanned, unless it has changed again within the same moment
                    needs_scan |= stamp.ctime_ns >= scanned_at - CLOCK_STEP_NS
            return changed, needs_scan

        if index_id not in self._indexes:
            return
        try:
            changed, needs_scan = await in_thread(judge, Lane.READS)
        except NotFoundError:  # deleted meanwhile
            return
        if not changed and not needs_scan:
            return
        now = asyncio.get_running_loop().time()
        pending = self._changes.pending.setdefault(index_id, Pending(now, now))
        if pending.is_requested:
            pending.first_at = now
        pending.last_at = now
        pending.is_requested = False
        pending.files |= changed
        if needs_scan:
            pending.unnamed = time.time_ns()

    async def _request_due_runs(self) -> None:
        now = asyncio.get_running_loop().time()
        for index_id, pending in list(self._changes.pending.items()):
            if not pending.is_requested and self._is_due(index_id, pending, now):
                base = QueuePriority.USER_INITIATED if pending.waiting else QueuePriority.BACKGROUND
                try:
                    run = await self._queue.request_run(index_id, base)
                except NotFoundError:  # deleted since
                    self._changes.forget(index_id)
                    continue
                pending.is_requested = True
                pending.requested_at = now
                log.info(
                    "files changed",
                    extra={"index": index_id, "files": len(pending.files), "run": run.id},
                )

    def _is_due(self, index_id: int, pending: Pending, now: float) -> bool:
        if self._watcher.is_changing(index_id):
            return False
        if pending.waiting:
            return True
        if now < self._rest_until.get(index_id, 0.0):
            return False
        return pending.is_over(now)

    async def _settle(self) -> None:
        """Forget the changes that a run has indexed."""
        wanted = [key for key, pending in self._changes.pending.items() if pending.is_requested]
        if not wanted:
            return
        now = asyncio.get_running_loop().time()

        def read() -> tuple[dict[int, Index], dict[int, IndexRun]]:
            with self._database.read() as transaction:
                indexes = {index.id: index for index in transaction.indexes.select(wanted)}
                return indexes, transaction.tasks.latest_runs(wanted)

        indexes, runs = await in_thread(read, Lane.READS)
        for index_id in wanted:
            index, run = indexes.get(index_id), runs.get(index_id)
            if index is None or run is None:
                self._changes.forget(index_id)
            elif run.state is RunState.SUCCEEDED:
                self._take_out(index_id, index.working_copy.scanned_at_ns - CLOCK_STEP_NS)
                self._let_rest(index_id, run, now)
            else:
                waited = now - self._changes.pending[index_id].requested_at
                is_idle = run.state is RunState.QUEUED and waited >= LONGEST_START_SECONDS
                is_stuck = run.state.is_terminal or is_idle
                self._changes.set_stuck(index_id, is_stuck=is_stuck)

    def _take_out(self, index_id: int, before: int) -> None:
        """Forget changes from before a scan that has been indexed."""
        pending = self._changes.pending[index_id]
        pending.files = {path: at for path, at in pending.files.items() if at >= before}
        if pending.unnamed < before:
            pending.unnamed = 0
        if pending.files or pending.unnamed:
            pending.is_requested = False  # they came while the scan was starting
        else:
            self._changes.forget(index_id)

    def _let_rest(self, index_id: int, run: IndexRun, now: float) -> None:
        if run.started_at is not None and run.finished_at is not None:
            took = max(run.finished_at - run.started_at, timedelta(0))
            self._rest_until[index_id] = now + min(took.total_seconds() / 2, LONGEST_REST_SECONDS)
