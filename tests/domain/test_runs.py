"""The transitions of a run, without a database."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from kodit.domain.entities import IndexRun, Task
from kodit.domain.errors import LeaseLost
from kodit.domain.run import BUDGET_SPENT
from kodit.domain.task import ErrorAbout
from kodit.domain.value_objects import Claim, QueuePriority, RunState, TaskState, TaskType
from kodit.infrastructure.memory import ManualClock

NOW = ManualClock().now()


def running_run() -> tuple[IndexRun, Task]:
    """A run whose SYNC is running, with identifiers."""
    run = IndexRun.create(7, QueuePriority.BACKGROUND, NOW)
    for number, task in enumerate(run.tasks, start=1):
        task.id = number
    sync = run.tasks[0]
    sync.state, sync.claim_no, sync.worker = TaskState.RUNNING, 3, "ada"
    sync.lease_expires_at = NOW + timedelta(seconds=30)
    return run, sync


def test_a_task_shares_nothing_with_the_request() -> None:
    """The caller may change the payload afterwards, and pass a class of priority as the
    priority."""
    payload = {"index_id": 7, "path": "a"}
    task = Task.create(TaskType.SYNC, QueuePriority.USER_INITIATED, payload)
    payload["path"] = "b"
    assert (task.payload["path"], task.index_id) == ("a", 7)
    assert type(task.priority) is int
    assert Task.create(TaskType.SYNC, 1, {"index_id": "7"}).index_id is None


def test_a_run_is_of_a_user_when_any_of_its_tasks_is() -> None:
    """Tasks that had ended before the request are unchanged."""
    run, sync = running_run()
    assert not run.is_user_initiated
    run.complete(sync, NOW)
    run.raise_priority(QueuePriority.USER_INITIATED)
    assert not sync.is_user_initiated
    assert run.is_user_initiated


def test_a_source_is_scanned_again_before_its_files_are_read() -> None:
    """Both stages wait in their turn, and the run goes on; a cancelled one ends."""
    for is_cancelled in (False, True):
        run, sync = running_run()
        run.complete(sync, NOW)
        extract = run.tasks[1]
        extract.state, extract.claim_no, extract.worker = TaskState.RUNNING, 1, "ada"
        later = NOW + timedelta(seconds=2)
        if is_cancelled:
            run.cancel(NOW)
        run.scan_again(extract, "the commit is gone", later, NOW, ErrorAbout("commit_gone"))
        states = [task.state for task in run.tasks]
        if is_cancelled:
            assert states[1:] == [TaskState.CANCELLED] * 4
            assert run.state is RunState.CANCELLED
            continue
        assert states == [TaskState.READY] + [TaskState.BLOCKED] * 4
        assert (sync.available_at, sync.finished_at) == (later, None)
        assert extract.error == "the commit is gone"
        assert extract.worker is None
        sync.state = TaskState.RUNNING
        run.complete(sync, NOW)
        assert extract.state is TaskState.READY


def test_a_run_waits_for_a_budget_until_somebody_asks_for_it() -> None:
    """And while nothing else of it is under way. A request of a user is tried at once."""
    run, sync = running_run()
    assert run.waits_for_budget is None
    about = ErrorAbout(BUDGET_SPENT)
    run.try_again(sync, "spent", NOW + timedelta(minutes=10), NOW, about)
    assert run.waits_for_budget is sync
    run.raise_priority(QueuePriority.BACKGROUND)
    assert run.waits_for_budget is sync
    run.raise_priority(QueuePriority.USER_INITIATED)
    assert run.waits_for_budget is None
    run.try_again(sync, "at lunch", NOW + timedelta(minutes=10), NOW, ErrorAbout("endpoint_paused"))
    assert run.waits_for_budget is None


def test_a_failure_says_what_it_is_about_until_it_is_tried_again() -> None:
    """Beside its sentence, for programs; and so does a back-off."""
    run, sync = running_run()
    about = ErrorAbout("disk_full", {"source": "a"})
    run.try_again(sync, "full", NOW + timedelta(seconds=5), NOW, about)
    assert (sync.error, sync.error_about, sync.is_due(NOW)) == ("full", about, False)
    sync.state, sync.failures = TaskState.RUNNING, 4
    run.fail(sync, "full", NOW, about)
    assert (run.state, sync.error, sync.error_about) == (RunState.FAILED, "full", about)
    run.retry()
    assert (sync.error, sync.error_about, sync.failures) == (None, None, 0)
    assert (run.state, run.finished_at, sync.finished_at) == (RunState.QUEUED, None, None)
    assert (sync.state, sync.is_due(NOW)) == (TaskState.READY, True)
    assert run.can_be_joined
    run.cancel_requested = True
    assert not run.can_be_joined


@pytest.mark.parametrize("claim", [Claim(1, 2), Claim(1, 4), Claim(2, 3)])
def test_a_claim_that_is_not_the_latest_holds_nothing(claim: Claim) -> None:
    """The error names the task and the claim, as a log of two workers needs both."""
    run, sync = running_run()
    assert run.held(Claim(1, 3)) is sync
    told = f"task {claim.task_id} is no longer held by claim {claim.claim_no}"
    with pytest.raises(LeaseLost, match=re.escape(told)):
        run.held(claim)
