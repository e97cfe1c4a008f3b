"""Kodit with a worker that serves for the length of a test, in a thread of the test's process.

The child processes stay, so that a test of many runs starts them once.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.support.command import PATIENCE_SECONDS

from kodit.application.services.index_service import IndexStatus, SourceRequest
from kodit.application.services.indexing_worker_service import IndexingWorkerService
from kodit.composition import Application
from kodit.domain.entities import IndexRun, StoredSnippet, Task
from kodit.domain.value_objects import SearchFilter, SearchMode, SearchRequest
from kodit.infrastructure.sources.parsing import parse_source
from kodit.infrastructure.work_log import VARIABLE
from kodit.settings import Settings

T = TypeVar("T")


class ServingKodit:
    """An application over a data directory, and a worker that serves its queue."""

    def __init__(
        self,
        data_dir: Path,
        application: Callable[[Settings], Application] = Application,
        *,
        is_serving: bool = True,
        **settings: Any,
    ) -> None:
        self.data_dir = data_dir
        self.application = application(Settings(data_dir=data_dir, **settings))
        self._work_log = data_dir.with_name(f"{data_dir.name}.work.log")
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._begin = asyncio.Event()
        if is_serving:
            self._begin.set()
        self._thread = threading.Thread(target=self._run, name="serving")
        self._errors: list[BaseException] = []

    def __enter__(self) -> Self:
        # The child processes, which are this process's heirs, write the log.
        self._outer_log = os.environ.get(VARIABLE)
        os.environ[VARIABLE] = str(self._work_log)
        self._thread.start()
        self._ready.wait()
        self._raise()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()
        os.environ.pop(VARIABLE, None)
        if self._outer_log is not None:
            os.environ[VARIABLE] = self._outer_log
        if error is None:
            self._raise()

    def call(self, work: Callable[[Application], Coroutine[Any, Any, T]]) -> T:
        """Call the application on its event loop."""
        future = asyncio.run_coroutine_threadsafe(work(self.application), self._loop)
        return future.result(PATIENCE_SECONDS)

    def queue(
        self, source: str | Path, exclude: tuple[str, ...] = (), *, is_user_initiated: bool = True
    ) -> IndexRun:
        """Add or refresh a source without waiting."""

        async def ask(application: Application) -> IndexRun:
            parsed = parse_source(str(source)).source
            [index] = await application.indexes.add(
                [SourceRequest(parsed, exclude=exclude or None)]
            )
            return await application.indexing.queue_index_tasks(index.id, is_user_initiated)

        return self.call(ask)

    def serve(self) -> None:
        """Start serving the queue, if that was postponed."""
        self._loop.call_soon_threadsafe(self._begin.set)

    def index(self, source: str | Path, exclude: tuple[str, ...] = ()) -> IndexRun:
        """Refresh a source; returns the run as it ended."""
        return self.wait_for(self.queue(source, exclude).id)

    def wait_for(self, run_id: int) -> IndexRun:
        """Wait until a run has ended."""
        run = self.wait_for_end(run_id)
        assert run is not None
        return run

    def wait_for_end(self, run_id: int) -> IndexRun | None:
        """The same; None if the run is gone, with its index."""

        async def wait(application: Application) -> IndexRun | None:
            while runs := await application.queue.get_runs([run_id]):
                if runs[0].state.is_terminal:
                    return runs[0]
                await asyncio.sleep(0.01)
            return None

        return self.call(wait)

    def retry(self, run_id: int) -> IndexRun:
        """Retry a run and wait until it has ended."""
        return self.wait_for(self.call(lambda application: application.queue.retry(run_id)).id)

    def status(self) -> list[IndexStatus]:
        return self.call(lambda application: application.indexes.status())

    def search(
        self, query: str, mode: str = "hybrid", index_ids: Sequence[int] = (), limit: int = 1000
    ) -> list[StoredSnippet]:
        """The snippets found, best first."""
        request = SearchRequest(
            query, SearchMode(mode), SearchFilter(index_ids=tuple(index_ids)), limit
        )

        async def ask(application: Application) -> list[StoredSnippet]:
            return [result.snippet for result in application.search.search(request)]

        return self.call(ask)

    def work(self) -> Counter[str]:
        """The work of parsers, embedder and enricher since the last call."""
        counts: Counter[str] = Counter()
        if self._work_log.exists():
            for line in self._work_log.read_text("ascii").splitlines():
                name, count = line.split()
                counts[name] += int(count)
            self._work_log.unlink()
        return +counts

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as error:  # noqa: BLE001 - raised again by the test
            self._errors.append(error)
        finally:
            self._ready.set()
            self._loop.run_until_complete(self._loop.shutdown_default_executor())

    async def _serve(self) -> None:
        with self.application:
            async with self.application.worker() as (worker, name):
                serving = asyncio.create_task(self._serve_queue(worker, name))
                self._ready.set()
                try:
                    await self._stop.wait()
                finally:
                    worker.stop()
                    self._begin.set()
                    await serving

    async def _serve_queue(self, worker: IndexingWorkerService, name: str) -> None:
        await self._begin.wait()
        await worker.run(name)

    def _raise(self) -> None:
        if self._errors:
            raise self._errors[0]


def states(run: IndexRun) -> list[str]:
    """The states of a run's tasks, in their order."""
    return [task.state.value for task in run.tasks]


def work_of(run: IndexRun) -> Counter[str]:
    """The total work of a run's tasks."""
    return sum((Counter(task.work) for task in run.tasks), Counter())


def failed_task(run: IndexRun) -> Task:
    """The only task of a run that has an error."""
    (task,) = [task for task in run.tasks if task.error is not None]
    return task
