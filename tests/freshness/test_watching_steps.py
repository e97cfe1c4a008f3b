"""The effect of each report of a watcher, step by step and without a file system."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.listening import patiently

from kodit.application.services import known_changes, watch_service
from kodit.application.services.known_changes import KnownChanges, Pending
from kodit.application.services.watch_service import WatchService
from kodit.composition import Application
from kodit.domain.entities import IndexedFile, IndexRun, WorkingCopy
from kodit.domain.ports.watching import FolderChanges, WatchedFolder
from kodit.domain.source import KnownFile
from kodit.domain.value_objects import (
    FileProcessingStatus,
    FileStamp,
    QueuePriority,
    Source,
    SourceKind,
)
from kodit.infrastructure.memory import ManualClock
from kodit.settings import Settings


class ScriptedWatcher:
    """Reports what it is given, and records its calls."""

    def __init__(self) -> None:
        self.to_tell: list[dict[int, FolderChanges]] = []
        self.comparing = FolderChanges()
        self.followed: list[list[int]] = []
        self.compared: list[int] = []
        self.to_miss: set[int] = set()
        self.without_watch: list[int] = []
        self.is_at_work = False
        self.is_closed = False
        self.idle_rounds = 0

    async def follow(self, folders: Sequence[WatchedFolder]) -> None:
        self.followed.append(sorted(folder.index_id for folder in folders))

    async def compare(
        self, index_id: int, _known: Mapping[str, KnownFile], _last_scan_ns: int
    ) -> FolderChanges:
        self.compared.append(index_id)
        return self.comparing

    async def changes(self, _seconds: float) -> dict[int, FolderChanges]:
        await asyncio.sleep(0.001)
        self.idle_rounds += 1
        if not self.to_tell:
            return {}
        self.idle_rounds = 0
        return self.to_tell.pop(0)

    def mark(self) -> int:
        return 0

    def seen_mark(self) -> int:
        return 0

    def missed(self) -> set[int]:
        missed, self.to_miss = self.to_miss, set()
        return missed

    def unwatched(self) -> Sequence[int]:
        return self.without_watch

    def is_changing(self, _index_id: int) -> bool:
        return self.is_at_work

    async def aclose(self) -> None:
        self.is_closed = True


class Steps:
    """A folder and a repository that are indexed; one file is known."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.watcher = ScriptedWatcher()
        self.changes = KnownChanges()
        self.scanned_at = time.time_ns()
        with application.database.write() as transaction:
            indexes = transaction.indexes
            self.folder = indexes.add(Source(SourceKind.FOLDER, "/folder"), NOW).id
            indexes.add(Source(SourceKind.GIT, "https://git.example.org/x"), NOW)
            known = IndexedFile(0, "a.py", "0" * 40, FileProcessingStatus.ADDED, stamp=STAMP.stored)
            indexes.add_files(self.folder, [known])
        self.scan()

    def scan(self, ago_seconds: float = 0.0) -> None:
        """The folder was scanned this long ago."""
        self.scanned_at = time.time_ns() - int(ago_seconds * 1e9)
        with self.application.database.write() as transaction:
            transaction.indexes.finish_scan(self.folder, WorkingCopy(None, self.scanned_at))

    def tell(self, **files: FileStamp | None) -> None:
        named = {f"{name}.py": stamp for name, stamp in files.items()}
        self.watcher.idle_rounds = 0
        self.watcher.to_tell.append({self.folder: FolderChanges(named)})

    def until(self, holds: Callable[[], bool]) -> None:
        """Watch until something holds, and then for some more rounds."""

        async def watch() -> None:
            service = WatchService(
                database=self.application.database,
                queue=self.application.queue,
                watcher=self.watcher,
                changes=self.changes,
                compare_seconds=3600.0,
            )
            task = asyncio.create_task(service.run())
            while not holds():
                assert not task.done()
                await asyncio.sleep(0.001)
            self.pending = dict(self.changes.pending)
            task.cancel()
            await asyncio.wait({task})

        patiently(watch())

    def told_all(self) -> bool:
        """Whether the watcher has returned every report, and was asked for more afterwards."""
        return self.watcher.idle_rounds > 3

    has_told = False

    def files(self) -> set[str]:
        """The files known to have changed at the end."""
        pending = self.pending.get(self.folder)
        return set() if pending is None else set(pending.files)

    def remember(self, pending: Pending) -> None:
        """Something has changed already."""
        self.watcher.idle_rounds = 0
        self.changes.pending[self.folder] = pending

    def run_has_ended(self, seconds: float = 0.0) -> None:
        """The latest run of the folder has found nothing to do, and took so long."""
        queue = self.application.queue

        async def run() -> None:
            await queue.request_run(self.folder, QueuePriority.BACKGROUND)
            task = await queue.claim("ada")
            assert task is not None
            await queue.complete(task.claim, nothing_to_do=True)

        asyncio.run(run())
        with self.application.database.write() as transaction:
            statement = "UPDATE index_runs SET started_at = finished_at - ?"
            transaction.connection.exec_driver_sql(statement, (int(seconds * 1e6),))

    def runs(self) -> list[IndexRun]:
        return asyncio.run(self.application.queue.list_runs())


