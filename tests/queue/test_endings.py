"""How tasks and runs end: skips, failures, retries and their budget, cancels, and pruning."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.queue.driver import LEASE, MAX_FAILURES, QueueDriver

from kodit.application.services import history_pruner
from kodit.application.services.stage import Stage
from kodit.domain.entities import ProgressTracker, Task
from kodit.domain.errors import NotFoundError, PausedError, TaskCancelled, UserError
from kodit.domain.retention import Retention
from kodit.domain.retry import RetryPolicy
from kodit.domain.value_objects import Claim, ErrorAbout, RunState, TaskOperation, TaskType

SYNC, EXTRACT, BM25_INDEX, CODE_EMBEDDINGS, ENRICH = TaskType


def test_nothing_to_do_settles_the_whole_run(queue: QueueDriver) -> None:
    """SYNC succeeds, the rest is skipped in the same transaction, and nothing is left to claim."""
    run = queue.request()
    queue.complete(queue.take(SYNC), nothing_to_do=True)
    assert queue.states(run.id) == ["succeeded"] + ["skipped"] * 4
    assert queue.run(run.id).state is RunState.SUCCEEDED
    assert queue.claim() is None


def test_failure_blocks_only_what_follows(queue: QueueDriver) -> None:
    """The other branch continues, ENRICH never starts, and the run has failed when all have
    stopped."""
    run = queue.request()
    queue.run_stages(SYNC, EXTRACT)
    failed = queue.take(BM25_INDEX)
    queue.fail(failed, "the index is damaged")
    assert queue.run(run.id).state is RunState.RUNNING
    queue.run_stages(CODE_EMBEDDINGS)
    assert queue.run(run.id).state is RunState.FAILED
    assert queue.states(run.id) == ["succeeded", "succeeded", "failed", "succeeded", "blocked"]
    assert queue.claim() is None
    assert (queue.task(failed).error, queue.outcomes(failed)) == (
        "the index is damaged",
        ["failed"],
    )


def test_retry_runs_the_failed_stage_and_what_follows(queue: QueueDriver) -> None:
    """Succeeded stages are not repeated; the retry is a user's request, so it has the user's
    class."""
    run = queue.request()
    queue.run_stages(SYNC, EXTRACT)
    queue.fail(queue.take(BM25_INDEX))
    queue.run_stages(CODE_EMBEDDINGS)
    assert queue.retry(run.id).id == run.id
    assert queue.states(run.id) == ["succeeded", "succeeded", "ready", "succeeded", "blocked"]
    retried = queue.run(run.id).tasks
    assert [task.priority for task in retried] == [50, 40, 70, 20, 50]
    assert [retried[stage].error for stage in (2, 4)] == [None, None]
    assert [retried[stage].finished_at for stage in (2, 4)] == [None, None]
    queue.run_stages(BM25_INDEX, ENRICH)
    assert queue.run(run.id).state is RunState.SUCCEEDED


def test_retry_of_a_cancelled_run(queue: QueueDriver) -> None:
    """It continues where it was stopped."""
    run = queue.request()
    queue.run_stages(SYNC)
    queue.cancel(run.id)
    assert queue.states(run.id) == ["succeeded"] + ["cancelled"] * 4
    queue.retry(run.id)
    queue.run_stages(EXTRACT, BM25_INDEX, CODE_EMBEDDINGS, ENRICH)
    assert queue.run(run.id).state is RunState.SUCCEEDED


@pytest.mark.parametrize("task_type", [SYNC, ENRICH, "UNHEARD_OF"])
def test_retry_of_a_single_task(queue: QueueDriver, task_type: TaskType | str) -> None:
    """It waits for no other stage, whatever its type."""
    task = queue.ask(queue.service.enqueue_task(Task(task_type, 10, {})))
    held = queue.claim()
    assert held is not None
    queue.fail(held.claim)
    assert task.run_id is not None
    queue.retry(task.run_id)
    again = queue.claim()
    assert again is not None
    assert (again.id, again.claim_no) == (task.id, 2)
    queue.complete(again.claim)
    assert queue.run(task.run_id).state is RunState.SUCCEEDED


def test_what_cannot_be_retried_or_cancelled(queue: QueueDriver) -> None:
    """Ended runs are not cancelled; open and succeeded ones are not retried; nor are unknown
    ones."""
    run = queue.request()
    with pytest.raises(UserError, match="still queued") as refused:
        queue.retry(run.id)
    assert refused.value.code == "run_under_way"
    assert refused.value.fields == {"run": run.id, "state": "queued"}
    queue.run_stages(*TaskType)
    with pytest.raises(UserError, match="has succeeded") as refused:
        queue.retry(run.id)
    assert refused.value.code == "run_has_succeeded"
    assert refused.value.fields == {"run": run.id}
    with pytest.raises(UserError, match="already ended") as refused:
        queue.cancel(run.id)
    assert refused.value.code == "run_has_ended"
    assert refused.value.fields == {"run": run.id, "state": "succeeded"}
    for question in (queue.service.retry, queue.service.cancel, queue.service.describe):
        with pytest.raises(NotFoundError):
            queue.ask(question(4711))


def test_transient_failure_backs_off(queue: QueueDriver) -> None:
    """The wait doubles, and what the other side asked for is honoured when it is longer."""
    queue.request()
    queue.fail_transiently(queue.take(SYNC))
    assert queue.ask(queue.service.claim_or_wait("a worker", 1)) == ([], 2.0)
    queue.clock.advance(1.9)
    assert queue.claim() is None
    queue.clock.advance(0.1)
    queue.fail_transiently(queue.take(SYNC), retry_after=3.0)
    assert queue.ask(queue.service.claim_or_wait("a worker", 1)) == ([], 4.0)
    queue.clock.advance(4.0)
    queue.ask(queue.service.release(queue.take(SYNC)))
    queue.commit(held := queue.take(SYNC), "a")
    queue.fail_transiently(held, retry_after=30.0)
    assert queue.ask(queue.service.claim_or_wait("a worker", 1)) == ([], 30.0)


@pytest.mark.parametrize(("asked", "seconds"), [(30.0, 30.0), (601.0, 600.0), (None, 0.0)])
def test_a_pause_touches_no_budget(queue: QueueDriver, asked: float | None, seconds: float) -> None:
    """A task waits as long as it is told, at most ten minutes, and however often."""
    queue.request()
    for _ in range(MAX_FAILURES + 1):
        paused = PausedError("the budget is spent", asked)
        queue.ask(queue.service.fail_transiently(queue.take(SYNC), paused))
        if seconds:
            assert queue.ask(queue.service.claim_or_wait("a worker", 1)) == ([], seconds)
        queue.clock.advance(seconds)
    assert queue.take(SYNC)


def test_spent_budget_fails_for_good(queue: QueueDriver) -> None:
    """After that many failures in a row the task has failed, with its last error."""
    run = queue.request()
    for _ in range(MAX_FAILURES - 1):
        queue.fail_transiently(queue.take(SYNC))
        queue.clock.advance(60)
    last = queue.take(SYNC)
    queue.fail_transiently(last)
    assert queue.run(run.id).state is RunState.FAILED
    assert queue.outcomes(last) == ["retried"] * (MAX_FAILURES - 1) + ["failed"]
    assert queue.task(last).error == f"503 (tried {MAX_FAILURES} times)"
    assert queue.task(last).error_about == ErrorAbout("unavailable")
    told = [attempt.error_about for attempt in queue.attempts(last)]
    assert told == [ErrorAbout("unavailable")] * MAX_FAILURES


def test_lost_worker_spends_the_budget(queue: QueueDriver) -> None:
    """A task that kills its worker ends, by dead workers and expired leases alike."""
    run = queue.request()
    for number in range(MAX_FAILURES):
        held = queue.take(SYNC)
        if number % 2:
            queue.clock.advance(LEASE.total_seconds() + 1)
            queue.reclaim()
        else:
            queue.lose()
    assert queue.run(run.id).state is RunState.FAILED
    assert queue.outcomes(held) == ["lost"] * (MAX_FAILURES - 1) + ["failed"]
    assert queue.task(held).error_about == ErrorAbout("worker_lost")
    assert queue.claim() is None


def test_release_does_not_spend_the_budget(queue: QueueDriver) -> None:
    """A worker that is told to stop, however often, costs the task nothing and no time."""
    queue.request()
    queue.fail_transiently(queue.take(SYNC))
    queue.clock.advance(60)
    for _ in range(MAX_FAILURES + 2):
        held = queue.take(SYNC)
        queue.ask(queue.service.release(held))
        assert queue.task(held).failures == 1
        assert queue.task(held).error is None
    assert queue.outcomes(held) == ["retried"] + ["released"] * (MAX_FAILURES + 2)


def test_committed_batch_restores_the_budget(queue: QueueDriver) -> None:
    """A task that makes progress, batch by batch, may be interrupted any number of times."""
    queue.request()
    for number in range(3 * MAX_FAILURES):
        held = queue.take(SYNC)
        queue.commit(held, f"batch {number}")
        queue.lose()
        assert queue.task(held).failures == 1
    assert queue.task(held).work == {"batches": 3 * MAX_FAILURES}


def test_commit_that_gets_nowhere_spends_the_budget(queue: QueueDriver) -> None:
    """A stage may store the same thing at each attempt, before the step that fails; but with any
    progress it may continue indefinitely."""
    run = queue.request()
    for number in range(MAX_FAILURES):
        held = queue.take(SYNC)
        commit_step(queue, held, 0)
        assert queue.task(held).failures == number
        queue.fail_transiently(held)
        queue.clock.advance(600)
    assert queue.run(run.id).state is RunState.FAILED

    queue.request(queue.second)
    for _ in range(MAX_FAILURES):
        held = queue.take(SYNC)
        commit_step(queue, held, 1)
        assert queue.task(held).failures == 0
        queue.fail_transiently(held)
        queue.clock.advance(600)


def commit_step(queue: QueueDriver, held: Claim, reached: int) -> None:
    step = ProgressTracker(TaskOperation.REFRESH_WORKING_COPY)
    stage = Stage(queue.database, queue.task(held), step)
    queue.ask(stage.commit(lambda _transaction: (None, {"texts_embedded": 0}), step, reached))


def test_budget_is_whole_for_the_next_stage_and_for_a_retry(queue: QueueDriver) -> None:
    """Failures are counted per task, and a retry by hand starts from zero."""
    run = queue.request()
    queue.fail_transiently(queue.take(SYNC))
    queue.clock.advance(60)
    queue.run_stages(SYNC)
    for _ in range(MAX_FAILURES - 1):
        queue.fail_transiently(queue.take(EXTRACT))
        queue.clock.advance(60)
    queue.fail(queue.take(EXTRACT))
    rerun = queue.retry(run.id)
    assert (rerun.tasks[1].state, rerun.tasks[1].failures) == ("ready", 0)


def test_who_asks_again_ends_the_wait_and_not_the_count(queue: QueueDriver) -> None:
    """A user's request tries once more at once, a background one waits; neither renews the budget:
    a missing source fails however often it is requested, and its follow-up has its own budget."""
    run = queue.request()
    for number in range(1, MAX_FAILURES):
        held = queue.take(SYNC)
        queue.fail_transiently(held)
        queue.request()
        assert queue.claim() is None
        queue.request(user=True)
        assert queue.task(held).failures == number
    queue.fail_transiently(queue.take(SYNC))
    assert queue.run(run.id).state is RunState.SUPERSEDED
    assert queue.task(queue.take(SYNC)).failures == 0


@given(
    failures=st.integers(1, 40),
    jitter=st.floats(0, 1, exclude_max=True),
    asked_for=st.none() | st.floats(0, 10_000),
)
def test_delay_stays_within_its_bounds(
    failures: int, jitter: float, asked_for: float | None
) -> None:
    """Between half and all of the step, never longer than the longest, unless asked for more."""
    policy = RetryPolicy(5, 2.0, 300.0)
    step = min(2.0 * 2 ** (failures - 1), 300.0)
    delay = policy.delay(failures, jitter, asked_for)
    rounding = timedelta(microseconds=1)
    lowest = max(step / 2, asked_for or 0)
    assert timedelta(seconds=lowest) - rounding <= delay
    assert delay <= timedelta(seconds=max(step, asked_for or 0)) + rounding


def test_cancel_ends_what_waits_at_once(queue: QueueDriver) -> None:
    """A queued run, one between two stages, and one that waits for its back-off."""
    queued = queue.request(queue.first)
    assert queue.cancel(queued.id).state is RunState.CANCELLED
    waiting = queue.request(queue.second)
    queue.fail_transiently(queue.take(SYNC))
    assert queue.cancel(waiting.id).state is RunState.CANCELLED
    assert queue.states(waiting.id) == ["cancelled"] * 5
    queue.clock.advance(3600)
    assert queue.claim() is None


def test_cancel_stops_what_runs_at_its_heartbeat(queue: QueueDriver) -> None:
    """The worker is told, and its acknowledgement ends the run."""
    run = queue.request()
    held = queue.take(SYNC)
    assert not queue.ask(queue.service.heartbeat(held))
    assert queue.cancel(run.id).state is RunState.RUNNING
    assert queue.ask(queue.service.heartbeat(held))
    queue.ask(queue.service.acknowledge_cancel(held))
    assert not queue.task(held).cancel_requested
    assert queue.run(run.id).state is RunState.CANCELLED
    assert queue.states(run.id) == ["cancelled"] * 5
    assert queue.outcomes(held) == ["cancelled"]


def test_cancel_stops_what_runs_at_its_commit(queue: QueueDriver) -> None:
    """The current batch is stored, then the stage is told."""
    run = queue.request()
    held = queue.take(SYNC)
    queue.cancel(run.id)
    with pytest.raises(TaskCancelled):
        queue.commit(held, "the last batch")
    assert queue.view().data[queue.first] == {"the last batch"}
    assert queue.task(held).work == {"batches": 1}


def test_old_runs_are_pruned(queue: QueueDriver) -> None:
    """Beyond the newest of an index and a certain age, ended runs go; open ones never do."""
    retention = Retention(runs=2, age=timedelta(days=1))
    ended = []
    for _ in range(4):
        ended.append(queue.request().id)
        queue.complete(queue.take(SYNC), nothing_to_do=True)
    waiting = queue.request(queue.second)
    queue.prune(retention)
    assert len(queue.ask(queue.service.list_runs())) == 5
    queue.clock.advance(timedelta(days=2).total_seconds())
    queue.prune(retention)
    kept = [run.id for run in queue.ask(queue.service.list_runs())]
    assert kept == [waiting.id, ended[3], ended[2]]
    assert queue.ask(queue.service.get_runs([ended[0], ended[3]])) == [queue.run(ended[3])]


def test_old_runs_are_pruned_by_many_looks(
    queue: QueueDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And many deletions, where one look does not see all and one transaction is too short."""
    monkeypatch.setattr(history_pruner, "RUNS_PER_LOOK", 3)
    monkeypatch.setattr(history_pruner, "ROWS_PER_PIECE", 7)
    for _ in range(8):
        queue.request()
        queue.complete(queue.take(SYNC), nothing_to_do=True)
    queue.clock.advance(10)
    queue.prune(Retention(runs=1, age=timedelta(seconds=1)))
    assert len(queue.view().runs) == 1


