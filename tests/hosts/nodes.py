"""Nodes of one installation: a data directory and a host name each, and one database for all."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

from tests.support.stores import DATABASES

from kodit.application.services.source_service import IndexRequest
from kodit.composition.application import Application
from kodit.domain.entities import Index, IndexRun, Task
from kodit.domain.errors import TransientError
from kodit.domain.value_objects import TaskState, TaskType
from kodit.settings import Settings

T = TypeVar("T")


class Node:
    """One node, of which a test decides what it does next."""

    def __init__(self, application: Application, runner: asyncio.Runner) -> None:
        self.application = application
        self._runner = runner

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """The result of a coroutine."""

        async def wait() -> T:
            return await work()

        return self._runner.run(wait())

    def request(self, source: str | Path) -> IndexRun:
        """Add or refresh a source."""
        [run] = self.run(lambda: self.application.sources.add(IndexRequest([str(source)])))
        return run

    def claim(self) -> Task | None:
        return self.run(lambda: self.application.queue.claim(f"worker of {self.name}"))

    def serve(self, *types: TaskType) -> None:
        """Do the next tasks, which are of these types. Raises the error of a stage, whose task
        stays claimed."""
        for expected in types:
            task = self.claim()
            assert task is not None
            assert task.type is expected
            self.work(task)

    def work(self, task: Task) -> None:
        """Do a claimed task."""
        assert isinstance(task.type, TaskType)
        handler = self.application.stages(self.application.engines).handlers()[task.type]
        outcome = self.run(lambda: handler(task, None))
        queue = self.application.queue
        self.run(lambda: queue.complete(task.claim, nothing_to_do=outcome.nothing_to_do))

    def serve_all(self) -> list[TaskType | str]:
        """Do whatever there is to do; returns the types."""
        done = []
        while (task := self.claim()) is not None:
            self.work(task)
            done.append(task.type)
        return done

    def fail(self, task: Task, error: TransientError) -> TaskState:
        """Report the error of a claimed task, as a worker does."""
        queue = self.application.queue
        return self.run(lambda: queue.fail_transiently(task.claim, error))

    @property
    def name(self) -> str:
        return self.application.this_host.name

    def indexes(self) -> list[Index]:
        with self.application.database.read() as transaction:
            return transaction.indexes.list_all()

    def runs(self) -> list[IndexRun]:
        return self.run(self.application.queue.list_runs)

    def read(self, index_id: int, place: str) -> str:
        """The text of a file."""
        return f"{self.application.browse.read_file(index_id, place).text}\n"

    def clone(self, index_id: int) -> Path:
        return self.application.data_dir / "clones" / f"{index_id}.git"


MakeNode = Callable[..., Node]


@contextmanager
def nodes_below(folder: Path) -> Iterator[MakeNode]:
    """A function that makes a node by the name of its host, with a data directory of its own below
    the folder; `shared` are folders that all hosts have."""
    earlier = DATABASES.places
    url = DATABASES.url_of(folder / "the database")
    with ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner())

        def make(host: str, *shared: Path, **settings: str) -> Node:
            chosen = Settings.load(
                {
                    "KODIT_DATABASE_URL": url,
                    "KODIT_HOST": host,
                    "KODIT_SHARED_FOLDERS": os.pathsep.join(map(str, shared)),
                    **settings,
                },
                data_dir=folder / f"data of {host}",
            )
            return Node(stack.enter_context(Application(chosen)), runner)

        yield make
    DATABASES.drop_since(earlier)
