"""A worker that has lost its claim changes nothing: no state, no data."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.queue.driver import LEASE, QueueDriver
from tests.queue.writes import WRITES

from kodit.application.services.stage import Stage
from kodit.domain.entities import ProgressTracker, Task
from kodit.domain.errors import LeaseLost, TransientError
from kodit.domain.ports.database import Transaction
from kodit.domain.value_objects import Claim, TaskOperation, TaskType
from kodit.infrastructure.memory import MemoryWorkerRegistry

SYNC, EXTRACT, BM25_INDEX, CODE_EMBEDDINGS, ENRICH = TaskType

Attempt = Callable[[QueueDriver, Claim], object]


@pytest.fixture(params=[*WRITES, "commit"])
def write(request: pytest.FixtureRequest) -> Attempt:
    """One of the writes that a worker may try."""
    name = request.param
    if name == "commit":
        return lambda queue, claim: queue.commit(claim, "from the grave")
    return lambda queue, claim: queue.ask(WRITES[name](queue.service, claim))


def refused(queue: QueueDriver, write: Attempt, claim: Claim) -> bool:
    """Whether the write raised LeaseLost and changed nothing at all."""
    before = queue.view(), queue.task(claim)
    with pytest.raises(LeaseLost):
        write(queue, claim)
    return (queue.view(), queue.task(claim)) == before


def test_lease_ran_out_and_another_worker_has_the_task(queue: QueueDriver, write: Attempt) -> None:
    """Stopped for longer than its lease, a worker finds its task held by another."""
    queue.request()
    zombie = queue.take(SYNC)
    queue.clock.advance(LEASE.total_seconds() + 1)
    assert queue.reclaim() == [(zombie.task_id, "its lease expired")]
    successor = queue.take(SYNC, queue.bob)
    assert successor == Claim(zombie.task_id, zombie.claim_no + 1)
    assert refused(queue, write, zombie)
    queue.commit(successor, "by its rightful owner")
    queue.complete(successor)


def test_task_was_taken_back_and_waits(queue: QueueDriver, write: Attempt) -> None:
    """Also before anybody else has claimed it."""
    queue.request()
    zombie = queue.take(SYNC)
    queue.lose()
    assert refused(queue, write, zombie)


def test_task_was_done_by_another_worker(queue: QueueDriver, write: Attempt) -> None:
    """Also after it has succeeded, and its run has gone on."""
    queue.request()
    zombie = queue.take(SYNC)
    queue.lose()
    queue.run_stages(SYNC)
    queue.take(EXTRACT)
    assert refused(queue, write, zombie)


def test_claim_that_has_ended(queue: QueueDriver, write: Attempt) -> None:
    """A worker that completes twice is refused the second time."""
    queue.request()
    held = queue.take(SYNC)
    queue.complete(held)
    assert refused(queue, write, held)


def test_run_was_cancelled_and_retried(queue: QueueDriver, write: Attempt) -> None:
    """A retry does not restart the numbers: the earlier claim stays void."""
    run = queue.request()
    zombie = queue.take(SYNC)
    queue.cancel(run.id)
    queue.lose()
    queue.retry(run.id)
    assert refused(queue, write, zombie)
    successor = queue.take(SYNC, queue.bob)
    assert successor.claim_no == zombie.claim_no + 1
    assert refused(queue, write, zombie)


def test_run_failed_and_was_retried(queue: QueueDriver, write: Attempt) -> None:
    """Nor does the retry of a failed stage."""
    run = queue.request()
    failed = queue.take(SYNC)
    queue.fail(failed)
    queue.retry(run.id)
    successor = queue.take(SYNC)
    assert successor.claim_no == failed.claim_no + 1
    assert refused(queue, write, failed)


def test_released_task_is_not_the_workers_any_more(queue: QueueDriver, write: Attempt) -> None:
    """A release does not reuse the number either."""
    queue.request()
    released = queue.take(SYNC)
    queue.ask(queue.service.release(released))
    assert refused(queue, write, released)
    assert queue.take(SYNC).claim_no == released.claim_no + 1
    assert refused(queue, write, released)


def test_abandoned_run(queue: QueueDriver, write: Attempt) -> None:
    """The index was deleted while the worker ran."""
    queue.request()
    held = queue.take(SYNC)
    queue.ask(queue.service.abandon(lambda _transaction: None, queue.first))
    assert refused(queue, write, held)


def test_task_that_is_gone(queue: QueueDriver, write: Attempt) -> None:
    """So are its rows, in the end."""
    queue.request()
    held = queue.take(SYNC)
    queue.ask(queue.service.abandon(lambda _transaction: None, queue.first))
    with queue.database.write() as transaction:
        transaction.tasks.delete_runs(queue.first, 100)
    with pytest.raises(LeaseLost):
        write(queue, held)


def test_one_lost_claim_fails_the_batch(queue: QueueDriver) -> None:
    """Tasks that are completed together are all completed, or none."""
    queue.request()
    queue.run_stages(SYNC, EXTRACT)
    zombie = queue.take(BM25_INDEX)
    queue.lose()
    queue.take(BM25_INDEX)
    held = queue.take(CODE_EMBEDDINGS)
    before = queue.view()
    with pytest.raises(LeaseLost):
        queue.ask(queue.service.complete_many([held, zombie], next_for=queue.bob, count=2))
    assert queue.view() == before


def test_data_written_before_the_loss_is_noticed_is_taken_back(queue: QueueDriver) -> None:
    """A claim that is lost in the middle of a commit rolls back the whole batch."""
    queue.request()
    held = queue.take(SYNC)
    task = Task(SYNC, 0, {}, id=held.task_id, claim_no=held.claim_no)
    step = ProgressTracker(TaskOperation.REFRESH_WORKING_COPY)

    def write(transaction: Transaction) -> tuple[None, dict[str, int]]:
        transaction.indexes.mark_deleted(queue.first, queue.clock.now())
        [run] = transaction.tasks.lock_runs_of([held.task_id])
        run.try_again(run.held(held), None, queue.clock.now(), queue.clock.now())
        transaction.tasks.save_runs([run])
        return None, {}

    with pytest.raises(LeaseLost):
        queue.ask(Stage(queue.database, task, step).commit(write, step))
    with queue.database.read() as transaction:
        assert transaction.indexes.get(queue.first).id == queue.first
    assert queue.task(held).state == "running"


def test_lease_that_ran_out_unnoticed_can_be_renewed(queue: QueueDriver) -> None:
    """As long as the task was not reclaimed, the claim holds it."""
    queue.request()
    held = queue.take(SYNC)
    queue.clock.advance(LEASE.total_seconds() + 1)
    assert not queue.ask(queue.service.heartbeat(held))
    assert queue.reclaim() == []
    queue.complete(held)


def test_worker_that_comes_back_in_time_keeps_its_task(queue: QueueDriver) -> None:
    """A heartbeat between the check of leases and the reclaim is respected."""
    queue.request()
    held = queue.take(SYNC)
    queue.clock.advance(LEASE.total_seconds() + 1)

    class SlowRegistry(MemoryWorkerRegistry):
        """Takes so long to look that the worker comes back meanwhile."""

        def is_dead(self, worker: str) -> bool:
            with queue.database.write() as transaction:
                transaction.tasks.renew(held, queue.clock.now() + LEASE, None)
            return queue.registry.is_dead(worker)

    assert queue.ask(queue.service.reclaim(SlowRegistry())) == []
    queue.complete(held)


def test_dead_worker_is_noticed_before_its_lease_ends(queue: QueueDriver) -> None:
    """A dead worker's lease is not waited for; living workers keep theirs."""
    queue.request(queue.first)
    queue.request(queue.second)
    lost = queue.take(SYNC)
    kept = queue.take(SYNC, queue.bob)
    queue.registry.kill(queue.ada)
    assert queue.reclaim() == [(lost.task_id, "its worker died")]
    assert queue.reclaim() == []
    assert queue.outcomes(lost) == ["lost"]
    queue.complete(kept)