NOW = ManualClock().now()
STAMP = FileStamp(10, 1_000, 1_000, 7)


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Steps]:
    monkeypatch.setattr(watch_service, "IDLE_SECONDS", 0.0)
    monkeypatch.setattr(known_changes, "QUIET_SECONDS", 0.0)
    with Application(Settings(data_dir=tmp_path / "data")) as application:
        yield Steps(application)


def test_folders_are_followed_and_compared_once(steps: Steps) -> None:
    """When they are new. Repositories on servers report no changes."""
    steps.until(steps.told_all)
    assert steps.watcher.followed == [[steps.folder]]
    assert steps.watcher.compared == [steps.folder]
    assert steps.watcher.is_closed
    assert steps.changes.watched == frozenset()


def test_what_may_have_been_missed_is_compared(steps: Steps) -> None:
    """And unwatched folders, from time to time; not missing ones."""
    steps.watcher.to_miss = {steps.folder, 999}
    steps.until(steps.told_all)
    assert steps.watcher.compared == [steps.folder] * 2

    steps.watcher.compared.clear()
    steps.watcher.without_watch = [steps.folder]
    steps.watcher.idle_rounds = 0
    steps.until(steps.told_all)
    assert steps.watcher.compared == [steps.folder]  # then not before an hour is over


@pytest.mark.parametrize(
    ("told", "changed"),
    [
        ({"a": STAMP}, set()),
        ({"a": replace(STAMP, mtime_ns=2_000)}, {"a.py"}),
        ({"a": replace(STAMP, inode=8)}, {"a.py"}),
        ({"a": None}, {"a.py"}),
        ({"made_and_removed": None}, set()),
        ({"made": STAMP, "a": STAMP}, {"made.py"}),
    ],
)
def test_what_differs_from_what_is_known_has_changed(
    steps: Steps, told: dict[str, FileStamp | None], changed: set[str]
) -> None:
    steps.tell(**told)
    steps.until(steps.told_all)
    assert steps.files() == changed
    assert [run.is_user_initiated for run in steps.runs()] == [False] * bool(changed)


def test_a_file_that_was_written_as_it_was_scanned_is_looked_at_again(steps: Steps) -> None:
    """Its stamp may be that of a write just after it was read."""
    stamp = replace(STAMP, ctime_ns=steps.scanned_at)
    with steps.application.database.write() as transaction:
        statement = "UPDATE files SET stamp = ?"
        transaction.connection.exec_driver_sql(statement, (stamp.stored.mark,))
    steps.tell(a=stamp)
    steps.until(steps.told_all)
    assert steps.files() == set()
    assert steps.pending[steps.folder].unnamed
    assert len(steps.runs()) == 1


def test_nothing_is_asked_for_while_git_is_at_work(steps: Steps) -> None:
    steps.watcher.is_at_work = True
    steps.tell(a=None)
    steps.until(steps.told_all)
    assert steps.files() == {"a.py"}
    assert steps.runs() == []


def test_changes_during_a_run_are_requested_at_once(steps: Steps) -> None:
    """And not when the run has ended, which may take an hour."""
    queue = steps.application.queue
    asyncio.run(queue.request_run(steps.folder, QueuePriority.BACKGROUND))
    assert asyncio.run(queue.claim("ada")) is not None
    steps.remember(Pending(0.0, 0.0, {"b.py": 1}, is_requested=True))
    steps.tell(a=None)
    steps.until(steps.told_all)
    assert [run.is_follow_up for run in steps.runs()] == [True, False]


