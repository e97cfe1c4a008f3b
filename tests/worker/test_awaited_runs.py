"""Waiting for many runs: what is read, and when they have ended."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import cast

from kodit.application.services import awaited_runs
from kodit.application.services.awaited_runs import AwaitedRuns
from kodit.application.services.queue_service import QueueService
from kodit.domain.entities import IndexRun
from kodit.domain.value_objects import RunState

MANY = 1000


class Runs:
    """The runs of a queue, and how many of them were read."""

    def __init__(self, count: int, *, waits_for_budget: bool = True) -> None:
        self.states = dict.fromkeys(range(1, count + 1), RunState.RUNNING)
        self.read = 0
        self.without_budget: set[int] = set()
        self.waited_for: dict[int, int] = {}
        """By follow-up the active run of its index."""
        self.awaited = AwaitedRuns(
            cast(QueueService, self), list(self.states), waits_for_budget=waits_for_budget
        )
        self.awaited.pause = 0.0

    async def get_runs(self, run_ids: Sequence[int]) -> list[IndexRun]:
        found = [self._run(one) for one in run_ids if one in self.states]
        self.read += len(found)
        return found

    async def under_way(self, runs: list[IndexRun]) -> list[IndexRun]:
        return [self._run(self.waited_for.get(run.id, run.id)) for run in runs]

    def _run(self, run_id: int) -> IndexRun:
        waits = run_id in self.without_budget
        run = SimpleNamespace(
            id=run_id,
            index_id=self.waited_for.get(run_id, run_id),
            state=self.states[run_id],
            is_follow_up=run_id in self.waited_for,
            waits_for_budget=object() if waits else None,
        )
        return cast(IndexRun, run)

    def end(self, *run_ids: int) -> None:
        self.states.update(dict.fromkeys(run_ids, RunState.SUCCEEDED))

    def have_ended(self) -> bool:
        return self.ended() is not None

    def ended(self) -> list[int] | None:
        runs = asyncio.run(self.awaited.ended())
        return None if runs is None else [run.id for run in runs]

    def shown(self, *, again: bool = False) -> list[int] | None:
        runs = asyncio.run(self.awaited.to_show(again=again))
        return None if runs is None else [run.id for run in runs if run.state.is_terminal]


def test_a_look_at_many_runs_reads_few_of_them() -> None:
    runs = Runs(MANY)
    for _look in range(10):
        assert not runs.have_ended()
    assert runs.read == 10


def test_many_runs_are_not_looked_at_for_every_change() -> None:
    """A few are, so that their end is noticed at once."""
    runs = Runs(MANY)
    runs.awaited.pause = 1e9
    for _look in range(10):
        assert not runs.have_ended()
    assert runs.read == 1
    few = Runs(awaited_runs.PAUSED_FROM)
    few.awaited.pause = 1e9
    assert not few.have_ended()
    few.end(*few.states)
    assert few.have_ended()


def test_all_looks_together_read_each_run_about_twice() -> None:
    """Once when it has ended and once for the answer, however often something changes."""
    runs = Runs(MANY)
    for one in range(MANY, 0, -1):
        assert not runs.have_ended()
        runs.end(one)
    assert runs.have_ended()
    assert runs.read < 4 * MANY


def test_the_runs_have_ended_once_all_of_them_have() -> None:
    runs = Runs(5)
    for one in (3, 5, 1, 2):
        runs.end(one)
        assert not runs.have_ended()
    runs.end(4)
    assert runs.have_ended()


def test_the_answer_has_all_runs_in_their_order() -> None:
    runs = Runs(5)
    runs.end(*range(1, 6))
    assert runs.ended() == [1, 2, 3, 4, 5]


def test_a_run_of_a_deleted_index_is_not_waited_for() -> None:
    runs = Runs(3)
    del runs.states[1]
    runs.end(2, 3)
    assert runs.have_ended()


def test_a_run_that_is_retried_meanwhile_is_waited_for() -> None:
    runs = Runs(3)
    runs.end(1, 2)
    assert not runs.have_ended()
    runs.end(3)
    runs.states[1] = RunState.RUNNING
    assert not runs.have_ended()
    assert not runs.have_ended()
    runs.end(1)
    assert runs.have_ended()


def test_a_run_that_waits_for_a_budget_counts_as_ended_if_wanted() -> None:
    for waits, expected in ((True, None), (False, [1, 2])):
        runs = Runs(2, waits_for_budget=waits)
        runs.end(2)
        runs.without_budget.add(1)
        assert runs.ended() == expected


def test_a_run_that_waits_for_one_that_waits_for_a_budget_counts_as_ended_too() -> None:
    """The one that it waits for is the answer in its place. A follow-up that was cancelled is not
    waiting any more."""
    for waits, expected in ((True, None), (False, [1, 1, 3])):
        runs = Runs(3, waits_for_budget=waits)
        runs.waited_for = {2: 1, 3: 1}
        runs.end(3)
        assert runs.ended() is None
        runs.without_budget.add(1)
        assert runs.ended() == expected


def test_a_few_runs_are_shown_at_every_look() -> None:
    runs = Runs(awaited_runs.PAUSED_FROM)
    assert runs.shown() == []
    runs.end(2)
    assert runs.shown() == [2]


def test_runs_that_have_ended_are_shown_without_being_read_again() -> None:
    runs = Runs(10)
    runs.end(*range(1, 10))
    runs.shown()
    read = runs.read
    assert runs.shown() == list(range(1, 10))
    assert runs.read == read + 1


def test_many_runs_are_not_shown_for_every_change() -> None:
    runs = Runs(MANY)
    runs.awaited.pause_per_read = 1e9
    assert runs.shown() == []
    assert runs.shown() is None
    runs.end(*runs.states)
    assert runs.shown(again=True) == list(runs.states)


def test_a_run_of_a_deleted_index_is_no_longer_shown() -> None:
    runs = Runs(3)
    runs.end(2)
    runs.shown()
    del runs.states[1]
    shown = asyncio.run(runs.awaited.to_show())
    assert shown is not None
    assert [run.id for run in shown] == [2, 3]
