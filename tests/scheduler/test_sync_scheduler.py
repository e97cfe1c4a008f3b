"""The scheduler queues background runs for indexes that have not been asked for in a while."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from kodit.application.services.sync_scheduler import INDEXES_PER_PIECE, SyncScheduler
from kodit.composition import Application
from kodit.domain.entities import IndexRun
from kodit.domain.value_objects import QueuePriority, RunState, Source, SourceKind
from kodit.infrastructure.memory import ManualClock
from kodit.settings import Settings

INTERVAL = timedelta(seconds=600)


class Scene:
    """Two indexes, a scheduler, and a clock that is moved by hand."""

    def __init__(self, application: Application, runner: asyncio.Runner) -> None:
        self.clock = ManualClock()
        application.clock = self.clock
        self._runner = runner
        self.queue = application.queue
        self._database = application.database
        self._scheduler = SyncScheduler(
            database=application.database,
            indexing=application.indexing,
            clock=self.clock,
            interval=INTERVAL,
        )
        with application.database.write() as transaction:
            self.first, self.second = (
                transaction.indexes.add(Source(SourceKind.FOLDER, path), self.clock.now()).id
                for path in ("/first", "/second")
            )

    def queue_due(self) -> list[int]:
        """The indexes for which the scheduler asks now."""
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
        """Look at the first few indexes; whether there are more."""
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
    """And not again while that run waits or works."""
    assert scene.queue_due() == [scene.first, scene.second]
    scene.clock.advance(10_000)
    assert scene.queue_due() == []


def test_every_index_is_looked_at_however_many_there_are(scene: Scene) -> None:
    """A few at a time, and one that is deleted meanwhile is passed over."""
    more = scene.add_indexes(2 * INDEXES_PER_PIECE)
    deleted = more.pop()
    assert scene.begin()
    scene.delete(deleted)
    assert scene.queue_due() == more[INDEXES_PER_PIECE - 2 :]
    assert scene.queue_due() == []


def test_run_that_found_nothing_counts(scene: Scene) -> None:
    """An index is due again when the interval has passed since it was looked at, not since it
    last changed."""
    scene.queue_due()
    scene.end_all()
    scene.clock.advance(600)
    assert scene.queue_due() == []
    scene.clock.advance(0.000001)
    assert scene.queue_due() == [scene.first, scene.second]


def test_user_request_counts(scene: Scene) -> None:
    """What somebody has just asked for need not be asked for again."""
    scene.queue_due()
    scene.end_all()
    scene.clock.advance(500)
    scene.request(scene.first)
    scene.end_all()
    scene.clock.advance(200)
    assert scene.queue_due() == [scene.second]


def test_run_that_waited_counts_from_its_start(scene: Scene) -> None:
    """It looked at the source when it started, not when it was asked for."""
    assert scene.queue_due() == [scene.first, scene.second]
    scene.clock.advance(500)
    scene.end_all()
    scene.clock.advance(200)
    assert scene.queue_due() == []


def test_failed_run_is_tried_again_in_its_time(scene: Scene) -> None:
    """A source that was gone may have come back."""
    run_id = scene.request(scene.first)
    task = scene._runner.run(scene.queue.claim("ada"))
    assert task is not None
    scene._runner.run(scene.queue.fail(task.claim, "gone"))
    assert scene.queue_due() == [scene.second]
    scene.end_all()
    scene.clock.advance(601)
    assert scene.first in scene.queue_due()
    (run,) = scene._runner.run(scene.queue.get_runs([run_id]))
    assert run.state is RunState.SUPERSEDED
