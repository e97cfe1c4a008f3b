"""`kodit worker` as a process, and sources that keep it busy as long as a test needs."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.command import KoditCommand, kill_group
from tests.support.fixtures import kodit

from kodit.composition import Application
from kodit.domain.entities import IndexRun, TaskAttempt
from kodit.domain.value_objects import QueuePriority, Source, SourceKind
from kodit.settings import Settings

__all__ = ["kodit"]


@pytest.fixture
def silent_server() -> Iterator[str]:
    """The URL of a git server that accepts connections and never answers, which holds up SYNC."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as server:
        yield f"git://127.0.0.1:{server.getsockname()[1]}"


class Queue:
    """The queue of a data directory, read and changed from the test's process."""

    def __init__(self, data_dir: Path) -> None:
        self._settings = Settings.load({}, data_dir=data_dir)

    def request(self, kind: SourceKind, location: str) -> int:
        """Add an index without a look at its source, and request a run; returns the run's
        identifier."""
        with self.application() as application:
            with application.database.write() as transaction:
                source = Source(kind, location)
                index = transaction.indexes.find(source) or transaction.indexes.add(
                    source, application.clock.now()
                )
            return asyncio.run(
                application.queue.request_run(index.id, QueuePriority.USER_INITIATED)
            ).id

    def run(self, run_id: int) -> IndexRun:
        """The current state of a run."""
        with self.application() as application, application.database.read() as transaction:
            return transaction.tasks.lock_run(run_id)

    def attempts(self, run_id: int) -> list[TaskAttempt]:
        """Every attempt at the first task of a run."""
        first = self.run(run_id).tasks[0]
        with self.application() as application, application.database.read() as transaction:
            return transaction.tasks.attempts(first.id)

    @contextmanager
    def application(self) -> Iterator[Application]:
        """Kodit over the data directory."""
        with Application(self._settings) as application:
            yield application


@pytest.fixture
def queue(kodit: KoditCommand) -> Queue:
    """The queue of the command's data directory."""
    return Queue(kodit.data_dir)


StartWorker = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start_worker(kodit: KoditCommand) -> Iterator[StartWorker]:
    """Starts workers, and ends those still running after the test."""
    workers = []

    def start(*options: str) -> subprocess.Popen[str]:
        workers.append(kodit.start("worker", *options))
        return workers[-1]

    yield start
    for worker in workers:
        if worker.poll() is None:
            kill_group(worker)
        with worker:
            worker.communicate()
