"""Why a task is not running, and what happens next: one sentence for each case."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kodit.application.services.queue_overview import MOST_WAITING, QueueOverview
from kodit.application.views.runs import RunView
from kodit.domain.claiming import ClaimRules
from kodit.domain.entities import IndexRun, Task
from kodit.domain.value_objects import QueuePriority, TaskState, TaskType
from kodit.faces.cli.advice import with_advice
from kodit.faces.cli.terminal.runs import task_line, trouble_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
IDLE = QueueOverview(
    now=NOW, rules=ClaimRules(), paused_since=None, workers=["ada"], running={}, waiting=[1]
)


def new_run(*, is_follow_up: bool = False) -> IndexRun:
    run = IndexRun.create(3, QueuePriority.BACKGROUND, NOW, is_follow_up=is_follow_up)
    run.id = 7
    for number, task in enumerate(run.tasks, 1):
        task.id, task.run_id = number, run.id
    return run


def start(task: Task, worker: str = "ada") -> Task:
    """The effect of a claim."""
    task.state, task.worker, task.claim_no = TaskState.RUNNING, worker, task.claim_no + 1
    task.started_at, task.lease_expires_at = NOW, NOW + timedelta(seconds=60)
    return task


def reasons(run: IndexRun, queue: QueueOverview = IDLE) -> list[str]:
    return [with_advice(queue.why(task, run)) for task in run.tasks]


def test_new_run() -> None:
    """The first task is next, the others wait for their predecessors."""
    assert reasons(new_run()) == [
        "next in line",
        "waits for SYNC",
        "waits for EXTRACT",
        "waits for EXTRACT",
        "waits for BM25_INDEX and CODE_EMBEDDINGS",
    ]


@pytest.mark.parametrize(
    ("queue", "expected"),
    [
        (replace(IDLE, waiting=[8, 9, 1]), "waits behind 2 tasks"),
        (
            replace(IDLE, waiting=range(10, 10 + MOST_WAITING)),
            "waits behind 1000 tasks or more",
        ),
        (replace(IDLE, waiting=[8, 9]), "just claimed"),
        (replace(IDLE, waiting=[11, 12, 1], held_back={11}), "waits behind 1 task"),
        (replace(IDLE, workers=[]), "no worker is running; `kodit worker` starts one"),
        (
            replace(IDLE, paused_since=NOW),
            "the queue is paused; `kodit queue resume` resumes it",
        ),
        (
            replace(IDLE, rules=ClaimRules(limits={TaskType.SYNC: 2}), running={TaskType.SYNC: 2}),
            "the limit for SYNC is reached: 2",
        ),
        (
            replace(
                IDLE,
                rules=ClaimRules(limits={TaskType.SYNC: 2}),
                running={TaskType.SYNC: 1, TaskType.ENRICH: 2},
            ),
            "next in line; 3 running",
        ),
    ],
)
def test_ready(queue: QueueOverview, expected: str) -> None:
    """The reasons why a ready task is not claimed."""
    assert reasons(new_run(), queue)[0] == expected


def test_back_off() -> None:
    """When it is retried, and how often it has failed."""
    run = new_run()
    task = start(run.tasks[0])
    task.failures = 2
    run.try_again(task, "no route", NOW + timedelta(seconds=90), NOW)
    assert reasons(run)[0] == "retried in 2 min; failed 2 times"
    assert reasons(run, replace(IDLE, workers=[]))[0] == (
        "retried in 2 min if a worker is running; failed 2 times; `kodit worker` starts one"
    )
    later = replace(IDLE, now=NOW + timedelta(seconds=100))
    assert reasons(run, later)[0] == "next in line; failed 2 times"
    task.failures = 1
    full = {"rules": ClaimRules(limits={TaskType.SYNC: 1}), "running": {TaskType.SYNC: 1}}
    for changes, reason in (
        ({"paused_since": NOW}, "the queue is paused; failed once"),
        ({"workers": []}, "no worker is running; failed once"),
        (full, "the limit for SYNC is reached: 1; failed once"),
    ):
        assert replace(later, **changes).why(task, run).text == reason


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3600, "1 h"),
        (9000, "2 h"),
        (86_400, "1 d"),
        (864_000, "10 d"),
    ],
)
def test_for_how_long(seconds: float, words: str) -> None:
    """In the largest unit that fits; with a clock that was set back, no time has passed."""
    run = new_run()
    task = start(run.tasks[0])
    task.lease_expires_at = None
    later = replace(IDLE, now=NOW + timedelta(seconds=seconds))
    assert reasons(run, later)[0] == f"{words}, attempt 1, by ada"


def test_running() -> None:
    """For how long, which attempt, by which worker; and what happens if its worker is gone."""
    run = new_run()
    start(run.tasks[0])
    later = replace(IDLE, now=NOW + timedelta(seconds=12))
    assert reasons(run, later)[0] == "12 s, attempt 1, by ada"
    assert reasons(run, replace(later, workers=["bob"]))[0] == (
        "12 s, its worker has died; the next one reclaims it"
    )
    assert reasons(run, replace(IDLE, now=NOW + timedelta(seconds=61)))[0] == (
        "1 min, its lease has expired; another worker reclaims it"
    )
    assert reasons(run, replace(later, workers=[]))[0] == (
        "12 s, its worker has died; any worker reclaims it; `kodit worker` starts one"
    )
    run.cancel(NOW)
    assert reasons(run, later)[0] == (
        "12 s, attempt 1, by ada; asked to stop, and stops at its next heartbeat"
    )
    assert reasons(run, replace(later, workers=["bob"]))[0] == (
        "12 s, its worker has died; the next one stops it"
    )


def test_failed() -> None:
    """A failed stage runs again only by hand, and its successors never started."""
    run = new_run()
    run.fail(start(run.tasks[0]), "no such folder", NOW)
    assert reasons(run)[:2] == [
        "not retried; `kodit queue retry 7` retries it and the later stages",
        "did not start because SYNC did not succeed",
    ]


def test_superseded() -> None:
    """The run that did the work; if none has, the newest one's result."""
    [old, done, last] = [new_run() for _ in range(3)]
    done.id, last.id = 8, 9
    old.fail(start(old.tasks[0]), "no such folder", NOW)
    old.supersede()

    def reason(newer: IndexRun) -> str:
        return reasons(old, replace(IDLE, successors={7: newer}))[0]

    assert reasons(old)[0] == "a newer run took its place"
    assert reason(last) == "run 9 does this"
    last.cancel(NOW)
    assert reason(last) == (
        "run 9 took its place and is cancelled; `kodit queue retry 9` runs that one"
    )
    done.complete(start(done.tasks[0]), NOW, nothing_to_do=True)
    assert reason(done) == "run 8 has done this"


