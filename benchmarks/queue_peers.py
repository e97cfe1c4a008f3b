"""The other queues of the comparison, and workers in separate processes.

Such a worker prints the monotonic time, which all processes of a machine share, at which each task
starts.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from huey import SqliteHuey
from huey.consumer import Consumer

from kodit.application.services.stage import StageOutcome
from kodit.composition import Application
from kodit.domain.entities import ProgressTracker, Task
from kodit.domain.value_objects import TaskType
from kodit.faces.cli.signals import stopped_by
from kodit.settings import Settings

_PROGRAM = "import sys; from benchmarks.queue_peers import serve; serve(*sys.argv[1:])"
_CLAIM = """
    UPDATE jobs SET state = 'running' WHERE id = (
        SELECT id FROM jobs WHERE state = 'ready' ORDER BY priority DESC, id LIMIT 1
    ) RETURNING id
"""


class Bench(Protocol):
    """A queue that can be filled and drained in this process."""

    def round(self, jobs: int) -> tuple[float, float]:
        """Jobs queued per second, jobs drained per second."""
        ...


class BareQueue:
    """The best case of a sqlite3 loop: with Kodit's durability or, if `synchronous`, with SQLite's
    default, which waits for the disk at every commit.
    """

    def __init__(self, path: Path, *, synchronous: str = "NORMAL") -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        for statement in (
            "PRAGMA journal_mode = WAL",
            f"PRAGMA synchronous = {synchronous}",
            "CREATE TABLE jobs (id INTEGER PRIMARY KEY, priority INTEGER, state TEXT, payload)",
            "CREATE INDEX ready ON jobs (priority DESC, id) WHERE state = 'ready'",
        ):
            self._connection.execute(statement)

    def round(self, jobs: int) -> tuple[float, float]:
        """Jobs queued per second, jobs drained per second."""
        started = time.perf_counter()
        for _job in range(jobs):
            self._write("INSERT INTO jobs (priority, state, payload) VALUES (10, 'ready', '{}')")
        queued = time.perf_counter()
        while claimed := self._write(_CLAIM):
            self._write("UPDATE jobs SET state = 'done' WHERE id = ?", claimed[0])
        drained = time.perf_counter()
        self._connection.close()
        return jobs / (queued - started), jobs / (drained - queued)

    def _write(self, statement: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        self._connection.execute("BEGIN IMMEDIATE")
        rows = self._connection.execute(statement, parameters).fetchall()
        self._connection.execute("COMMIT")
        return rows


class HueyQueue:
    """huey over SQLite, with its defaults; drained in this process, without its consumer."""

    def __init__(self, path: Path) -> None:
        self._huey = SqliteHuey(filename=str(path))
        self._task = self._huey.task()(do_nothing)

    def round(self, jobs: int) -> tuple[float, float]:
        """Jobs queued per second, jobs drained per second."""
        started = time.perf_counter()
        for _job in range(jobs):
            self._task()
        queued = time.perf_counter()
        while (job := self._huey.dequeue()) is not None:
            self._huey.execute(job)
        drained = time.perf_counter()
        self._huey.storage.close()
        return jobs / (queued - started), jobs / (drained - queued)


def do_nothing() -> None:
    """The work of a task."""


class Peer(ABC):
    """A worker in a separate process, and a way to give it tasks."""

    def __init__(self, kind: str, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, kind, str(folder)],
            cwd=Path(__file__).parents[1],
            stdout=subprocess.PIPE,
            text=True,
        )
        self._listen()  # its message that it is ready

    @abstractmethod
    def enqueue(self) -> None:
        """Queue one task."""

    def latency(self) -> float:
        """Seconds from just before a task is queued to its start."""
        time.sleep(random.uniform(0.02, 0.12))  # noqa: S311 - to stay out of step with polling
        started = time.monotonic()
        self.enqueue()
        return float(self._listen()) - started

    def cpu_seconds(self) -> float:
        """Processor time of the process so far (proc(5): utime and stime are fields 14 and 15)."""
        stat = Path(f"/proc/{self._process.pid}/stat").read_text("ascii")
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """Ask it to stop, and wait for it."""
        self._process.send_signal(signal.SIGINT)
        with self._process:
            assert self._process.wait(30) == 0, "the worker did not end well"

    def _listen(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


class KoditPeer(Peer):
    """Kodit's worker, with stages that do nothing."""

    def __init__(self, folder: Path) -> None:
        super().__init__("kodit", folder)
        self._application = Application(Settings.load({}, data_dir=folder))
        self._runner = asyncio.Runner()
        self._number = 0

    def enqueue(self) -> None:
        self._number += 1
        task = Task.create(TaskType.SYNC, 50, {"number": self._number})
        self._runner.run(self._application.queue.enqueue_task(task))

    def close(self) -> None:
        self._runner.close()
        self._application.close()
        super().close()


class HueyPeer(Peer):
    """huey's consumer with its defaults."""

    def __init__(self, folder: Path) -> None:
        super().__init__("huey", folder)
        self._huey = SqliteHuey(filename=str(folder / "huey.db"))
        self._task = self._huey.task(name="print_time")(print_time)

    def enqueue(self) -> None:
        self._task()

    def close(self) -> None:
        self._huey.storage.close()
        super().close()


@contextmanager
def started(peer: Peer) -> Iterator[Peer]:
    """The peer, closed at the end."""
    try:
        yield peer
    finally:
        peer.close()


def print_time() -> None:
    """Print the time at which a task starts."""
    print(time.monotonic(), flush=True)


async def _print_time(_task: Task, _tracker: ProgressTracker | None) -> StageOutcome:
    print_time()
    return StageOutcome()


async def serve_kodit(folder: Path) -> None:
    """Run until SIGINT."""
    with Application(Settings.load({}, data_dir=folder)) as application:
        handlers = dict.fromkeys(TaskType, _print_time)
        async with application.worker(lambda _engines: handlers) as (worker, name):
            with stopped_by(worker, [signal.SIGINT]):
                print("ready", flush=True)
                await worker.run(name)


def serve_huey(folder: Path) -> None:
    """Run until SIGINT."""
    huey = SqliteHuey(filename=str(folder / "huey.db"))
    huey.task(name="print_time")(print_time)
    print("ready", flush=True)
    Consumer(huey).run()


def serve(kind: str, folder: str) -> None:
    """The main function of such a worker."""
    if kind == "kodit":
        asyncio.run(serve_kodit(Path(folder)))
    else:
        serve_huey(Path(folder))
