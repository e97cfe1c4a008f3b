"""The scheduler queues background runs for indexes that have not been requested for a while."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from kodit.application.services.sync_scheduler import (
    CATCH_UP_SECONDS,
    INDEXES_PER_PIECE,
    WATCHED_SECONDS,
    SyncScheduler,
)
from kodit.composition import Application
from kodit.domain.entities import IndexRun
from kodit.domain.this_host import ALONE, ThisHost
from kodit.domain.value_objects import QueuePriority, RunState, Source, SourceKind
from kodit.infrastructure.memory import ManualClock
from kodit.settings import Settings

INTERVAL = 600


class Scene:
    """Two indexes, a scheduler, and a manual clock."""

    def __init__(self, application: Application, runner: asyncio.Runner) -> None:
        self.clock = ManualClock()
        application.clock = self.clock
        self._runner = runner
        self.queue = application.queue
        self._database = application.database
        self.watched: set[int] = set()
        self._indexing = application.indexing
        self.start_again()
        with application.database.write() as transaction:
            self.first, self.second = (
                transaction.indexes.add(Source(SourceKind.FOLDER, path), self.clock.now()).id
                for path in ("/first", "/second")
            )

    def add_folder(self, host: str) -> int:
        with self._database.write() as transaction:
            source = Source(SourceKind.FOLDER, f"/of {host}", host=host)
            return transaction.indexes.add(source, self.clock.now()).id

    def start_again(self, interval: float = INTERVAL, host: ThisHost = ALONE) -> None:
        """Another scheduler replaces this one."""
        self._scheduler = SyncScheduler(
            database=self._database,
            indexing=self._indexing,
            clock=self.clock,
            interval=interval,
            is_watched=lambda index_id: index_id in self.watched,
            host=host,
        )

    def set_interval(self, index_id: int, seconds: int) -> None:
        with self._database.write() as transaction:
            transaction.indexes.update_sync_every(index_id, seconds)

    def queue_due(self) -> list[int]:
        """The indexes that the scheduler requests now."""
        before = self._runs()
        while self._runner.run(self._scheduler.queue_some()):
            pass
        runs = [run for run_id, run in self._runs().items() if run_id not in before]
        assert not any(run.is_user_initiated for run in runs)
        return [run.index_id for run in runs if run.index_id is not None]

    def _runs(self) -> dict[int, IndexRun]:
        found = self._runner.run(self.queue.list_runs(limit=10_000))
        return {run.id: run for run in reversed(found)}

    def begin(self) -> bool:
        """Check the first few indexes; returns whether there are more."""
        return self._runner.run(self._scheduler.queue_some())

    def add_indexes(self, count: int) -> list[int]:
        with self._database.write() as transaction:
            return [
                transaction.indexes.add(
                    Source(SourceKind.FOLDER, f"/more/{number}"), self.clock.now()
                ).id
                for number in range(count)
            ]

    def delete(self, index_id: int) -> None:
        with self._database.write() as transaction:
            transaction.indexes.mark_deleted(index_id, self.clock.now())

    def end_all(self) -> None:
        """Let every run find nothing to do."""
        while task := self._runner.run(self.queue.claim("ada")):
            self._runner.run(self.queue.complete(task.claim, nothing_to_do=True))

    def claim(self) -> None:
        """A worker starts what comes next."""
        assert self._runner.run(self.queue.claim("ada")) is not None

    def request(self, index_id: int) -> int:
        """A user's request."""
        base = QueuePriority.USER_INITIATED
        return self._runner.run(self.queue.request_run(index_id, base)).id


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with (
        Application(Settings.load({}, data_dir=tmp_path)) as application,
        asyncio.Runner() as runner,
    ):
        yield Scene(application, runner)


def test_index_without_a_run_is_due_at_once(scene: Scene) -> None:
    """And not again while that run is queued or running."""
    assert scene.queue_due() == [scene.first, scene.second]
    scene.clock.advance(10_000)
    assert scene.queue_due() == []
    scene.claim()
    scene.clock.advance(10_000)
    assert scene.queue_due() == []


def test_every_index_is_checked_however_many_there_are(scene: Scene) -> None:
    """A few at a time, and one that is deleted meanwhile is skipped."""
    more = scene.add_indexes(2 * INDEXES_PER_PIECE)
    deleted = more.pop()
    assert scene.begin()
    scene.delete(deleted)
    assert scene.queue_due() == more[INDEXES_PER_PIECE - 2 :]
    assert scene.queue_due() == []


def test_each_index_has_times_of_its_own(scene: Scene) -> None:
    """An interval apart, whether anything had changed or not; those of many indexes are spread."""
    scene.add_indexes(48)
    scene.queue_due()
    scene.end_all()
    due: dict[int, list[int]] = {}
    for second in range(0, 3 * INTERVAL, 30):
        for index_id in scene.queue_due():
            due.setdefault(index_id, []).append(second)
        scene.end_all()
        scene.clock.advance(30)

    assert len(due) == 50
    assert all(INTERVAL / 2 <= first <= 1.5 * INTERVAL + 30 for first, *_ in due.values())
    assert all(later - first == INTERVAL for first, later, *_ in due.values())
    at_once = Counter(first for first, *_ in due.values())
    assert max(at_once.values()) <= 8


