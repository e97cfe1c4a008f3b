"""An application is built once and lives long: workers come and go beside it, and its event loop is
never blocked."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, NoReturn

import pytest
from tests.support.command import PATIENCE_SECONDS
from tests.support.sources import commit_all, write_tree

from kodit.application.services.source_service import IndexRequest
from kodit.composition import Application
from kodit.composition.engines import Engines
from kodit.domain.errors import UserError
from kodit.domain.grep import Expression, GrepRequest
from kodit.domain.value_objects import QueuePriority
from kodit.infrastructure.locks import file_lock
from kodit.infrastructure.processes.pool import ProcessPool
from kodit.infrastructure.processes.worker_registry import FileWorkerRegistry
from kodit.settings import Settings

TICKS = 50
"""How often the loop must come round while somebody else holds a lock."""


async def found(application: Application) -> int:
    """How many lines grep finds, in child processes of the application's own."""
    answer = await application.grep.grep(GrepRequest(Expression("def ")))
    return len(answer.matches)


def test_an_application_outlives_its_workers(tmp_path: Path) -> None:
    """Questions between two workers, and after them, are answered as before."""
    write_tree(tmp_path / "source", files=4)

    async def play(application: Application) -> None:
        request = IndexRequest([str(tmp_path / "source")])
        [first] = await application.source_indexing.index(request)
        expected = await found(application)
        assert expected
        async with application.worker():
            assert await found(application) == expected
        assert await found(application) == expected
        [second] = await application.source_indexing.index(request)
        assert (first.state, second.state) == ("succeeded", "succeeded")
        assert await found(application) == expected

    with Application(Settings.load({}, data_dir=tmp_path / "data")) as application:
        asyncio.run(play(application))


@pytest.mark.parametrize(
    "step",
    [(FileWorkerRegistry, "enter"), (ProcessPool, "close")],
    ids=["as it enters", "as it ends"],
)
def test_a_worker_that_is_cancelled_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: tuple[type[Any], str]
) -> None:
    """Nobody waits for the tasks of a worker that is not there: its lock is released."""
    done = getattr(*step)

    async def open_worker(application: Application) -> None:
        loop = asyncio.get_running_loop()
        opening = asyncio.current_task()
        assert opening is not None

        def cancelled_meanwhile(*arguments: Any, **options: Any) -> Any:
            is_cancelled = threading.Event()
            loop.call_soon_threadsafe(opening.cancel)
            loop.call_soon_threadsafe(is_cancelled.set)
            assert is_cancelled.wait(PATIENCE_SECONDS)
            return done(*arguments, **options)

        monkeypatch.setattr(*step, cancelled_meanwhile)
        async with application.worker():
            assert application.registry.living()

    with Application(Settings.load({}, data_dir=tmp_path / "data")) as application:
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(open_worker(application))
        assert application.registry.living() == []


def test_a_worker_without_stages_leaves(tmp_path: Path) -> None:
    async def open_worker(application: Application) -> None:
        def fail(_engines: Engines) -> NoReturn:
            raise UserError("there is no model")

        with pytest.raises(UserError, match="no model"):
            async with application.worker(fail):
                pass

    with Application(Settings.load({}, data_dir=tmp_path / "data")) as application:
        asyncio.run(open_worker(application))
        assert application.registry.living() == []


def test_a_worker_hears_what_others_of_its_process_queue(tmp_path: Path) -> None:
    """Also the second of two consecutive workers: each is notified until it ends."""
    heard: list[str] = []

    class Listener:
        def __init__(self, name: str) -> None:
            self._name = name

        def notify(self) -> None:
            heard.append(self._name)

    async def ask(application: Application) -> None:
        with application.database.write() as transaction:
            source = application.parser.parse(str(tmp_path)).source
            index = transaction.indexes.find(source) or transaction.indexes.add(
                source, application.clock.now()
            )
        await application.queue.request_run(index.id, QueuePriority.BACKGROUND)

    with Application(Settings.load({}, data_dir=tmp_path / "data")) as application:
        first, second = Listener("first"), Listener("second")
        application.wake_ups.add(first)
        asyncio.run(ask(application))
        application.wake_ups.remove(first)
        application.wake_ups.add(second)
        asyncio.run(ask(application))

    assert heard == ["first", "second"]


