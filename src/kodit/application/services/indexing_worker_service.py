"""A worker: claims tasks, runs them, watches them, and records how they ended."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from kodit.application.log_context import log_context
from kodit.application.services.chores import Chore, chores_done
from kodit.application.services.queue_service import QueueService
from kodit.application.services.stage import StageHandler, tracker_of
from kodit.domain.entities import ProgressTracker, Task
from kodit.domain.errors import (
    DatabaseReplacedError,
    KoditError,
    LeaseLost,
    PermanentError,
    SecretElsewhereError,
    StalledError,
    TaskCancelled,
    TransientError,
)
from kodit.domain.ports.runtime import WakeUp
from kodit.domain.ports.workers import WorkerRegistry
from kodit.domain.shortage import shortage
from kodit.domain.value_objects import TaskProgress, TaskState, TaskType

log = logging.getLogger(__name__)

DECLINED_SECONDS = 20.0
"""How long a worker leaves a source, of which it does not have the secret, to others: longer than
the first back-offs, so that each machine in turn may try."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """The settings of a worker; times in seconds.

    `stall_limit` is how long a task may show no progress before it is ended; it is longer than the
    limit of a single call in the child processes, which usually acts first. `slow_poll` is how
    often a worker looks for dead workers, and for tasks that no wake-up announced.
    """

    slots: int = 2
    heartbeat: float = 15.0
    stall_limit: float = 180.0
    slow_poll: float = 2.0


class IndexingWorkerService:
    """Serves the whole queue, several tasks at a time, until it is told to stop. A locked database
    or a full disk does not end it: the worker waits and continues."""

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
        self._slot_is_free = asyncio.Event()
        self._slot_is_free.set()
        self._stopping = False
        self._clock_offset = queue.wall_clock().timestamp() - time.monotonic()
        self._leases_trusted_at = 0.0
        self._subscribers: list[Callable[[Task, ProgressTracker], None]] = []
        self._troubles: dict[str, tuple[float, str]] = {}

    @property
    def trouble(self) -> tuple[float, str] | None:
        """For how many seconds the queue could not be served, and why; None while it can."""
        if not self._troubles:
            return None
        since, why = min(self._troubles.values())
        return time.monotonic() - since, why

    def _note_trouble(self, what: str, error: Exception | None) -> None:
        if error is None:
            self._troubles.pop(what, None)
        else:
            self._troubles.setdefault(what, (time.monotonic(), str(error) or type(error).__name__))

    def subscribe(self, subscriber: Callable[[Task, ProgressTracker], None]) -> None:
        """Call `subscriber` with a task and each of its operations that changes."""
        self._subscribers.append(subscriber)

    def unsubscribe(self, subscriber: Callable[[Task, ProgressTracker], None]) -> None:
        """Stop calling the subscriber."""
        self._subscribers.remove(subscriber)

    def _tell_subscribers(self, task: Task, operation: ProgressTracker) -> None:
        for subscriber in tuple(self._subscribers):
            subscriber(task, operation)

    def stop(self) -> None:
        """Claim nothing more, release the held tasks, and let `run` return."""
        self._stopping = True
        self._slot_is_free.set()
        self._wake_up.notify()

    async def run(self, worker: str, chores: Sequence[Chore] = ()) -> None:
        """Work under this name, with the chores in the background, until `stop` is called or the
        caller is cancelled. Nothing precedes the first claim."""
        reclaiming = Chore(
            "reclaim lost tasks", self._settings.slow_poll, partial(self._reclaim, worker)
        )
        with log_context(worker=worker):
            log.info("worker started", extra={"slots": self._settings.slots})
            try:
                pause = await self._look(worker)
                async with chores_done([reclaiming, *chores]):
                    while not self._stopping:
                        await self._wake_up.wait(pause)
                        # Every completed task wakes this, but while all slots are taken there is
                        # nothing to look for: a slot claims its next task itself.
                        await self._slot_is_free.wait()
                        pause = await self._look(worker)
            finally:
                released = await self._release_all(worker)
                log.info("worker stopped", extra={"released": released})

    async def _look(self, worker: str) -> float:
        """Claim what is available; returns after how many seconds to look again."""
        try:
            pause = await self._fill(worker)
        except (TransientError, OSError) as error:
            self._note_trouble("claiming", error)
            log.warning("the queue is unavailable", extra=_why(error))
            return self._settings.slow_poll
        self._note_trouble("claiming", None)
        return pause

    async def _reclaim(self, worker: str) -> bool:
        """Take back the tasks of dead workers."""
        try:
            reclaimed = await self._queue.reclaim(
                self._registry, worker, by_lease=self._leases_can_be_trusted()
            )
        except (TransientError, OSError) as error:
            self._note_trouble("reclaiming", error)
            raise
        self._note_trouble("reclaiming", None)
        for task, why in reclaimed:
            with log_context(**_names(task)):
                log.warning("task reclaimed", extra={"held_by": task.worker, "reason": why})
        return False

    def _leases_can_be_trusted(self) -> bool:
        """False just after the clock was set or the machine has slept: all leases look expired
        then, until their holders have renewed them."""
        now = time.monotonic()
        offset = self._queue.wall_clock().timestamp() - now
        if abs(offset - self._clock_offset) > self._settings.heartbeat:
            self._leases_trusted_at = now + 2 * self._settings.heartbeat
        self._clock_offset = offset
        return now >= self._leases_trusted_at

    async def _fill(self, worker: str) -> float:
        """Claim a task for every free slot; returns after how many seconds to look again."""
        free = self._settings.slots - len(self._running)
        if free <= 0 or self._stopping:
            return self._settings.slow_poll
        tasks, seconds = await self._queue.claim_or_wait(worker, free)
        for task in tasks:
            runner = asyncio.create_task(self._serve(worker, task))
            self._running.add(runner)
            runner.add_done_callback(self._on_end)
        if len(self._running) >= self._settings.slots:
            self._slot_is_free.clear()
        if tasks and len(tasks) < free:
            return 0.0  # the next look finds when more becomes available
        return (
            self._settings.slow_poll if seconds is None else min(seconds, self._settings.slow_poll)
        )

    def _on_end(self, runner: asyncio.Task[None]) -> None:
        self._running.discard(runner)
        self._slot_is_free.set()
        self._wake_up.notify()
        if not runner.cancelled() and (error := runner.exception()) is not None:
            # An error of ours is one sentence, such as that no thread can be started.
            unexpected = None if isinstance(error, KoditError) else error
            about = {} if unexpected else {"error": str(error)}
            log.error("a slot of the worker ended with an error", extra=about, exc_info=unexpected)

    async def _release_all(self, worker: str) -> int:
        """Cancel the running tasks, and release whatever is still held, including tasks claimed at
        the very moment this worker was told to stop."""
        self._stopping = True
        for runner in self._running:
            runner.cancel()
        if self._running:
            await asyncio.wait(self._running)
        try:
            return await self._queue.release_all(worker)
        except (TransientError, DatabaseReplacedError, OSError) as error:
            # Another worker that notices this one's end takes its tasks back.
            log.warning("the held tasks cannot be released", extra=_why(error))
            return 0

    async def _serve(self, worker: str, first: Task) -> None:
        """Run a task and, as long as each ends well, the task that is claimed as it completes."""
        task: Task | None = first
        while task is not None:
            with log_context(**_names(task)):
                try:
                    task = await self._run_one(worker, task)
                except LeaseLost as error:
                    log.warning("lease lost; nothing was changed", extra=_why(error))
                    return
                except DatabaseReplacedError as error:
                    log.warning("stopped; nothing was changed", extra=_why(error))
                    return

    async def _run_one(self, worker: str, task: Task) -> Task | None:
        """Run a task and record how it ended; returns the next one. Raises LeaseLost."""
        began = time.monotonic()
        log.info("task started")
        following: Task | None = None
        error: Exception | None = None
        try:
            nothing_to_do = await self._watch(self._handler(task), task)
        except LeaseLost:
            raise
        except Exception as failure:  # noqa: BLE001 - whatever a stage raises ends it
            error = failure
            outcome = await self._insist(partial(self._fail, task, failure))
        else:
            outcome = "succeeded"
            complete = partial(
                self._queue.complete,
                task.claim,
                nothing_to_do=nothing_to_do,
                next_for=None if self._stopping else worker,
            )
            following = await self._insist(complete)
        seconds = {"outcome": outcome, "seconds": time.monotonic() - began}
        if error is None or isinstance(error, TaskCancelled):
            log.info("task ended", extra=seconds)
        else:
            log.warning("task ended", extra=seconds | _why(error))
        return following

    async def _fail(self, task: Task, error: Exception) -> str:
        """Record a stage's error; returns what became of the task, for the log."""
        if isinstance(error, TaskCancelled):
            await self._queue.acknowledge_cancel(task.claim)
            return "cancelled"
        if (short := shortage(error)) is not None:
            error = short
        if isinstance(error, SecretElsewhereError) and task.index_id is not None:
            self._queue.declined.add(task.index_id, DECLINED_SECONDS)
        if isinstance(error, (TransientError, OSError)):
            passing = error if isinstance(error, TransientError) else _transient(error)
            state = await self._queue.fail_transiently(task.claim, passing)
            return "retried" if state is TaskState.READY else str(state)
        if isinstance(error, KoditError):
            await self._queue.fail(task.claim, error)
        else:
            log.error("a stage raised an unexpected error", exc_info=error)
            told = f"{type(error).__name__}: {error}"
            await self._queue.fail(task.claim, PermanentError(told, code="internal_error"))
        return "failed"

    def _handler(self, task: Task) -> StageHandler:
        handler = self._handlers.get(task.type) if isinstance(task.type, TaskType) else None
        if handler is None:
            raise PermanentError(f"this version of Kodit has no task type {task.type_name!r}")
        return handler

    async def _insist(self, write: Callable[[], Awaitable[T]]) -> T:
        """Record how a task ended, retrying until the database accepts it: until then the claim is
        held, or is lost to a worker that could write."""
        while True:
            try:
                done = await write()
            except (TransientError, OSError) as error:
                if self._stopping:
                    raise
                self._note_trouble("ending", error)
                log.warning("the end of the task cannot be stored yet", extra=_why(error))
                await asyncio.sleep(self._settings.slow_poll)
            else:
                self._note_trouble("ending", None)
                return done

    async def _watch(self, handler: StageHandler, task: Task) -> bool:
        """Run the handler, renewing the lease only while it makes progress."""
        tracker = tracker_of(task)
        seen = _LastSeen()
        tracker.subscribe(seen)
        tracker.subscribe(partial(self._tell_subscribers, task))
        runner = asyncio.ensure_future(handler(task, tracker))
        try:
            while not (await asyncio.wait({runner}, timeout=self._settings.heartbeat))[0]:
                if seen.seconds_ago() > self._settings.stall_limit:
                    raise StalledError(f"no progress for {self._settings.stall_limit:.0f} s; ended")
                if await self._renew(task, seen):
                    raise TaskCancelled("cancelled on request")
            return runner.result().nothing_to_do
        finally:
            if not runner.done():
                runner.cancel()
                await asyncio.wait({runner})

    async def _renew(self, task: Task, seen: _LastSeen) -> bool:
        """Send a heartbeat; returns whether the task is asked to stop. A heartbeat that cannot be
        sent is made up for by the next one, or ends in LeaseLost."""
        try:
            return await self._queue.heartbeat(task.claim, seen.progress())
        except (TransientError, OSError) as error:
            log.warning("the lease cannot be renewed", extra=_why(error))
            return False


class _LastSeen:
    """Remembers the last operation that progressed, and when."""

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


def _transient(error: OSError) -> TransientError:
    where = f": {error.filename}" if error.filename else ""
    return TransientError(f"{error.strerror or error}{where}")


def _names(task: Task) -> dict[str, object]:
    return {
        "run": task.run_id,
        "index": task.index_id,
        "task": task.id,
        "claim_no": task.claim_no,
        "type": task.type_name,
    }


def _why(error: BaseException) -> dict[str, object]:
    return {"error": str(error) or type(error).__name__}
