"""One worker for all who wait at the same time: when it comes, what it does, and when it goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.support.command import PATIENCE_SECONDS

from kodit.application.services.chores import Chore
from kodit.application.services.index_service import IndexService
from kodit.application.services.indexing_worker_service import IndexingWorkerService
from kodit.application.services.queue_service import QueueService
from kodit.application.services.worker_host import (
    LONGEST_TROUBLE_SECONDS,
    RunObserver,
    Stoppable,
    WorkerHost,
)
from kodit.domain.entities import IndexRun
from kodit.domain.errors import TransientError
from kodit.domain.ports.runtime import WakeUp
from kodit.domain.value_objects import RunState

Runs = list[IndexRun]


class NotingWorker:
    """Works until it is stopped, or ends by itself."""

    def __init__(self) -> None:
        self.trouble: tuple[float, str] | None = None
        self.subscribers: list[object] = []
        self.ran: list[tuple[str, list[str]]] = []
        self.is_open = True
        self.end = asyncio.Event()

    async def run(self, name: str, chores: Sequence[Chore] = ()) -> None:
        self.ran.append((name, [chore.name for chore in chores]))
        await self.end.wait()

    def stop(self) -> None:
        self.end.set()

    def subscribe(self, subscriber: object) -> None:
        self.subscribers.append(subscriber)

    def unsubscribe(self, subscriber: object) -> None:
        self.subscribers.remove(subscriber)


class WakeUps:
    def __init__(self) -> None:
        self.members: list[WakeUp] = []

    def add(self, wake_up: WakeUp) -> None:
        self.members.append(wake_up)

    def remove(self, wake_up: WakeUp) -> None:
        self.members.remove(wake_up)

    def notify(self) -> None:
        for one in self.members:
            one.notify()


async def nothing() -> bool:
    return False


class Place:
    """A host over a queue of three runs, which end when they are told to."""

    def __init__(self) -> None:
        self.states = dict.fromkeys((1, 2, 3), RunState.RUNNING)
        self.workers: list[NotingWorker] = []
        self.wake_ups = WakeUps()
        self.left_to_delete = 0
        self.shown: list[tuple[object, object]] = []
        self.host = WorkerHost(
            open_worker=cast(Any, self._open),
            queue=cast(QueueService, self),
            indexes=cast(IndexService, self),
            wake_ups=cast(Any, self.wake_ups),
            chores=lambda: [Chore("sweep", 60.0, nothing)],
            schedule=lambda: [Chore("update", 60.0, nothing)],
        )

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[tuple[IndexingWorkerService, str]]:
        worker = NotingWorker()
        self.workers.append(worker)
        yield cast(IndexingWorkerService, worker), f"worker-{len(self.workers)}"
        worker.is_open = False

    async def get_runs(self, run_ids: Sequence[int]) -> Runs:
        found = [
            SimpleNamespace(
                id=one, state=self.states[one], is_follow_up=False, waits_for_budget=None
            )
            for one in run_ids
        ]
        return cast(Runs, found)

    async def under_way(self, runs: Runs) -> list[int]:
        return [run.id for run in runs]

    async def sources(self) -> dict[int, str]:
        return {1: "/one"}

    async def continue_deletions(self) -> bool:
        self.left_to_delete -= 1
        return self.left_to_delete >= 0

    def observer(self, seconds: float = PATIENCE_SECONDS) -> RunObserver:
        def show(runs: object, sources: object) -> None:
            self.shown.append((runs, sources))

        return RunObserver(cast(Any, show), lambda _task, _operation: None, seconds)

    async def wait_for(self, *run_ids: int, **options: Any) -> list[RunState]:
        async def ask() -> Runs:
            return await self.get_runs(run_ids)

        runs = await self.host.serve_until_ended(ask, **options)
        return [run.state for run in runs]

    def end(self, *run_ids: int) -> None:
        for one in run_ids:
            self.states[one] = RunState.SUCCEEDED
        self.wake_ups.notify()

    async def until(self, is_so: Callable[[], object]) -> None:
        while not is_so():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0)


def host_test(test: Callable[[Place], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run it on a loop of its own, with an end to its patience."""

    async def run() -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await test(Place())

    def run_test() -> None:
        asyncio.run(run())

    run_test.__name__ = test.__name__
    run_test.__doc__ = test.__doc__
    return run_test


@host_test
async def test_a_worker_is_there_until_the_runs_have_ended(place: Place) -> None:
    """All of them; it does the chores of every worker, and what comes afterwards sees it there."""
    told: list[tuple[list[int], bool]] = []

    async def afterwards(runs: Runs) -> None:
        told.append(([run.id for run in runs], place.workers[0].is_open))

    waiting = asyncio.create_task(place.wait_for(1, 2, afterwards=afterwards))
    await place.until(lambda: place.workers and place.workers[0].ran and place.wake_ups.members)
    place.end(1)
    await asyncio.sleep(0)
    assert not waiting.done()
    place.end(2)
    assert await waiting == [RunState.SUCCEEDED] * 2
    [worker] = place.workers
    assert worker.ran == [("worker-1", ["sweep"])]
    assert not worker.is_open
    assert told == [([1, 2], True)]
    assert place.wake_ups.members == []


@host_test
async def test_nothing_is_served_where_nothing_was_asked_for(place: Place) -> None:
    assert await place.wait_for() == []
    [worker] = place.workers
    assert (worker.ran, worker.is_open) == ([], False)


