"""Invariants of a queue, checked on the visible state of the database, without knowledge of how it
got there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from tests.queue.model_state import AFTER, ENDED, OFFSETS, USER
from tests.queue.view import QueueView, RunView, TaskView

ENDED_RUN = ("succeeded", "failed", "cancelled", "superseded")
MAY_OVERLAP = {"BM25_INDEX", "CODE_EMBEDDINGS"}


def check_queue(view: QueueView, limits: Mapping[str, int] | None = None) -> None:
    """Check every invariant of a single state."""
    for run in view.runs.values():
        check_predecessors(run)
        check_not_stuck(run)
        for task in run.tasks:
            check_claims(task)
    check_one_active_run(view)
    check_limits(view, limits or {})


def check_change(before: QueueView, after: QueueView, *, retried: int | None = None) -> None:
    """Check every invariant of two consecutive states. `retried` is the run that was retried by
    hand in between."""
    check_finality(before, after, retried)
    check_nothing_vanishes(before, after)
    check_claim_numbers(before, after)
    check_priorities(before, after)


def check_predecessors(run: RunView) -> None:
    """No stage starts, or is offered, before its predecessors in the run have succeeded."""
    if run.index_id is None:
        return
    succeeded = {task.type for task in run.tasks if task.state == "succeeded"}
    for task in run.tasks:
        if task.state in ("ready", "running", "succeeded", "failed"):
            assert AFTER[task.type] <= succeeded, f"{task.type} came too early in run {run.id}"


def check_one_active_run(view: QueueView) -> None:
    """An index has at most one active run and one follow-up, which waits until the active one has
    ended; within one index, only the two middle stages of one run may overlap."""
    for index_id in {run.index_id for run in view.runs.values()} - {None}:
        of_index = [run for run in view.runs.values() if run.index_id == index_id]
        open_runs = [run for run in of_index if run.state not in ENDED_RUN]
        active = [run for run in open_runs if not run.is_follow_up]
        waiting = [run for run in open_runs if run.is_follow_up]
        assert len(active) <= 1, f"index {index_id} has {len(active)} active runs"
        assert len(waiting) <= len(active), f"a follow-up of index {index_id} waits for nothing"
        for run in waiting:
            assert {task.state for task in run.tasks} == {"blocked"}
        running = [
            (run.id, task.type) for run in of_index for task in run.tasks if task.state == "running"
        ]
        if len(running) > 1:
            assert len({run_id for run_id, _ in running}) == 1
            assert {task_type for _, task_type in running} == MAY_OVERLAP


def check_not_stuck(run: RunView) -> None:
    """An active run has a task that is ready, running, or waiting for its back-off; one that has
    ended has none."""
    moving = [task for task in run.tasks if task.state in ("ready", "running")]
    if run.state in ENDED_RUN:
        assert not moving, f"run {run.id} is {run.state} and still has {moving}"
    elif not run.is_follow_up:
        assert moving, f"run {run.id} is stuck"
    if run.state == "succeeded":
        assert {task.state for task in run.tasks} <= {"succeeded", "skipped"}
    assert run.tasks, f"run {run.id} has no tasks"


def check_claims(task: TaskView) -> None:
    """There is one attempt for each claim; that of a running task is open, all others closed."""
    assert [attempt.claim_no for attempt in task.attempts] == list(range(1, task.claim_no + 1))
    is_open = [attempt.outcome is None for attempt in task.attempts]
    if task.state == "running":
        assert is_open == [False] * (task.claim_no - 1) + [True]
        assert task.worker == task.attempts[-1].worker
        assert task.lease_expires_at is not None
    else:
        assert not any(is_open), f"task {task.id} is {task.state} with an open attempt"
        assert task.worker is None
        assert task.lease_expires_at is None


def check_limits(view: QueueView, limits: Mapping[str, int]) -> None:
    """No more tasks of a type run than its limit allows."""
    running = Counter(task.type for task in view.tasks.values() if task.state == "running")
    for task_type, limit in limits.items():
        assert running[task_type] <= limit, f"{running[task_type]} of {task_type} run at once"


def check_finality(before: QueueView, after: QueueView, retried: int | None) -> None:
    """What has ended stays as it ended, unless it is retried by hand; a failed run may be
    superseded."""
    for run_id, run in before.runs.items():
        if run_id == retried or run_id not in after.runs:
            continue
        if run.state in ENDED_RUN:
            allowed = {run.state, "superseded"} if run.state == "failed" else {run.state}
            assert after.runs[run_id].state in allowed
            assert after.runs[run_id].tasks == run.tasks
        for old, new in zip(run.tasks, after.runs[run_id].tasks, strict=True):
            if old.state in ENDED:
                assert new.state == old.state


def check_nothing_vanishes(before: QueueView, after: QueueView) -> None:
    """No accepted request is lost: a run that has not ended is still there."""
    for run_id, run in before.runs.items():
        assert run_id in after.runs or run.state in ENDED_RUN, f"run {run_id} has vanished"


def check_claim_numbers(before: QueueView, after: QueueView) -> None:
    """A claim number only grows, by one a step, and a closed attempt never changes."""
    later = after.tasks
    for task_id, task in before.tasks.items():
        if task_id in later:
            assert later[task_id].claim_no - task.claim_no in (0, 1)
            closed = tuple(a for a in task.attempts if a.outcome is not None)
            assert later[task_id].attempts[: len(closed)] == closed


def check_priorities(before: QueueView, after: QueueView) -> None:
    """Nothing lowers a priority."""
    later = after.tasks
    for task_id, task in before.tasks.items():
        assert task_id not in later or later[task_id].priority >= task.priority


def check_not_overtaken(
    after: QueueView, claimed: Sequence[int], now: datetime, limits: Mapping[str, int]
) -> None:
    """No background task was claimed while a user-initiated one that could run was left waiting;
    and among tasks claimed together, the user's came first."""
    tasks = after.tasks
    of_users = [_is_users(tasks[task_id]) for task_id in claimed]
    assert of_users == sorted(of_users, reverse=True)
    if all(of_users):
        return
    running = Counter(task.type for task in tasks.values() if task.state == "running")
    for task in tasks.values():
        is_due = task.available_at is not None and not (
            timedelta(0) < task.available_at - now <= timedelta(days=1)
        )
        if is_due and _is_users(task):
            has_place = running[task.type] < limits.get(task.type, running[task.type] + 1)
            assert not has_place, f"task {task.id} of a user was overtaken"


def _is_users(task: TaskView) -> bool:
    return task.priority - OFFSETS.get(task.type, 0) >= USER
