"""No accepted request is lost: it joins a run that has not started, or becomes the follow-up."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.queue.driver import MAX_FAILURES, QueueDriver

from kodit.domain.errors import NotFoundError
from kodit.domain.value_objects import Claim, RunState, TaskType

SYNC, EXTRACT, BM25_INDEX, CODE_EMBEDDINGS, ENRICH = TaskType

QUEUED = ["ready", "blocked", "blocked", "blocked", "blocked"]
WAITING = ["blocked"] * 5


def skip(queue: QueueDriver, run_id: int) -> None:
    queue.complete(queue.take(SYNC), nothing_to_do=True)


def succeed(queue: QueueDriver, run_id: int) -> None:
    queue.run_stages(*TaskType)


def fail(queue: QueueDriver, run_id: int) -> None:
    queue.run_stages(SYNC)
    queue.fail(queue.take(EXTRACT))


def fail_beside_another_stage(queue: QueueDriver, run_id: int) -> None:
    queue.run_stages(SYNC, EXTRACT)
    queue.fail(queue.take(BM25_INDEX))
    queue.run_stages(CODE_EMBEDDINGS)


def spend_the_budget(queue: QueueDriver, run_id: int) -> None:
    for _ in range(MAX_FAILURES):
        queue.take(SYNC)
        queue.lose()


def be_cancelled_at_work(queue: QueueDriver, run_id: int) -> None:
    held = queue.take(SYNC)
    queue.cancel(run_id)
    queue.ask(queue.service.acknowledge_cancel(held))


def be_cancelled_between_stages(queue: QueueDriver, run_id: int) -> None:
    queue.run_stages(SYNC)
    queue.cancel(run_id)


End = Callable[[QueueDriver, int], None]
ENDS: dict[End, RunState] = {
    succeed: RunState.SUCCEEDED,
    skip: RunState.SUCCEEDED,
    fail: RunState.FAILED,
    fail_beside_another_stage: RunState.FAILED,
    spend_the_budget: RunState.FAILED,
    be_cancelled_at_work: RunState.CANCELLED,
    be_cancelled_between_stages: RunState.CANCELLED,
}


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_every_end_of_a_run_starts_its_follow_up(queue: QueueDriver, end: End) -> None:
    """However a run ends, the request that came meanwhile is met afterwards."""
    run = queue.request()
    first = queue.take(SYNC)
    follow_up = queue.request()
    queue.ask(queue.service.release(first))
    assert queue.states(follow_up.id) == WAITING
    end(queue, run.id)
    takes_over = {RunState.FAILED: RunState.SUPERSEDED}
    assert queue.run(run.id).state is takes_over.get(ENDS[end], ENDS[end])
    assert queue.states(follow_up.id) == QUEUED
    queue.run_stages(*TaskType)
    assert queue.run(follow_up.id).state is RunState.SUCCEEDED
    assert queue.claim() is None


def test_request_joins_a_run_that_has_not_started(queue: QueueDriver) -> None:
    """Also a follow-up that waits: there is at most one."""
    run = queue.request()
    assert queue.request().id == run.id
    queue.take(SYNC)
    follow_up = queue.request()
    assert follow_up.id != run.id
    assert queue.request().id == queue.request(user=True).id == follow_up.id
    assert queue.request(queue.second).id not in (run.id, follow_up.id)


def test_what_is_left_beside_a_run_is_its_follow_up_or_the_run_before(queue: QueueDriver) -> None:
    """Whichever of the two was cancelled; never a run of another index."""
    active = queue.request()
    queue.take(SYNC)
    follow_up = queue.request()
    elsewhere = queue.request(queue.second)
    for run, others in ((active, [follow_up]), (follow_up, [active]), (elsewhere, [])):
        left = queue.ask(queue.service.other_unfinished_runs(run))
        assert [other.id for other in left] == [other.id for other in others]


def test_request_between_two_attempts_becomes_the_follow_up(queue: QueueDriver) -> None:
    """A run whose SYNC is retried has started: its scan may be older than the request."""
    run = queue.request()
    queue.fail_transiently(queue.take(SYNC))
    assert queue.request().id != run.id


def test_request_joins_no_run_that_looked_at_the_source_before(queue: QueueDriver) -> None:
    """A retried run continues after its SYNC, so a new request needs a SYNC of its own."""
    run = queue.request()
    queue.run_stages(SYNC)
    queue.fail(queue.take(EXTRACT))
    queue.retry(run.id)
    follow_up = queue.request()
    assert follow_up.id != run.id
    queue.run_stages(EXTRACT, BM25_INDEX, CODE_EMBEDDINGS, ENRICH)
    queue.run_stages(*TaskType)
    assert queue.run(follow_up.id).state is RunState.SUCCEEDED


def test_request_joins_a_retried_run_that_begins_with_sync(queue: QueueDriver) -> None:
    """Its SYNC will see the changes that the request is about."""
    run = queue.request()
    queue.fail(queue.take(SYNC))
    queue.retry(run.id)
    assert queue.request().id == run.id


Stop = Callable[[QueueDriver, Claim], None]
STOPS: dict[str, Stop] = {
    "it acknowledges": lambda queue, claim: queue.ask(queue.service.acknowledge_cancel(claim)),
    "it completes": lambda queue, claim: queue.complete(claim),
    "it finds nothing to do": lambda queue, claim: queue.complete(claim, nothing_to_do=True),
    "it fails": lambda queue, claim: queue.fail(claim),
    "it fails transiently": lambda queue, claim: queue.fail_transiently(claim),
    "it is released": lambda queue, claim: queue.ask(queue.service.release(claim)),
    "its worker dies": lambda queue, claim: queue.lose(),
}


@pytest.mark.parametrize("stop", STOPS)
def test_request_while_a_cancelled_run_is_stopping(queue: QueueDriver, stop: str) -> None:
    """The request is not lost with the cancelled run: it starts when the run has stopped."""
    run = queue.request()
    held = queue.take(SYNC)
    queue.cancel(run.id)
    follow_up = queue.request()
    assert follow_up.id != run.id
    assert queue.states(follow_up.id) == WAITING
    STOPS[stop](queue, held)
    assert queue.run(run.id).state is RunState.CANCELLED
    assert queue.states(follow_up.id) == QUEUED
    queue.run_stages(*TaskType)
    assert queue.run(follow_up.id).state is RunState.SUCCEEDED


def test_cancelled_run_that_stops_in_two_places(queue: QueueDriver) -> None:
    """The follow-up waits until both middle stages have stopped."""
    run = queue.request()
    queue.run_stages(SYNC, EXTRACT)
    held = [queue.take(BM25_INDEX), queue.take(CODE_EMBEDDINGS)]
    queue.cancel(run.id)
    follow_up = queue.request()
    queue.complete(held[0])
    assert queue.states(follow_up.id) == WAITING
    queue.ask(queue.service.acknowledge_cancel(held[1]))
    assert queue.run(run.id).state is RunState.CANCELLED
    assert queue.states(follow_up.id) == QUEUED


def test_cancelling_the_follow_up_leaves_the_run_alone(queue: QueueDriver) -> None:
    """The request is withdrawn; the run goes on, and a later request makes a new follow-up."""
    run = queue.request()
    queue.run_stages(SYNC)
    follow_up = queue.request()
    queue.cancel(follow_up.id)
    assert queue.run(follow_up.id).state is RunState.CANCELLED
    later = queue.request()
    assert later.id not in (run.id, follow_up.id)
    queue.run_stages(EXTRACT, BM25_INDEX, CODE_EMBEDDINGS, ENRICH, *TaskType)
    assert queue.run(later.id).state is RunState.SUCCEEDED
    assert queue.claim() is None


def test_retry_of_a_cancelled_follow_up_is_a_new_request(queue: QueueDriver) -> None:
    """There is an active run, so it cannot run beside it."""
    run = queue.request()
    queue.run_stages(SYNC)
    cancelled = queue.request()
    queue.cancel(cancelled.id)
    again = queue.retry(cancelled.id)
    assert again.id not in (run.id, cancelled.id)
    assert queue.states(again.id) == WAITING


def test_failed_run_whose_follow_up_was_cancelled_is_retried_itself(queue: QueueDriver) -> None:
    """No run has superseded it: only the failed stage and its successors run again."""
    run = queue.request()
    queue.run_stages(SYNC)
    held = queue.take(EXTRACT)
    follow_up = queue.request()
    queue.cancel(follow_up.id)
    queue.fail(held)
    assert queue.run(run.id).state is RunState.FAILED
    again = queue.retry(run.id)
    assert again.id == run.id
    assert queue.states(run.id)[:2] == ["succeeded", "ready"]


def test_retry_of_a_run_that_has_a_successor_is_a_new_request(queue: QueueDriver) -> None:
    """The old run stays as it ended."""
    failed = queue.request()
    queue.fail(queue.take(SYNC))
    newer = queue.request()
    assert queue.run(failed.id).state is RunState.SUPERSEDED
    assert queue.retry(failed.id).id == newer.id
    queue.run_stages(*TaskType)
    assert queue.retry(failed.id).id > newer.id
    assert queue.run(failed.id).state is RunState.SUPERSEDED


def test_user_request_raises_the_run_under_way(queue: QueueDriver) -> None:
    """Remaining tasks are raised to the user's class, running ones too, as they may return to the
    queue."""
    run = queue.request()
    held = queue.take(SYNC)
    queue.request(user=True)
    assert [task.priority for task in queue.run(run.id).tasks] == [90, 80, 70, 60, 50]
    queue.ask(queue.service.release(held))
    assert queue.task(queue.take(SYNC)).is_user_initiated


def test_what_has_ended_keeps_its_priority(queue: QueueDriver) -> None:
    """History is not rewritten."""
    run = queue.request()
    queue.run_stages(SYNC)
    queue.request(user=True)
    assert [task.priority for task in queue.run(run.id).tasks] == [50, 80, 70, 60, 50]


def test_no_request_lowers_a_priority(queue: QueueDriver) -> None:
    """A background request that joins a user's run or follow-up leaves it the user's."""
    run = queue.request(user=True)
    assert queue.request().tasks[0].priority == 90
    queue.take(SYNC)
    follow_up = queue.request(user=True)
    assert queue.request().id == follow_up.id
    for run_id in (run.id, follow_up.id):
        assert [task.priority for task in queue.run(run_id).tasks] == [90, 80, 70, 60, 50]


def test_new_run_supersedes_a_failed_one(queue: QueueDriver) -> None:
    """Its last tasks stay blocked, and nothing that failed is reported as complete."""
    run = queue.request()
    fail(queue, run.id)
    queue.request()
    assert queue.run(run.id).state is RunState.SUPERSEDED
    assert queue.states(run.id) == ["succeeded", "failed", "blocked", "blocked", "blocked"]


def test_index_that_is_deleted_takes_no_requests(queue: QueueDriver) -> None:
    """Neither a new one nor the retry of an old run."""
    run = queue.request()
    queue.fail(queue.take(SYNC))
    queue.ask(
        queue.service.abandon(
            lambda transaction: transaction.indexes.mark_deleted(queue.first, queue.clock.now()),
            queue.first,
        )
    )
    with pytest.raises(NotFoundError):
        queue.request()
    with pytest.raises(NotFoundError):
        queue.retry(run.id)
    assert queue.claim() is None


def test_abandon_ends_everything_at_once(queue: QueueDriver) -> None:
    """The run, its follow-up and its claims; other indexes continue. If the accompanying work
    fails, nothing has happened."""
    run = queue.request()
    held = queue.take(SYNC)
    follow_up = queue.request()
    other = queue.request(queue.second)
    before = queue.view()
    with pytest.raises(ZeroDivisionError):
        queue.ask(queue.service.abandon(lambda _transaction: 1 / 0, queue.first))
    assert queue.view() == before
    assert queue.ask(queue.service.abandon(lambda _transaction: "done", queue.first)) == "done"
    ended = {queue.run(run_id).state for run_id in (run.id, follow_up.id)}
    assert (ended, queue.outcomes(held)) == ({RunState.CANCELLED}, ["cancelled"])
    assert queue.states(other.id) == QUEUED


def test_who_took_the_place_of_a_superseded_run(queue: QueueDriver) -> None:
    """The newer run that has done the work, or else the newest; never one before it."""

    def told(run_id: int) -> str:
        run = queue.run(run_id)
        overview = queue.ask(queue.service.overview(queue.registry, [run]))
        return overview.why(run.tasks[0], run).text

    queue.request()
    queue.run_stages(*TaskType)
    failed = queue.request()
    queue.fail(queue.take(SYNC))
    assert told(failed.id).startswith("not retried")
    other = queue.request(queue.second)
    newer = queue.request()
    assert told(failed.id) == f"run {newer.id} does this"
    queue.cancel(newer.id)
    assert told(failed.id).startswith(f"run {newer.id} took its place and is cancelled")
    done = queue.request()
    queue.cancel(other.id)
    queue.run_stages(*TaskType)
    queue.cancel(queue.request().id)
    assert told(failed.id) == f"run {done.id} has done this"


def test_user_request_raises_the_follow_up_that_it_joins(queue: QueueDriver) -> None:
    """The follow-up was requested in the background; now a user waits for it. A background request
    that joins later lowers nothing."""
    active = queue.request()
    queue.take(SYNC)
    follow_up = queue.request()
    assert not follow_up.is_user_initiated
    joined = queue.request(user=True)
    assert joined.id == follow_up.id
    assert joined.is_user_initiated
    queue.request()
    for run_id in (active.id, follow_up.id):
        assert [task.priority for task in queue.run(run_id).tasks] == [90, 80, 70, 60, 50]


def test_retry_of_a_cancelled_follow_up_that_waits_for_nothing(queue: QueueDriver) -> None:
    """The run before it has ended: it is the latest result of its index, and starts at once."""
    queue.request()
    held = queue.take(SYNC)
    follow_up = queue.request()
    queue.cancel(follow_up.id)
    queue.complete(held, nothing_to_do=True)
    retried = queue.retry(follow_up.id)
    assert (retried.id, retried.is_follow_up) == (follow_up.id, False)
    queue.run_stages(*TaskType)
    assert queue.run(follow_up.id).state is RunState.SUCCEEDED