def test_those_who_wait_at_once_share_a_worker(tmp_path: Path) -> None:
    """It exists until the last of them has its result."""
    for name in ("one", "other"):
        write_tree(tmp_path / name, files=2)

    async def play(application: Application) -> None:
        runs = await asyncio.gather(
            *(
                application.source_indexing.index(IndexRequest([str(tmp_path / name)]))
                for name in ("one", "other", "one")
            )
        )
        assert {run.state for [run] in runs} == {"succeeded"}
        workers = {
            attempt.worker
            for [run] in runs
            for attempts in (await application.queue.describe(run.id))[1].values()
            for attempt in attempts
        }
        assert len(workers) == 1
        assert application.registry.living() == []

    with Application(Settings.load({}, data_dir=tmp_path / "data")) as application:
        asyncio.run(play(application))


async def ticks_while_waiting(lock: Path, work: Coroutine[Any, Any, Any]) -> None:
    """Do the work while another holder keeps the lock until the loop has run this many turns: a
    loop that waited for the lock itself would never get there."""
    with file_lock(lock, 1.0, "the lock"):
        task = asyncio.create_task(work)
        for _tick in range(TICKS):
            await asyncio.sleep(0.002)
    await task


def test_the_loop_goes_on_while_the_database_is_locked(tmp_path: Path) -> None:
    """At the first indexing, and at a deletion."""
    write_tree(tmp_path / "source", files=2)
    place = tmp_path / "data" / "write.lock"

    async def play(application: Application) -> None:
        request = IndexRequest([str(tmp_path / "source")])
        await ticks_while_waiting(place, application.source_indexing.index(request))
        [index] = await application.indexes.status()
        await ticks_while_waiting(place, application.indexes.delete(index.id))
        assert await application.indexes.status() == []

    with Application(Settings.load({}, data_dir=tmp_path / "data")) as application:
        asyncio.run(play(application))


BLOCKING = """
import asyncio, sys, threading, traceback
from pathlib import Path
from kodit.application.services.source_service import IndexRequest
from kodit.composition import Application
from kodit.domain.grep import Expression, GrepRequest
from kodit.settings import Settings

data, *sources = sys.argv[1:]
loop_thread = threading.get_ident()
watching = False
FILES = "open os.remove os.rename os.mkdir os.listdir os.scandir sqlite3.connect".split()
ALWAYS = "subprocess.Popen fcntl.flock os.fork os.posix_spawn time.sleep".split()

def watch(event, arguments):
    if not watching or threading.get_ident() != loop_thread:
        return
    if event in ALWAYS or event in FILES and data in str(arguments[0]):
        print(event, arguments[:1], file=sys.stderr)
        traceback.print_stack(limit=12)

async def main(application):
    global watching
    watching = True
    await application.source_indexing.index(IndexRequest(sources))
    await application.grep.grep(GrepRequest(Expression("def ")))
    await application.source_indexing.index(IndexRequest(sources))
    for status in await application.indexes.status():
        await application.indexes.delete(status.id)
    await application.examination.check(repair=True)
    watching = False

sys.addaudithook(watch)
with Application(Settings.load({}, data_dir=data)) as application:
    asyncio.run(main(application))
"""


def test_nothing_that_blocks_runs_on_the_event_loop(tmp_path: Path) -> None:
    """No process is started, no lock is waited for and no file of the data directory is touched by
    the loop's own thread, from the first indexing to the deletion."""
    write_tree(tmp_path / "folder", files=4)
    write_tree(tmp_path / "repository", files=4)
    commit_all(tmp_path / "repository")

    done = subprocess.run(
        [
            sys.executable,
            "-c",
            BLOCKING,
            str(tmp_path / "data"),
            str(tmp_path / "folder"),
            (tmp_path / "repository").as_uri(),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )

    assert done.stderr == ""
    assert done.returncode == 0
