"""Rules of single services, without what surrounds them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from tests.queue.requests import NOW

from kodit import Kodit
from kodit.application.services import scope_service
from kodit.application.services.declined_sources import DeclinedSources
from kodit.application.services.doctor_service import MOST_ROUNDS, DoctorService
from kodit.application.services.on_demand_indexing_service import (
    SECONDS_BETWEEN_LOOKS,
    OnDemandIndexingService,
)
from kodit.application.services.side_by_side import side_by_side
from kodit.application.services.standing_service import percent_of
from kodit.domain.caller import Caller
from kodit.domain.claiming import ClaimRules
from kodit.domain.diagnosis import Problem
from kodit.domain.entities import IndexRun
from kodit.domain.errors import InvalidQueryError, NotFoundError
from kodit.domain.questions import Where
from kodit.domain.value_objects import (
    QueuePriority,
    TaskProgress,
    TaskState,
)
from kodit.infrastructure.memory.clock import ManualClock


def test_what_is_declined_is_left_to_others_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each source for its own time; what else the rules say holds."""
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    declined, rules = DeclinedSources(), ClaimRules(host="ada")
    assert declined.within(rules) is rules
    declined.add(1, 10.0)
    declined.add(2, 20.0)
    for now, expected in ((109.0, {1, 2}), (110.0, {2}), (119.0, {2}), (120.0, set())):  # noqa: B007 - the clock reads `now`
        within = declined.within(rules)
        assert within.declined == expected
        assert within.host == "ada"
    declined.add(2, 5.0)
    assert declined.within(rules).declined == {2}


def test_what_is_under_way_is_cancelled_when_nobody_wants_it() -> None:
    """And has ended before the caller goes on."""
    ended: list[int] = []

    async def work(number: int) -> int:
        try:
            await asyncio.sleep(0 if number == 0 else 3600)
        finally:
            await asyncio.sleep(0)
            ended.append(number)
        return number

    async def take_one() -> None:
        results: AsyncGenerator[int, None] = side_by_side(range(10), work, 3)
        assert await anext(results) == 0
        await results.aclose()
        assert sorted(ended) == [0, 1, 2]

    asyncio.run(take_one())


class Examiner:
    """Finds one problem that a repair may fail to solve."""

    area: Any = "queue"

    def __init__(self, error: Exception | None, *, helps: bool = False) -> None:
        self.error, self.helps = error, helps
        self.looks = self.repairs = 0

    def examine(self) -> list[Problem]:
        self.looks += 1
        if self.error is not None and not self.helps:
            raise self.error
        return [] if self.repairs and self.helps else [self.problem()]

    def problem(self) -> Problem:
        return Problem(self.area, "it is wrong", "repairs it", repair=self.repair)

    async def repair(self) -> None:
        self.repairs += 1
        if self.error is not None:
            raise self.error


def doctor(*examiners: Examiner) -> DoctorService:
    nothing = cast(Any, None)
    return DoctorService(database=nothing, indexes=nothing, keyword_index=None, examiners=examiners)


def test_what_cannot_be_examined_is_a_problem_of_its_area_only() -> None:
    """Told in one line, in the words of the error or, without any, by its type."""
    found = asyncio.run(
        doctor(
            Examiner(OSError("no\n such  thing")), Examiner(TimeoutError()), Examiner(None)
        ).examine()
    )
    assert [one.what for one in found] == [
        "it cannot be checked: no such thing",
        "it cannot be checked: TimeoutError",
        "it is wrong",
    ]
    assert [one.repair is None for one in found] == [True, True, False]


def test_a_repair_that_fails_leaves_the_others_to_be_made(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is told, and tried as often as any other."""
    failing, unseen = Examiner(OSError("no"), helps=True), Examiner(OSError("never"))
    lasting, repaired = Examiner(None), Examiner(None, helps=True)
    with caplog.at_level(logging.ERROR):
        assert asyncio.run(doctor(failing, unseen, lasting, repaired).repair()) == []
    assert [one.repairs for one in (failing, unseen, lasting, repaired)] == [1, 0, MOST_ROUNDS, 1]
    assert [one.looks for one in (failing, unseen, lasting, repaired)] == [2, 1, MOST_ROUNDS, 2]
    assert [one.getMessage() for one in caplog.records] == [
        "queue: it is wrong; the repair failed: no"
    ]


def a_run() -> IndexRun:
    return IndexRun.create(1, QueuePriority.BACKGROUND, NOW)


def test_the_share_of_a_run_that_is_done() -> None:
    """Each stage counts the same, and a running one by its progress, up to all of it."""
    run = a_run()
    assert percent_of(run) == 0
    stages = len(run.tasks)
    run.tasks[0].state = TaskState.SUCCEEDED
    assert percent_of(run) == round(100 / stages)
    run.tasks[1].state = TaskState.RUNNING
    for current, total, share in ((1, 2, 0.5), (5, 2, 1.0), (1, 0, 0.0), (1, None, 0.0)):
        run.tasks[1].progress = TaskProgress("read", current, total)
        assert percent_of(run) == round(100 * (1 + share) / stages)
    run.tasks[2].state = TaskState.SKIPPED
    run.tasks[1].progress = None
    assert percent_of(run) == round(200 / stages)
    assert percent_of(replace(run, tasks=[])) is None


def test_how_long_a_run_still_takes_at_its_rate() -> None:
    """Unknown before it starts, and never shorter than the wait until the next check."""
    clock = ManualClock(NOW + timedelta(seconds=30))
    service = OnDemandIndexingService.__new__(OnDemandIndexingService)
    service._clock = clock
    run = a_run()
    run.tasks[0].state = TaskState.SUCCEEDED
    assert service._seconds_left(run) == float("inf")
    run.started_at = NOW
    percent = percent_of(run)
    assert percent is not None
    assert service._seconds_left(run) == pytest.approx(30 * (100 - percent) / percent)
    run.started_at = NOW + timedelta(seconds=30)
    assert service._seconds_left(run) == SECONDS_BETWEEN_LOOKS
    run.tasks[0].state = TaskState.READY
    assert service._seconds_left(run) == float("inf")
    for task in run.tasks:
        task.state = TaskState.SUCCEEDED
    run.settle(NOW)
    assert service._seconds_left(run) == 0.0


def test_only_so_many_sources_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scope_service, "MOST_SOURCES", 2)
    with Kodit(tmp_path) as kodit:
        scope = kodit._application.scoping
        with pytest.raises(InvalidQueryError, match="at most 2 sources can be named"):
            scope.choose(Caller(), Where(("1", "2", "3")))
        with pytest.raises(NotFoundError):
            scope.choose(Caller(), Where(("1", "2")))
