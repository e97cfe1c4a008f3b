"""Runs, tasks, attempts and the queue as text, word by word."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kodit.application.services.queue_overview import QueueOverview
from kodit.application.views.runs import ListedRunView, QueueView, RunView
from kodit.domain.claiming import ClaimRules, QueueOrder
from kodit.domain.entities import IndexRun, TaskAttempt
from kodit.domain.value_objects import (
    AttemptOutcome,
    QueuePriority,
    RunState,
    TaskProgress,
    TaskState,
    TaskType,
)
from kodit.faces.cli.terminal import runs as text
from kodit.faces.cli.terminal.runs import ago, counted, run_lines

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
IDLE = QueueOverview(NOW, ClaimRules(), paused_since=None, workers=[], running={}, waiting=[])
ATTEMPT = TaskAttempt(
    task_id=2,
    claim_no=3,
    worker="ada",
    started_at=NOW - timedelta(minutes=3),
    finished_at=NOW - timedelta(minutes=3) + timedelta(seconds=1.25),
    outcome=AttemptOutcome.RETRIED,
    error="the server\nis silent",
)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands still."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            assert tz is UTC
            return NOW

    monkeypatch.setattr(text, "datetime", Clock)


def queue_line(queue: QueueOverview) -> str:
    return text.queue_line(QueueView.of(queue))


def run_line(run: IndexRun) -> str:
    return text.run_line(RunView.of(run))


def noteworthy_lines(run: IndexRun) -> list[str]:
    return text.noteworthy_lines(RunView.of(run, IDLE))


def first_task_line(run: IndexRun, queue: QueueOverview) -> str:
    return text.task_line(RunView.of(run, queue).tasks[0])


def run_of(*states: TaskState, base: QueuePriority = QueuePriority.USER_INITIATED) -> IndexRun:
    """Run 7 of index 3, requested two hours ago, with tasks in these states."""
    run = IndexRun.create(3, base, NOW - timedelta(hours=2))
    run.id = 7
    for number, task in enumerate(run.tasks, 1):
        task.id = number
    for task, state in zip(run.tasks, states, strict=False):
        task.state = state
    return run


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s ago"),
        (0.6, "1 s ago"),
        (59, "59 s ago"),
        (60, "1 min ago"),
        (3599, "60 min ago"),
        (3600, "1 h ago"),
        (86399, "24 h ago"),
        (86400, "1 d ago"),
        (864000, "10 d ago"),
    ],
)
def test_how_long_ago(seconds: float, words: str) -> None:
    """In the largest unit that fits."""
    assert ago(NOW - timedelta(seconds=seconds)) == words
    assert ago(None) == "never"


def test_singular_and_plural() -> None:
    assert [counted(number, "file") for number in (0, 1, 2)] == ["0 files", "1 file", "2 files"]


def test_the_queue_in_one_line() -> None:
    """Normal values are not shown."""
    assert queue_line(IDLE) == "queue: 0 workers, 0 running, 0 waiting"
    busy = replace(
        IDLE,
        workers=["ada"],
        waiting=[4, 5, 6],
        running={TaskType.SYNC: 2, TaskType.ENRICH: 1},
        rules=ClaimRules(QueueOrder.RUN_FIRST, {TaskType.SYNC: 2, TaskType.EXTRACT: 4}),
    )
    line = (
        "queue: 1 worker, 3 running, 3 waiting, limits: 2 of 2 SYNC, 0 of 4 EXTRACT, "
        "order: run_first"
    )
    assert queue_line(busy) == line
    differing = replace(busy, rules_differ=True)
    differ = "; the workers' limits or orders differ; the settings of this shell are shown"
    assert queue_line(differing) == line + differ
    paused = replace(differing, paused_since=NOW - timedelta(minutes=5))
    assert queue_line(paused) == (
        f"{line}{differ}; paused 5 min ago: `kodit queue resume` resumes it"
    )


def test_a_run_in_one_line() -> None:
    """Its state, who asked and when, and a sign for each task."""
    run = run_of()
    assert run_line(run) == (
        "run 7 queued, requested 2 h ago by a user: "
        "○SYNC ·EXTRACT ·BM25_INDEX ·CODE_EMBEDDINGS ·ENRICH"
    )
    run = run_of(
        TaskState.SUCCEEDED,
        TaskState.FAILED,
        TaskState.SKIPPED,
        TaskState.CANCELLED,
        TaskState.RUNNING,
        base=QueuePriority.BACKGROUND,
    )
    run.is_follow_up, run.state = True, RunState.RUNNING
    assert run_line(run) == (
        "run 7 running (follow-up), requested 2 h ago in the background: "
        "✓SYNC ✗EXTRACT »BM25_INDEX ⊘CODE_EMBEDDINGS ▶ENRICH"
    )


def test_a_run_that_nobody_works_on_has_started() -> None:
    """Between two stages; ended and waiting runs keep their states."""
    run = run_of(TaskState.SUCCEEDED, TaskState.READY)
    run.state = RunState.RUNNING
    assert run_line(run).startswith("run 7 started, ")
    run.state, run.finished_at = RunState.CANCELLED, NOW - timedelta(seconds=9)
    assert run_line(run).startswith("run 7 cancelled 9 s ago, requested ")


def test_a_run_that_is_stopping() -> None:
    """Until it has ended."""
    run = run_of(TaskState.RUNNING)
    run.state, run.cancel_requested = RunState.RUNNING, True
    assert run_line(run).startswith("run 7 running (stopping), requested ")
    run.state = RunState.CANCELLED
    assert "stopping" not in run_line(run)


def test_only_noteworthy_tasks_are_shown() -> None:
    """Tasks that are ready, running or failed; and for a follow-up, that it waits."""
    run = run_of(
        TaskState.READY, TaskState.RUNNING, TaskState.FAILED, TaskState.SKIPPED, TaskState.SUCCEEDED
    )
    assert [line.partition(":")[0] for line in noteworthy_lines(run)] == [
        "SYNC",
        "EXTRACT",
        "BM25_INDEX",
    ]
    run.is_follow_up = True
    assert len(noteworthy_lines(run)) == 3
    waiting = run_of(TaskState.BLOCKED)
    assert noteworthy_lines(waiting) == []
    waiting.is_follow_up = True
    assert noteworthy_lines(waiting) == ["SYNC: waits for the current run of index 3"]


def test_how_far_a_task_is() -> None:
    """While it runs, with the total if that is known."""
    run = run_of(TaskState.RUNNING)
    task = run.tasks[0]
    task.worker, task.claim_no = "ada", 1
    at_work = replace(IDLE, workers=["ada"])
    assert first_task_line(run, at_work) == "attempt 1, by ada"
    task.progress = TaskProgress("REFRESH_WORKING_COPY", 4, None)
    assert first_task_line(run, at_work) == "refresh working copy 4; attempt 1, by ada"
    task.progress = TaskProgress("REFRESH_WORKING_COPY", 4, 9)
    assert first_task_line(run, at_work) == "refresh working copy 4 of 9; attempt 1, by ada"
    task.state, task.error = TaskState.FAILED, "The disk\nis full."
    run.state = RunState.FAILED
    again = "not retried; `kodit queue retry 7` retries it and the later stages"
    assert first_task_line(run, at_work) == rf"The disk\nis full; {again}"


def test_everything_known_about_a_run() -> None:
    """A line for each task, below it what it did, and below that every attempt."""
    run = run_of(TaskState.SUCCEEDED, TaskState.READY)
    run.tasks[0].work = {"files_parsed": 1, "snippets_written": 12}
    under_way = replace(ATTEMPT, claim_no=4, finished_at=None, outcome=None, error=None)

    view = ListedRunView.of(run, IDLE, {2: [ATTEMPT, under_way]})

    lines = run_lines(view, "/evil\x1b[2J")

    assert lines == [
        run_line(run),
        r"index 3: /evil\x1b[2J",
        "  ✓ SYNC             succeeded",
        "      1 file parsed, 12 snippets written",
        "  ○ EXTRACT          ready      no worker is running; `kodit worker` starts one",
        r"      attempt 3, started 3 min ago by ada: retried after 1.2 s: the server\nis silent",
        "      attempt 4, started 3 min ago by ada: running",
        "  · BM25_INDEX       blocked    waits for EXTRACT",
        "  · CODE_EMBEDDINGS  blocked    waits for EXTRACT",
        "  · ENRICH           blocked    waits for BM25_INDEX and CODE_EMBEDDINGS",
    ]
    assert run_lines(view, None)[1].startswith("  ✓ SYNC")
