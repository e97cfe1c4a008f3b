"""A worker: claims tasks, runs them, watches them, and writes down how they ended."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from kodit.application.services.queue_service import QueueService
from kodit.application.services.stage import StageHandler
from kodit.domain.errors import (
    KoditError,
    LeaseLost,
    StalledError,
    TaskCancelled,
    TransientError,
)
from kodit.domain.ports.runtime import WakeUp
from kodit.domain.ports.workers import WorkerRegistry
from kodit.domain.progress import ProgressTracker, TaskOperation, TrackableType
from kodit.domain.task import Task, TaskProgress, TaskType

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """How a worker works; times in seconds.

    `stall_limit` is how long a task may show no progress before it is ended: longer than what
    the child processes allow a single call, which is the finer net of the two.
    """

    slots: int = 2
    heartbeat: float = 15.0
    stall_limit: float = 180.0
    slow_poll: float = 2.0


class IndexingWorkerService:
    """Serves the whole queue, some tasks at a time, until it is told to stop."""

    def __init__(
        self,
        *,
        queue: QueueService,
        handlers: Mapping[TaskType, StageHandler],
        registry: WorkerRegistry,
        wake_up: WakeUp,
        settings: WorkerSettings | None = None,
    ) -> None:
        self._queue = queue
        self._handlers = handlers
        self._registry = registry
        self._wake_up = wake_up
        self._settings = settings or WorkerSettings()
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._subscribers: list[Callable[[Task, ProgressTracker], None]] = []

    def subscribe(self, subscriber: Callable[[Task, ProgressTracker], None]) -> None:
        """Call `subscriber` with a task and each of its operations that changes."""
        self._subscribers.append(subscriber)

    def stop(self) -> None:
        """Claim nothing more, release what is held, and let `run` return."""
        self._stopping = True
        self._wake_up.notify()

    async def run(self, worker: str) -> None:
        """Work under this name until `stop` is called or the caller is cancelled."""
        reclaimed_at = 0.0
        try:
            while not self._stopping:
                if time.monotonic() - reclaimed_at >= self._settings.slow_poll:
                    await self._queue.reclaim(self._registry)
                    reclaimed_at = time.monotonic()
                await self._fill(worker)
                await self._wake_up.wait(await self._pause())
        finally:
            await self._release_all()

    async def _fill(self, worker: str) -> None:
        """Claim for every free slot."""
        while len(self._running) < self._settings.slots and not self._stopping:
            task = await self._queue.claim(worker)
            if task is None:
                return
            runner = asyncio.create_task(self._serve(worker, task))
            self._running.add(runner)
            runner.add_done_callback(self._on_end)

    def _on_end(self, runner: asyncio.Task[None]) -> None:
        self._running.discard(runner)
        self._wake_up.notify()
        if not runner.cancelled() and (error := runner.exception()) is not None:
            log.error("a slot of the worker ended with an error", exc_info=error)

    async def _pause(self) -> float:
        if len(self._running) >= self._settings.slots:
            return self._settings.slow_poll
        seconds = await self._queue.seconds_to_next()
        return min(self._settings.slow_poll, max(seconds or self._settings.slow_poll, 0.0))

    async def _release_all(self) -> None:
        for runner in self._running:
            runner.cancel()
        if self._running:
            await asyncio.wait(self._running)

    async def _serve(self, worker: str, first: Task) -> None:
        """Run a task and, while it ends well, whatever is claimed in the same breath."""
        task: Task | None = first
        while task is not None:
            try:
                task = await self._run_one(worker, task)
            except LeaseLost as error:
                log.warning("%s: nothing was changed", error)
                return

    async def _run_one(self, worker: str, task: Task) -> Task | None:
        handler = self._handlers.get(task.type) if isinstance(task.type, TaskType) else None
        if handler is None:
            log.warning("task %d has a type this program does not know: %s", task.id, task.type)
            await self._queue.fail(task.claim, f"this Kodit knows no task type {task.type!r}")
            return None
        try:
            nothing_to_do = await self._watch(handler, task)
            return await self._queue.complete(
                task.claim,
                nothing_to_do=nothing_to_do,
                next_for=None if self._stopping else worker,
            )
        except asyncio.CancelledError:
            await self._queue.release(task.claim)
            raise
        except LeaseLost:
            raise
        except TaskCancelled:
            await self._queue.acknowledge_cancel(task.claim)
        except TransientError as error:
            log.warning("task %d (%s) failed in passing: %s", task.id, task.type_name, error)
            await self._queue.fail_in_passing(task.claim, error)
        except OSError as error:
            log.warning("task %d (%s) failed in passing: %s", task.id, task.type_name, error)
            await self._queue.fail_in_passing(task.claim, TransientError(_explain(error)))
        except KoditError as error:
            await self._queue.fail(task.claim, str(error))
        except Exception as error:
            log.exception("task %d (%s) failed", task.id, task.type_name)
            await self._queue.fail(task.claim, f"{type(error).__name__}: {error}")
        return None

    async def _watch(self, handler: StageHandler, task: Task) -> bool:
        """Run the handler, renewing the lease only while it makes progress."""
        tracker = ProgressTracker(
            TaskOperation.ROOT, trackable_type=TrackableType.TASK, trackable_id=task.id
        )
        seen = _LastSeen()
        tracker.subscribe(seen)
        for subscriber in self._subscribers:
            tracker.subscribe(partial(subscriber, task))
        runner = asyncio.ensure_future(handler(task, tracker))
        try:
            while not (await asyncio.wait({runner}, timeout=self._settings.heartbeat))[0]:
                if seen.seconds_ago() > self._settings.stall_limit:
                    raise StalledError(f"no progress for {self._settings.stall_limit:.0f} s; ended")
                if await self._queue.heartbeat(task.claim, seen.progress()):
                    raise TaskCancelled("cancelled on request")
            return runner.result().nothing_to_do
        finally:
            if not runner.done():
                runner.cancel()
                await asyncio.wait({runner})


class _LastSeen:
    """Remembers the last operation that moved, and when."""

    def __init__(self) -> None:
        self._at = time.monotonic()
        self._operation: ProgressTracker | None = None

    def __call__(self, operation: ProgressTracker) -> None:
        self._at = time.monotonic()
        self._operation = operation

    def seconds_ago(self) -> float:
        return time.monotonic() - self._at

    def progress(self) -> TaskProgress | None:
        if self._operation is None:
            return None
        return TaskProgress(
            self._operation.operation.name, self._operation.current, self._operation.total
        )


def _explain(error: OSError) -> str:
    where = f": {error.filename}" if error.filename else ""
    return f"{error.strerror or error}{where}"