def test_times_are_the_same_for_every_scheduler(scene: Scene) -> None:
    """A restarted server continues, and does not request everything that became due meanwhile at
    once.
    """
    scene.add_indexes(48)
    scene.queue_due()
    scene.end_all()
    scene.clock.advance(10 * INTERVAL)
    scene.start_again()

    assert len(scene.queue_due()) <= 2
    scene.end_all()
    scene.clock.advance(INTERVAL / 2)
    assert 10 <= len(scene.queue_due()) <= 40
    scene.end_all()
    scene.clock.advance(INTERVAL)
    assert len(scene.queue_due()) >= 48 / 2


def test_what_was_asked_for_shortly_before_is_not_asked_for_again(scene: Scene) -> None:
    scene.queue_due()
    scene.end_all()
    scene.clock.advance(INTERVAL * 2)
    scene.request(scene.first)
    scene.end_all()

    assert scene.queue_due() == [scene.second]
    scene.end_all()
    scene.clock.advance(INTERVAL / 2 - 1)
    assert scene.first not in scene.queue_due()
    scene.clock.advance(INTERVAL + 1)
    assert scene.first in scene.queue_due()


def test_run_that_waited_counts_from_its_start(scene: Scene) -> None:
    """It read the source when it started, not when it was requested."""
    assert scene.queue_due() == [scene.first, scene.second]
    scene.clock.advance(10 * INTERVAL)
    scene.end_all()
    scene.clock.advance(INTERVAL / 2 - 1)
    assert scene.queue_due() == []


def test_failed_run_is_retried_at_its_interval(scene: Scene) -> None:
    """A source that was gone may have come back."""
    run_id = scene.request(scene.first)
    task = scene._runner.run(scene.queue.claim("ada"))
    assert task is not None
    scene._runner.run(scene.queue.fail(task.claim, "gone"))
    assert scene.queue_due() == [scene.second]
    scene.end_all()
    scene.clock.advance(1.5 * INTERVAL)
    assert scene.first in scene.queue_due()
    (run,) = scene._runner.run(scene.queue.get_runs([run_id]))
    assert run.state is RunState.SUPERSEDED


def test_an_index_may_have_an_interval_of_its_own(scene: Scene) -> None:
    """Zero means never."""
    scene.set_interval(scene.first, 60)
    scene.set_interval(scene.second, 0)
    assert scene.queue_due() == [scene.first]
    scene.end_all()
    scene.clock.advance(90)
    assert scene.queue_due() == [scene.first]
    scene.end_all()
    scene.clock.advance(100 * INTERVAL)
    assert scene.queue_due() == [scene.first]


def test_an_interval_of_its_own_may_be_longer_than_that_of_others(scene: Scene) -> None:
    scene.set_interval(scene.first, 100 * INTERVAL)
    scene.queue_due()
    scene.end_all()
    scene.clock.advance(1.5 * INTERVAL)
    assert scene.queue_due() == [scene.second]


def test_what_became_due_meanwhile_is_requested_soon(scene: Scene) -> None:
    """However long the interval is."""
    day = 86_400.0
    scene.start_again(interval=day)
    more = scene.add_indexes(10)
    assert len(scene.queue_due()) == 12
    scene.end_all()
    scene.clock.advance(10 * day)
    scene.start_again(interval=day)
    scene.clock.advance(CATCH_UP_SECONDS)
    assert scene.queue_due() == [scene.first, scene.second, *more]


@pytest.mark.parametrize(("interval", "seconds"), [(20, 2), (150, 15), (86_400, 15)])
def test_how_often_it_is_looked_for_what_is_due(
    scene: Scene, interval: float, seconds: float
) -> None:
    scene.start_again(interval=interval)
    assert scene._scheduler.pause_seconds == seconds


def test_watched_folders_are_requested_rarely(scene: Scene) -> None:
    """Unless an interval is set."""
    scene.watched = {scene.first, scene.second}
    scene.set_interval(scene.second, INTERVAL)
    scene.queue_due()
    scene.end_all()
    scene.clock.advance(2 * INTERVAL)
    assert scene.queue_due() == [scene.second]
    scene.end_all()
    scene.clock.advance(1.5 * WATCHED_SECONDS)
    assert scene.queue_due() == [scene.first, scene.second]


def test_watched_folders_are_requested_no_more_often_than_the_rest(scene: Scene) -> None:
    """If all others have a longer interval."""
    scene.start_again(interval=100 * WATCHED_SECONDS)
    scene.watched = {scene.first}
    scene.queue_due()
    scene.end_all()
    scene.clock.advance(2 * WATCHED_SECONDS)
    assert scene.queue_due() == []


def test_folders_of_other_machines_are_left_to_these(scene: Scene) -> None:
    scene.start_again(host=ThisHost("here"))
    of_hosts = [scene.add_folder(host) for host in ("here", "there", "")]
    assert scene.queue_due() == [scene.first, scene.second, of_hosts[0], of_hosts[2]]