def test_what_waits_behind_a_failure_will_not_run() -> None:
    """Although its run still works elsewhere."""
    run = new_run()
    for task in run.tasks[:2]:
        run.complete(start(task), NOW)
    run.fail(start(run.tasks[2]), "no space", NOW)
    start(run.tasks[3])
    assert reasons(run)[4] == "will not run because BM25_INDEX failed"


def test_ended_well_or_early() -> None:
    """Nothing for success; skipped and cancelled tasks say so."""
    run = new_run()
    run.complete(start(run.tasks[0]), NOW, nothing_to_do=True)
    assert reasons(run)[:2] == ["", "there was nothing to do"]
    cancelled = new_run()
    cancelled.cancel(NOW)
    assert reasons(cancelled)[0] == "it was cancelled; `kodit queue retry 7` runs it"


def test_follow_up() -> None:
    """It waits for the run of its index."""
    assert set(reasons(new_run(is_follow_up=True))) == {"waits for the current run of index 3"}


def told(run: IndexRun) -> str:
    """What the command line says about the first task."""
    return task_line(RunView.of(run, IDLE).tasks[0])


def test_what_went_wrong_is_told_until_the_task_is_tried_again() -> None:
    """A running retry may well succeed."""
    run = new_run()
    task = run.tasks[0]
    task.error = "The server is silent."
    assert told(run) == "The server is silent; next in line"
    start(task)
    assert trouble_of(task.state, task.error) == ""
    assert "silent" not in told(run)