@host_test
async def test_who_watches_is_shown_each_change_at_once(place: Place) -> None:
    """And nothing more once the runs have ended."""
    observer = place.observer()
    waiting = asyncio.create_task(place.wait_for(1, 2, observer=observer))
    await place.until(lambda: place.shown)
    [worker] = place.workers
    assert worker.subscribers == [observer.show_operation]
    for run_id in (1, 2):
        await place.until(lambda: place.wake_ups.members)
        place.end(run_id)
        await place.until(lambda seen=run_id: len(place.shown) > seen)  # type: ignore[misc]
    await waiting
    assert worker.subscribers == []
    assert place.shown == [([1, 2], {1: "/one"})] * 3


@host_test
async def test_all_who_wait_share_a_worker(place: Place) -> None:
    """It goes with the last of them; the next one opens another."""
    first = asyncio.create_task(place.wait_for(1))
    second = asyncio.create_task(place.wait_for(2))
    await place.until(lambda: len(place.wake_ups.members) == 2)
    [worker] = place.workers
    place.end(1)
    await first
    assert worker.is_open
    place.end(2)
    await second
    assert not worker.is_open
    assert len(worker.ran) == 1
    assert await place.wait_for(2) == [RunState.SUCCEEDED]
    assert len(place.workers) == 2


@host_test
async def test_a_worker_that_ends_lets_all_go(place: Place) -> None:
    """Whatever has become of their runs; whoever comes then has another one, which stays when the
    last who had the first one goes."""
    is_held = asyncio.Event()

    async def hold(_runs: Runs) -> None:
        await is_held.wait()

    first = asyncio.create_task(place.wait_for(1, afterwards=hold))
    await place.until(lambda: place.wake_ups.members)
    place.workers[0].end.set()
    await place.until(lambda: not place.wake_ups.members)
    second = asyncio.create_task(place.wait_for(2))
    await place.until(lambda: place.wake_ups.members)
    assert len(place.workers) == 2
    is_held.set()
    assert await first == [RunState.RUNNING]
    third = asyncio.create_task(place.wait_for(3))
    await place.until(lambda: len(place.wake_ups.members) == 2)
    assert len(place.workers) == 2
    place.end(2, 3)
    await asyncio.gather(second, third)
    assert [worker.is_open for worker in place.workers] == [False, False]


@pytest.mark.parametrize(("others", "left"), [(0, -1), (1, 2)])
def test_who_is_the_last_finishes_deletions(others: int, left: int) -> None:
    """All that was cut short; while others wait, there is a worker to do it."""

    @host_test
    async def run(place: Place) -> None:
        waiting = [asyncio.create_task(place.wait_for(2)) for _ in range(others)]
        await place.until(lambda: len(place.wake_ups.members) == others)
        place.left_to_delete = 2
        place.end(1)
        await place.wait_for(1)
        assert place.left_to_delete == left
        place.end(2)
        await asyncio.gather(*waiting)

    run()


@host_test
async def test_a_queue_that_cannot_be_written_for_too_long(place: Place) -> None:
    """Whoever waits is told why."""
    waiting = asyncio.create_task(place.wait_for(1))
    await place.until(lambda: place.wake_ups.members)
    [worker] = place.workers
    worker.trouble = (LONGEST_TROUBLE_SECONDS - 1, "the disk is full")
    place.wake_ups.notify()
    await asyncio.sleep(0)
    assert not waiting.done()
    worker.trouble = (LONGEST_TROUBLE_SECONDS + 1, "the disk is full")
    place.wake_ups.notify()
    with pytest.raises(TransientError, match="the disk is full") as told:
        await waiting
    assert told.value.code == "queue_unwritable"
    assert not worker.is_open


@host_test
async def test_who_is_cancelled_waits_for_the_worker_to_go(place: Place) -> None:
    waiting = asyncio.create_task(place.wait_for(1, observer=place.observer()))
    await place.until(lambda: place.wake_ups.members)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    [worker] = place.workers
    assert (worker.is_open, worker.subscribers, place.wake_ups.members) == (False, [], [])


@host_test
async def test_a_worker_that_serves_until_it_is_stopped(place: Place) -> None:
    """It does what is due at set times as well; and one that only waits can be stopped likewise."""
    stopped: list[Stoppable] = []

    @contextmanager
    def stopping(worker: Stoppable) -> Iterator[None]:
        stopped.append(worker)
        yield
        stopped.append(worker)

    serving: list[Awaitable[object]] = [
        asyncio.create_task(place.host.serve_until_stopped(stopping)),
        asyncio.create_task(place.wait_for(1, stopped_by=stopping)),
    ]
    await place.until(lambda: len(stopped) == 2 and all(one.ran for one in place.workers))
    for one in tuple(stopped):
        one.stop()
    await asyncio.gather(*serving)
    names = sorted(worker.ran[0][1] for worker in place.workers)
    assert names == [["sweep"], ["sweep", "update"]]
    assert len(stopped) == 4
    assert not any(worker.is_open for worker in place.workers)


def test_a_notification_that_comes_after_the_end() -> None:
    """Another thread may have begun to notify the group before its member left: its transaction
    has been committed, and is no error."""
    members: list[WakeUp] = []

    async def wait() -> None:
        place = Place()
        waiting = asyncio.create_task(place.wait_for(1))
        await place.until(lambda: place.wake_ups.members)
        members.extend(place.wake_ups.members)
        place.end(1)
        assert await waiting == [RunState.SUCCEEDED]

    asyncio.run(wait())
    [late] = members
    late.notify()