def test_it_is_in_vain_to_wait_for_a_run_that_was_cancelled(steps: Steps) -> None:
    queue = steps.application.queue
    run = asyncio.run(queue.request_run(steps.folder, QueuePriority.BACKGROUND))
    steps.remember(Pending(0.0, 0.0, {"b.py": 1}, is_requested=True, requested_at=1e12))
    steps.until(steps.told_all)
    assert not steps.pending[steps.folder].is_stuck
    asyncio.run(queue.cancel(run.id))
    steps.remember(Pending(0.0, 0.0, {"b.py": 1}, is_requested=True, requested_at=1e12))
    steps.until(steps.told_all)
    assert steps.pending[steps.folder].is_stuck


def test_changes_since_the_scan_are_still_to_be_indexed(steps: Steps) -> None:
    """By another run; earlier ones are in the index now."""
    before, after = steps.scanned_at - 10**10, steps.scanned_at + 10**10
    steps.run_has_ended()
    steps.remember(Pending(0.0, 0.0, {"a.py": before, "b.py": after}, before, is_requested=True))
    steps.until(steps.told_all)
    assert steps.pending[steps.folder].files == {"b.py": after}
    assert steps.pending[steps.folder].unnamed == 0
    assert len(steps.runs()) == 2

    steps.run_has_ended()
    just_before = steps.scanned_at - watch_service.CLOCK_STEP_NS // 2  # file systems are not exact
    steps.remember(Pending(0.0, 0.0, {"a.py": just_before}, is_requested=True))
    steps.until(steps.told_all)
    assert steps.pending[steps.folder].files == {"a.py": just_before}

    steps.run_has_ended()
    steps.remember(Pending(0.0, 0.0, {}, after, is_requested=True))
    steps.until(steps.told_all)
    assert steps.pending[steps.folder].unnamed == after

    steps.run_has_ended()
    steps.remember(Pending(0.0, 0.0, {"a.py": before}, before, is_requested=True))
    steps.until(steps.told_all)
    assert steps.pending == {}


@pytest.mark.parametrize("waiting", [0, 1])
def test_a_folder_that_never_rests_is_paused(steps: Steps, waiting: int) -> None:
    """For half as long as its run took, unless an answer waits."""
    steps.run_has_ended(seconds=40.0)
    steps.remember(Pending(0.0, 0.0, {"a.py": 1}, is_requested=True))

    def has_rest() -> bool:
        if steps.folder not in steps.changes.pending and not steps.has_told:
            steps.has_told = True
            steps.tell(a=None)
            steps.changes.pending[steps.folder] = Pending(0.0, 0.0, waiting=waiting)
        return steps.has_told and steps.told_all()

    steps.until(has_rest)
    assert steps.files() == {"a.py"}
    assert [run.is_user_initiated for run in steps.runs()[:-1]] == [True] * waiting


def test_the_changes_of_an_index_that_is_deleted_are_forgotten(steps: Steps) -> None:
    steps.watcher.is_at_work = True
    steps.remember(Pending(0.0, 0.0, {"a.py": 1}))

    def is_deleted() -> bool:
        if steps.watcher.followed and not steps.has_told:
            steps.has_told = True
            with steps.application.database.write() as transaction:
                transaction.indexes.mark_deleted(steps.folder, NOW)
        return steps.has_told and len(steps.watcher.followed) > 1 and steps.told_all()

    steps.until(is_deleted)
    assert steps.watcher.followed == [[steps.folder], []]
    assert steps.pending == {}


def test_a_folder_that_was_never_scanned_is_not_compared(steps: Steps) -> None:
    """Its first run finds everything."""
    with steps.application.database.write() as transaction:
        transaction.indexes.finish_scan(steps.folder, WorkingCopy(None, 0))
    steps.watcher.without_watch = [steps.folder]
    steps.until(steps.told_all)
    assert steps.watcher.compared == []


def test_who_has_given_up_waits_no_longer() -> None:
    """A folder is not indexed sooner for the sake of an answer that was given."""

    async def wait() -> int:
        changes = KnownChanges()
        changes.watched = frozenset({1})
        changes.pending[1] = Pending(0.0, 0.0, {"a.py": 1})
        assert await changes.settle([1], 0.0)
        assert await changes.settle([1], 0.01)
        return changes.pending[1].waiting

    assert asyncio.run(wait()) == 0


def test_who_waits_for_changes_goes_on_when_watching_ends() -> None:
    async def wait() -> None:
        changes = KnownChanges()
        changes.watched = frozenset({1})
        changes.mark = lambda: 5  # which is never reached
        waiting = asyncio.create_task(changes.settle([1], 3600.0))
        await asyncio.sleep(0)
        assert not waiting.done()
        changes.stop()
        assert not await waiting

    patiently(wait())
