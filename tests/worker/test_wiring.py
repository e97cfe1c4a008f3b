"""The settings and adapters that a worker really uses."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import cast

import pytest
from tests.support import child_work
from tests.support.command import PATIENCE_SECONDS, KoditCommand
from tests.support.sources import write_tree
from tests.worker.conftest import Queue

from kodit.application.services.cache_service import CacheService
from kodit.application.services.indexing_worker_service import WorkerSettings
from kodit.application.services.stage import StageHandler
from kodit.composition import Application, Engines
from kodit.domain.claiming import QueueOrder
from kodit.domain.entities import Index, Task
from kodit.domain.errors import TransientError, UserError
from kodit.domain.ports.sources import SourceReader
from kodit.domain.retention import UnusedRetention
from kodit.domain.value_objects import SourceKind, TaskState, TaskType
from kodit.infrastructure import wake_up
from kodit.infrastructure.inotify import Inotify
from kodit.infrastructure.processes.pool import ProcessPool
from kodit.infrastructure.sources.source_reader import PooledSourceReader
from kodit.infrastructure.wake_up import SqliteWakeUp
from kodit.settings import Settings

pytestmark = pytest.mark.real_children


def test_the_queue_has_the_order_and_the_limits_that_are_set(tmp_path: Path) -> None:
    environment = {"KODIT_QUEUE_ORDER": "run_first", "KODIT_TASK_LIMITS": "SYNC=3"}
    with Application(Settings.load(environment, data_dir=tmp_path)) as application:
        assert application.queue.rules.order is QueueOrder.RUN_FIRST
        assert application.queue.rules.limits == {TaskType.SYNC: 3}


def do_chores(application: Application) -> None:
    """Every step of every chore, once."""

    async def do() -> None:
        for chore in application.chores:
            while await chore.do_piece():
                pass

    asyncio.run(do())


def test_history_is_kept_as_long_as_is_set(
    kodit: KoditCommand, queue: Queue, tmp_path: Path
) -> None:
    """Two runs, of which one is kept by number and none by age."""
    write_tree(tmp_path / "source", files=1)
    for _ in range(2):
        run_id = queue.request(SourceKind.FOLDER, str(tmp_path / "source"))
        with queue.application() as application:
            asyncio.run(application.queue.cancel(run_id))
    environment = {"KODIT_KEEP_RUNS": "1", "KODIT_KEEP_DAYS": "0.0000001"}
    with queue.application() as application:
        do_chores(application)
        assert len(asyncio.run(application.queue.list_runs())) == 2
    with Application(Settings.load(environment, data_dir=kodit.data_dir)) as application:
        do_chores(application)
        assert [run.id for run in asyncio.run(application.queue.list_runs())] == [run_id]


def test_what_is_done_beside_the_queue(tmp_path: Path) -> None:
    """Each at its interval, as set; indexes are brought up to date only if that is set."""
    environment = {
        "KODIT_SYNC_EVERY_SECONDS": "100",
        "KODIT_KEEP_UNUSED_DAYS": "3",
        "KODIT_KEEP_UNUSED_BYTES": "5000",
    }
    dead = tmp_path / "workers" / "dead.lock"
    with Application(Settings.load(environment, data_dir=tmp_path)) as application:
        assert [(chore.name, chore.interval) for chore in application.chores] == [
            ("finish deletions", 60.0),
            ("delete old runs", 3600.0),
            ("remove unused versions", 600.0),
            ("remove unused results", 3600.0),
            ("release disk space", 60.0),
            ("remove dead workers", 60.0),
        ]
        [cache] = [one for one in application.chores if one.name == "remove unused results"]
        [service] = [
            one
            for one in (getattr(cache.do_piece, "__self__", None),)
            if isinstance(one, CacheService)
        ]
        assert service._retention == UnusedRetention(timedelta(days=3), 5000)
        assert [(chore.name, chore.interval) for chore in application.schedule] == [
            ("release pages", 2.0),
            ("release memory", 5.0),
            ("end unused child processes", 2.0),
            ("rebuild the keyword index", 60.0),
            ("update indexes", 10.0),
        ]
        dead.parent.mkdir(exist_ok=True)
        dead.touch()
        do_chores(application)
        assert not dead.exists()
    with Application(Settings.load({}, data_dir=tmp_path)) as application:
        assert [chore.name for chore in application.schedule] == [
            "release pages",
            "release memory",
            "end unused child processes",
            "rebuild the keyword index",
        ]


def test_a_worker_leaves_nothing_behind(tmp_path: Path) -> None:
    """No thread that watches the database, no subscriber, no child, no lock."""

    def watching() -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread.name == "kodit-wake-up"]

    async def play(application: Application) -> None:
        pools: list[ProcessPool] = []

        def make_handlers(engines: Engines) -> dict[TaskType, StageHandler]:
            pools.append(engines.pool)
            return {}

        before = watching()
        async with application.worker(make_handlers) as (_worker, name):
            assert application.registry.living() == [name]
            assert len(watching()) == len(before) + 1
            assert len(application.wake_ups._notified) > 0
            await Engines(application.settings, application.database, pools[0]).embedder.embed(
                ["text"]
            )
            assert pools[0]._idle
            assert pools[0] is not application.pool  # which outlives each worker
        assert not pools[0]._idle
        assert application.registry.living() == []
        assert watching() == before
        assert list(application.wake_ups._notified) == []

    with Application(Settings.load({}, data_dir=tmp_path)) as application:
        asyncio.run(play(application))


def test_a_server_may_be_silent_as_long_as_is_set(tmp_path: Path) -> None:
    settings = Settings.load({"KODIT_GIT_ANSWER_SECONDS": "7"}, data_dir=tmp_path)
    with Application(settings) as application:
        assert cast(PooledSourceReader, application.engines.reader)._answer_seconds == 7.0


def test_a_lease_that_no_heartbeat_could_keep_is_refused() -> None:
    """The error names both settings."""
    with pytest.raises(UserError, match=r"KODIT_LEASE_SECONDS .* KODIT_HEARTBEAT_SECONDS"):
        Settings.load({"KODIT_LEASE_SECONDS": "20"})
    Settings.load({"KODIT_LEASE_SECONDS": "20", "KODIT_HEARTBEAT_SECONDS": "10"})


@pytest.mark.parametrize("is_told", [True, False])
def test_a_commit_of_another_connection_wakes_a_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_told: bool
) -> None:
    """As by another process: both change SQLite's `data_version`. Otherwise the worker would sleep
    for an hour. With and without file system notifications: a user has a limited number of watches,
    and some systems have none."""
    if not is_told:
        monkeypatch.setattr(wake_up, "_writes_below", lambda _folder: None)
    path = tmp_path / "kodit.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE things (name TEXT)")

        async def sleep() -> None:
            waking = SqliteWakeUp(path)
            try:
                await waking.wait(3600)  # its own first look
                asleep = asyncio.create_task(waking.wait(3600))
                await asyncio.sleep(0.1)
                assert not asleep.done()
                await asyncio.to_thread(commit)
                async with asyncio.timeout(60):
                    await asleep
            finally:
                waking.close()

        def commit() -> None:
            with closing(sqlite3.connect(path)) as other:
                other.execute("INSERT INTO things VALUES ('news')")
                other.commit()

        asyncio.run(sleep())


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell of writes")
def test_an_unchanged_database_is_not_polled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write wakes a sleeping worker, which would otherwise sleep for an hour, and so does its
    end."""
    path = tmp_path / "kodit.db"
    fell_asleep = threading.Semaphore(0)
    wait = Inotify.wait

    def note_and_wait(inotify: Inotify, seconds: float) -> bool:
        fell_asleep.release()
        return wait(inotify, seconds)

    monkeypatch.setattr(Inotify, "wait", note_and_wait)
    monkeypatch.setattr(wake_up, "SLEEP_SECONDS", 3600.0)
    monkeypatch.setattr(wake_up, "SLEEP_AFTER_SECONDS", 0.2)

    async def sleep() -> None:
        waking = SqliteWakeUp(path)
        await waking.wait(3600)  # its own first look
        for number in range(3):
            await asyncio.to_thread(fell_asleep.acquire)
            connection.execute("INSERT INTO things VALUES (?)", (number,))
            connection.commit()
            async with asyncio.timeout(PATIENCE_SECONDS):
                await waking.wait(3600)
        await asyncio.to_thread(fell_asleep.acquire)
        await asyncio.to_thread(waking.close)

    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE things (number INT)")
        asyncio.run(sleep())


