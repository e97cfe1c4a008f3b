"""Serves the queue inside this process: while a caller waits for runs, or until told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    nullcontext,
    suppress,
)
from dataclasses import dataclass
from typing import Protocol

from kodit.application.services.awaited_runs import AwaitedRuns
from kodit.application.services.chores import Chore
from kodit.application.services.index_service import IndexService
from kodit.application.services.indexing_worker_service import IndexingWorkerService
from kodit.application.services.queue_service import QueueService
from kodit.domain.entities import IndexRun, ProgressTracker, Task
from kodit.domain.errors import TransientError
from kodit.domain.ports.runtime import WakeUpGroup
from kodit.domain.value_objects import Source

SHOW_SECONDS = 0.1
"""How often an observer is shown the progress of runs."""
LOOK_SECONDS = 0.25
"""How often a caller who only waits checks the runs, as another process may have ended them."""
LONGEST_TROUBLE_SECONDS = 5.0
"""How long a caller waits silently while the database cannot be written."""


class Stoppable(Protocol):
    """What a signal stops."""

    def stop(self) -> None: ...


StoppedBy = Callable[[Stoppable], AbstractContextManager[None]]
"""Lets something outside, such as a signal, stop an object for the duration of a block."""
MakeChores = Callable[[], Sequence[Chore]]
OpenWorker = Callable[[], AbstractAsyncContextManager[tuple[IndexingWorkerService, str]]]
"""Opens a registered worker, and returns it with its name."""


@dataclass(frozen=True, slots=True)
class RunObserver:
    """Observes runs while a caller waits for them.

    `show` is called with the runs, whenever they may have changed, and the sources of all indexes;
    `show_operation` with a task of this process and each of its operations that changes.
    """

    show: Callable[[list[IndexRun], Mapping[int, Source]], None]
    show_operation: Callable[[Task, ProgressTracker], None]
    seconds: float = SHOW_SECONDS
    """The longest time between two checks of the runs."""


class WorkerHost:
    """One worker, shared by all concurrent callers; it exists as long as one of them waits."""

    def __init__(
        self,
        *,
        open_worker: OpenWorker,
        queue: QueueService,
        indexes: IndexService,
        wake_ups: WakeUpGroup,
        chores: MakeChores,
        schedule: MakeChores,
    ) -> None:
        """`chores` run beside every worker, `schedule` only beside one that serves until it is
        stopped."""
        self._open_worker = open_worker
        self._queue = queue
        self._indexes = indexes
        self._wake_ups = wake_ups
        self._chores = chores
        self._schedule = schedule
        self._shared: _SharedWorker | None = None
        self._changing = asyncio.Lock()

    async def serve_until_ended(
        self,
        ask: Callable[[], Awaitable[list[IndexRun]]],
        *,
        observer: RunObserver | None = None,
        afterwards: Callable[[list[IndexRun]], Awaitable[None]] | None = None,
        stopped_by: StoppedBy | None = None,
        waits_for_budget: bool = False,
    ) -> list[IndexRun]:
        """Serve the whole queue until the runs that `ask` returns have ended, and return them; a
        run that waits for a budget counts as ended, unless `waits_for_budget` is set. `afterwards`
        is called with them while the worker still exists. If the caller is cancelled, held tasks
        are released first.

        Raises TransientError if the queue cannot be written for too long: on a full disk, for
        example, the failure could not be recorded in any other way.
        """
        async with self._worker() as shared:
            with shared.observed_by(observer), _stopping(stopped_by, shared.worker):
                # Before the worker starts: the request joins what is queued already.
                wanted = [run.id for run in await ask()]
                if not wanted:
                    return []
                serving = shared.serve()
                runs = await self._wait_for(
                    wanted, shared.worker, serving, observer, waits_for_budget=waits_for_budget
                )
                if afterwards is not None:
                    await afterwards(runs)
                # Finishing an interrupted deletion may take longer than these runs took.
                while shared.is_for_one and await self._indexes.continue_deletions():
                    pass
                return runs

    async def serve_until_stopped(self, stopped_by: StoppedBy) -> None:
        """Serve the queue, with all chores beside it, until `stopped_by` stops the worker; held
        tasks are then released."""
        chores = [*self._chores(), *self._schedule()]
        async with self._open_worker() as (worker, name):
            with stopped_by(worker):
                await worker.run(name, chores)

    @asynccontextmanager
    async def _worker(self) -> AsyncIterator[_SharedWorker]:
        async with self._changing:
            if self._shared is None or self._shared.has_ended:
                self._shared = await _SharedWorker.open(self._open_worker, self._chores())
            shared = self._shared
            shared.users += 1
        try:
            yield shared
        finally:
            await asyncio.shield(asyncio.ensure_future(self._leave(shared)))

    async def _leave(self, shared: _SharedWorker) -> None:
        async with self._changing:
            shared.users -= 1
            if not shared.users:
                if self._shared is shared:
                    self._shared = None
                await shared.end()

    async def _wait_for(
        self,
        wanted: Sequence[int],
        worker: IndexingWorkerService,
        serving: asyncio.Task[None],
        observer: RunObserver | None,
        *,
        waits_for_budget: bool,
    ) -> list[IndexRun]:
        sources = {} if observer is None else await self._indexes.sources()
        awaited = AwaitedRuns(self._queue, wanted, waits_for_budget=waits_for_budget)
        with _Changes.of(self._wake_ups) as changes:
            while True:
                has_stopped = serving.done()
                ended = await (awaited.all() if has_stopped else awaited.ended())
                await self._show(observer, awaited, sources, is_last=ended is not None)
                if ended is not None:
                    return ended
                trouble = worker.trouble
                if trouble is not None and trouble[0] > LONGEST_TROUBLE_SECONDS:
                    raise TransientError(trouble[1], code="queue_unwritable")
                await changes.wait(LOOK_SECONDS if observer is None else observer.seconds, serving)

    async def _show(
        self,
        observer: RunObserver | None,
        awaited: AwaitedRuns,
        sources: Mapping[int, Source],
        *,
        is_last: bool,
    ) -> None:
        if observer is None:
            return
        runs = await awaited.to_show(again=is_last)
        if runs is not None:
            observer.show(runs, sources)


class _SharedWorker:
    """A worker that serves the queue in a task of its own."""

    def __init__(
        self,
        worker: IndexingWorkerService,
        name: str,
        chores: Sequence[Chore],
        opened: AsyncExitStack,
    ) -> None:
        self.worker = worker
        self.users = 0
        self._name = name
        self._chores = chores
        self._opened = opened
        self._serving: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, open_worker: OpenWorker, chores: Sequence[Chore]) -> _SharedWorker:
        """A registered worker that serves when it is told to."""
        opened = AsyncExitStack()
        worker, name = await opened.enter_async_context(open_worker())
        return cls(worker, name, chores, opened)

    def serve(self) -> asyncio.Task[None]:
        """Start serving the queue, if not yet started; returns the task that does so."""
        if self._serving is None:
            self._serving = asyncio.create_task(self.worker.run(self._name, self._chores))
        return self._serving

    @property
    def has_ended(self) -> bool:
        return self._serving is not None and self._serving.done()

    @property
    def is_for_one(self) -> bool:
        """Whether it still serves, and only one caller waits for it."""
        return self.users == 1 and not self.has_ended

    @contextmanager
    def observed_by(self, observer: RunObserver | None) -> Iterator[None]:
        if observer is None:
            yield
            return
        self.worker.subscribe(observer.show_operation)
        try:
            yield
        finally:
            self.worker.unsubscribe(observer.show_operation)

    async def end(self) -> None:
        """Release the held tasks, and leave the registry."""
        try:
            self.worker.stop()
            if self._serving is not None:
                await self._serving
        finally:
            await self._opened.aclose()


class _Changes:
    """Notifies a coroutine that this process has changed the queue."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._event = asyncio.Event()

    @classmethod
    @contextmanager
    def of(cls, wake_ups: WakeUpGroup) -> Iterator[_Changes]:
        changes = cls(asyncio.get_running_loop())
        wake_ups.add(changes)
        try:
            yield changes
        finally:
            wake_ups.remove(changes)

    def notify(self) -> None:
        # Whoever began to notify before this was removed may be as late as after the loop's end.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self, seconds: float, ended: asyncio.Task[None]) -> None:
        """Wait until something has changed, the task has ended, or the time is over."""
        waiting = asyncio.ensure_future(self._event.wait())
        try:
            await asyncio.wait(
                {waiting, ended}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            waiting.cancel()
        self._event.clear()


def _stopping(
    stopped_by: StoppedBy | None, worker: IndexingWorkerService
) -> AbstractContextManager[None]:
    return nullcontext() if stopped_by is None else stopped_by(worker)