def test_worker_gives_back_all_it_holds(queue: QueueDriver) -> None:
    """And nothing of what others hold."""
    queue.request(queue.first)
    queue.request(queue.second)
    mine, others = queue.take(SYNC), queue.take(SYNC, queue.bob)
    assert queue.ask(queue.service.release_all(queue.ada)) == 1
    assert queue.ask(queue.service.release_all(queue.ada)) == 0
    assert (queue.outcomes(mine), queue.outcomes(others)) == (["released"], [None])


def test_transient_error_of_a_zombie_does_not_delay_its_successor(queue: QueueDriver) -> None:
    """The back-off of a task is set by its holder alone."""
    queue.request()
    zombie = queue.take(SYNC)
    queue.lose()
    with pytest.raises(LeaseLost):
        queue.ask(queue.service.fail_transiently(zombie, TransientError("503", 3600.0)))
    queue.take(SYNC, queue.bob)


def test_lease_holds_until_it_has_run_out(queue: QueueDriver) -> None:
    """At its last moment nobody may take the task; a moment later everybody may."""
    queue.request()
    held = queue.take(SYNC)
    queue.clock.advance(LEASE.total_seconds())
    assert queue.reclaim() == []
    queue.clock.advance(0.000001)
    assert queue.reclaim() == [(held.task_id, "its lease expired")]


def test_what_a_worker_holds_itself_is_left_to_it(queue: QueueDriver) -> None:
    """However long its lease has expired; and nothing is taken from living workers while the clock
    cannot be trusted."""
    queue.request()
    held = queue.take(TaskType.SYNC)
    queue.clock.advance(LEASE.total_seconds() + 1)
    reclaim = queue.service.reclaim
    assert queue.ask(reclaim(queue.registry, queue.ada)) == []
    assert queue.ask(reclaim(queue.registry, queue.bob, by_lease=False)) == []
    [(task, why)] = queue.ask(reclaim(queue.registry, queue.bob))
    assert (task.id, why) == (held.task_id, "its lease expired")


def test_tasks_that_were_not_reclaimed_are_not_reported(queue: QueueDriver) -> None:
    """Why a task was reclaimed, and only for reclaimed ones: one was renewed at the last moment."""
    queue.request(queue.first)
    queue.request(queue.second)
    renewed, lost = queue.take(TaskType.SYNC), queue.take(TaskType.SYNC, queue.bob)
    queue.registry.kill(queue.bob)
    queue.clock.advance(LEASE.total_seconds() + 1)
    seen = queue.task(renewed)
    queue.ask(queue.service.heartbeat(renewed))
    assert not queue.ask(queue.service._reclaim(seen, "its lease expired"))
    assert queue.reclaim() == [(lost.task_id, "its worker died")]