def test_a_wake_up_without_memory_ends_without_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A traceback of its thread would come before the sentence of the command."""

    has_started = threading.Event()

    def pause(_waking: SqliteWakeUp, _quiet_seconds: float) -> bool:
        has_started.set()
        raise MemoryError

    monkeypatch.setattr(SqliteWakeUp, "_pause", pause)

    async def close() -> None:
        waking = SqliteWakeUp(tmp_path / "kodit.db")
        await asyncio.to_thread(has_started.wait)
        await asyncio.to_thread(waking.close)

    asyncio.run(close())


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="asks Linux who holds a file")
def test_a_worker_lives_as_long_as_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They hold its lock too, since they may still be working."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]), prepend=":")

    async def play(application: Application) -> None:
        started = asyncio.Event()
        pools = []

        def make_handlers(engines: Engines) -> dict[TaskType, StageHandler]:
            pools.append(engines.pool)
            return {}

        async with application.worker(make_handlers) as (_worker, name):
            call = asyncio.create_task(
                pools[0].call(
                    f"{child_work.__name__}:go_silent",
                    report=lambda _current, _total: started.set(),
                )
            )
            await started.wait()
            assert name in held_by_others(tmp_path / "workers")
            call.cancel()
            await asyncio.wait([call])

    with Application(Settings.load({}, data_dir=tmp_path)) as application:
        asyncio.run(play(application))


def held_by_others(folder: Path) -> set[str]:
    """The lock files of a folder that other processes hold open, by stem."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        if int(process.name) != os.getpid():
            for descriptor in process.glob("fd/*"):
                with suppress(OSError):  # gone meanwhile
                    target = descriptor.readlink()
                    if target.parent == folder:
                        found.add(target.stem)
    return found