def test_retried_run_is_open_again(queue: QueueDriver) -> None:
    """It has a first start and no end, and is not forgotten for having ended once."""
    run = queue.request()
    queue.fail(queue.take(SYNC))
    first_start = queue.run(run.id).started_at
    queue.clock.advance(10)
    retried = queue.retry(run.id)
    assert (retried.state, retried.finished_at) == (RunState.QUEUED, None)
    queue.clock.advance(timedelta(days=365).total_seconds())
    queue.prune(Retention(runs=0, age=timedelta(days=1)))
    queue.take(SYNC)
    assert (queue.run(run.id).started_at, queue.run(run.id).finished_at) == (first_start, None)


def test_lost_tasks_are_available_at_once(queue: QueueDriver) -> None:
    """Reclaimed tasks may be claimed at once, also if the clock was set back meanwhile."""
    queue.request()
    queue.take(SYNC)
    queue.lose()
    queue.clock.advance(-7200)
    queue.take(SYNC)


def test_history_of_a_run(queue: QueueDriver) -> None:
    """Every claim of every task: who, when, and how it ended."""
    run = queue.request()
    first = queue.take(SYNC)
    queue.fail_transiently(first)
    queue.clock.advance(5)
    queue.complete(queue.take(SYNC, queue.bob))
    described, attempts = queue.ask(queue.service.describe(run.id))
    assert described == queue.run(run.id)
    told = [(a.claim_no, a.worker, a.outcome, a.error) for a in attempts[first.task_id]]
    assert told == [(1, queue.ada, "retried", "503"), (2, queue.bob, "succeeded", None)]
    assert attempts[run.tasks[4].id] == []