def test_the_queue_goes_by_the_settings(tmp_path: Path) -> None:
    """The duration of a lease, and the number of transient failures."""
    environment = {"KODIT_LEASE_SECONDS": "1000", "KODIT_MAX_FAILURES": "1"}
    settings = Settings.load(environment, data_dir=tmp_path)

    async def play(application: Application) -> None:
        queue = application.queue
        await queue.enqueue_task(Task.create(TaskType.SYNC, 10, {}))
        task = await queue.claim("a worker")
        assert task is not None
        assert task.lease_expires_at is not None
        assert task.started_at is not None
        assert task.lease_expires_at - task.started_at == timedelta(seconds=1000)
        assert await queue.fail_transiently(task.claim, TransientError("")) is TaskState.FAILED

    with Application(settings) as application:
        asyncio.run(play(application))


class SilentEngines(Engines):
    """Engines whose sources never answer."""

    @cached_property
    def reader(self) -> SourceReader:
        return cast(SourceReader, SilentReader())


class SilentApplication(Application):
    def make_engines(self, pool: ProcessPool) -> Engines:
        return SilentEngines(self.settings, self.database, pool)


class SilentReader:
    """The first thing that SYNC calls."""

    async def look_up(self, index: Index) -> str | None:
        await asyncio.Event().wait()
        return None


def test_the_stall_limit_of_a_worker_is_configurable(
    kodit: KoditCommand, queue: Queue, tmp_path: Path
) -> None:
    """At each heartbeat it checks whether a task has reported progress within the stall limit. The
    defaults are longer than this test waits."""
    run_id = queue.request(SourceKind.FOLDER, str(tmp_path))
    environment = {
        "KODIT_WORKER_SLOTS": "3",
        "KODIT_STALL_SECONDS": "0.2",
        "KODIT_HEARTBEAT_SECONDS": "0.05",
        "KODIT_MAX_FAILURES": "1",
    }

    async def play(application: Application) -> None:
        async with application.worker() as (worker, name):
            assert worker._settings == WorkerSettings(slots=3, heartbeat=0.05, stall_limit=0.2)
            serving = asyncio.create_task(worker.run(name))
            async with asyncio.timeout(60):
                while not queue.run(run_id).state.is_terminal:  # noqa: ASYNC110 - nothing tells
                    await asyncio.sleep(0.02)
            worker.stop()
            await serving
        run = queue.run(run_id)
        assert run.tasks[0].state is TaskState.FAILED
        assert (run.tasks[0].error or "").startswith("no progress for 0 s; ended")

    settings = Settings.load(environment, data_dir=kodit.data_dir)
    with SilentApplication(settings) as application:
        asyncio.run(play(application))


def test_a_notice_that_comes_after_the_end_of_the_loop_is_dropped(tmp_path: Path) -> None:
    """A thread may still be ending its transaction."""

    async def make() -> SqliteWakeUp:
        return SqliteWakeUp(tmp_path / "kodit.db")

    waking = asyncio.run(make())
    waking._event.clear()
    with ThreadPoolExecutor(1) as other:
        other.submit(waking.notify).result()
    waking.close()
