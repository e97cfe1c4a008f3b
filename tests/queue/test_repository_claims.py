"""What the TaskRepository port promises of claims, leases and attempts, for every database."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from tests.queue.requests import (
    LEASE,
    NOW,
    RULES,
    add_run,
    add_single,
    after,
    claim,
    claim_one,
    complete,
    put_back,
    read_run,
    read_task,
)

from kodit.domain.claiming import ClaimRules, QueueOrder
from kodit.domain.entities import IndexRun, Task
from kodit.domain.ports.database import Database
from kodit.domain.retry import LONGEST_WAIT
from kodit.domain.value_objects import (
    AttemptOutcome,
    Claim,
    QueuePriority,
    RunState,
    Source,
    SourceKind,
    TaskProgress,
    TaskState,
    TaskType,
)

RUN_FIRST = ClaimRules(QueueOrder.RUN_FIRST)
BACKGROUND, USER = QueuePriority


def test_claim_order(database: Database) -> None:
    """By priority; of equal ones the user's first, then the older, then the lower identifier."""
    low = add_single(database, TaskType.SYNC, 49)
    late = add_single(database, TaskType.SYNC, 50, after(1), n=1)
    early = add_single(database, TaskType.SYNC, 50, NOW, n=2)
    later_twin = add_single(database, TaskType.SYNC, 50, NOW, n=3)
    users = add_single(database, TaskType.ENRICH, 50, after(2))
    high = add_single(database, TaskType.EXTRACT, 51, after(3))
    expected = [task.id for task in (high, users, early, later_twin, late, low)]
    with database.read() as transaction:
        waiting = transaction.tasks.waiting_tasks(QueueOrder.PRIORITY)
        assert [task.id for task in waiting] == expected
        some = transaction.tasks.waiting_tasks(QueueOrder.PRIORITY, limit=2)
        assert [task.id for task in some] == expected[:2]
    assert [claim_one(database, after(9)).task_id for _ in expected] == expected
    assert claim(database, now=after(9)) == []


def add_folder(database: Database, host: str, base: QueuePriority = BACKGROUND) -> list[Task]:
    """The tasks of a run of a folder on a host; empty for one that is on every host."""
    with database.write() as transaction:
        source = Source(SourceKind.FOLDER, f"/{host or 'shared'}", host=host)
        index = transaction.indexes.add(source, NOW)
        return transaction.tasks.add_run(IndexRun.create(index.id, base, NOW)).tasks


def test_a_folder_is_read_on_its_host(database: Database) -> None:
    """What reads the source waits for a worker there; the stages after that run anywhere, and what
    waits holds nothing else up."""
    here, there = (replace(RULES, host=host) for host in ("here", "there"))
    tasks = add_folder(database, "there", USER)
    for expected in tasks[:2]:
        with database.read() as transaction:
            assert not transaction.tasks.has_claimable(NOW, here)
            assert transaction.tasks.has_claimable(NOW, there)
        assert claim(database, 5, rules=here) == []
        shared = add_folder(database, "")[0] if expected is tasks[0] else None
        with database.read() as transaction:
            assert transaction.tasks.has_claimable(NOW, here) == (shared is not None)
        if shared is not None:
            assert [one.id for one in claim(database, 5, rules=here)] == [shared.id]
        [held] = claim(database, 5, rules=there)
        assert held.id == expected.id
        complete(database, held)
    later = claim(database, 5, rules=here)
    assert {task.type for task in later} == {TaskType.BM25_INDEX, TaskType.CODE_EMBEDDINGS}


def test_what_a_machine_declines_is_left_to_others(database: Database) -> None:
    """Whatever reads that source; its other stages are done."""
    here = replace(RULES, host="here")
    sync = add_folder(database, "", USER)[0]
    other = add_folder(database, "here")[0]
    assert sync.index_id is not None
    declining = replace(here, declined=frozenset([sync.index_id]))
    assert [one.id for one in claim(database, 5, rules=declining)] == [other.id]
    with database.read() as transaction:
        assert not transaction.tasks.has_claimable(NOW, declining)
        assert transaction.tasks.has_claimable(NOW, here)
    for expected in (TaskType.SYNC, TaskType.EXTRACT):
        [held] = claim(database, 1, rules=here)
        assert held.type is expected
        complete(database, held)
    types = {one.type for one in claim(database, 5, rules=declining)}
    assert types == {TaskType.BM25_INDEX, TaskType.CODE_EMBEDDINGS}


def test_one_machine_alone_reads_every_folder(database: Database) -> None:
    [sync, *_rest] = add_folder(database, "elsewhere")
    assert [one.id for one in claim(database, 5)] == [sync.id]


def test_batch_comes_in_the_order_of_claims(database: Database) -> None:
    """Also where only the class of a task, its age or its number decides."""
    background = [add_single(database, TaskType.SYNC, 50, NOW, n=n) for n in range(3)]
    older = add_single(database, TaskType.SYNC, 50, after(-1))
    user = add_single(database, TaskType.ENRICH, 50, after(1))
    expected = [task.id for task in (user, older, *background)]
    assert [task.id for task in claim(database, 5, now=after(9))] == expected


def test_claim_order_run_first(database: Database) -> None:
    """The user's tasks first; of a class, tasks of started runs first; then by priority."""
    started = [add_single(database, TaskType.ENRICH, priority) for priority in (10, 20)]
    for held in claim(database, 2):
        put_back(database, held, NOW)
    fresh = add_single(database, TaskType.SYNC, 49)
    users = add_single(database, TaskType.ENRICH, 50)
    users_high = add_single(database, TaskType.SYNC, 90)
    expected = [task.id for task in (users_high, users, started[1], started[0], fresh)]
    with database.read() as transaction:
        waiting = transaction.tasks.waiting_tasks(QueueOrder.RUN_FIRST)
        assert [task.id for task in waiting] == expected
    claimed = claim(database, 5, rules=RUN_FIRST)
    assert [task.id for task in claimed] == expected


def test_claim_marks_task_run_and_attempt(database: Database) -> None:
    """A claim raises the fencing token, sets the lease, opens an attempt and starts the run."""
    run = add_run(database)
    [task] = claim(database, now=after(5))
    assert (task.id, task.state, task.claim_no) == (run.tasks[0].id, TaskState.RUNNING, 1)
    assert (task.worker, task.started_at) == ("ada", after(5))
    assert task.lease_expires_at == after(5) + LEASE
    assert task == read_task(database, task.id)
    stored = read_run(database, run.id)
    assert (stored.state, stored.started_at) == (RunState.RUNNING, after(5))
    with database.read() as transaction:
        [attempt] = transaction.tasks.attempts(task.id)
    assert (attempt.task_id, attempt.claim_no, attempt.worker) == (task.id, 1, "ada")
    assert (attempt.started_at, attempt.finished_at) == (after(5), None)
    assert (attempt.outcome, attempt.error) == (None, None)


def test_claim_again_raises_the_token(database: Database) -> None:
    """Each claim has the next number; the run keeps its first start, the task forgets old
    progress and keeps its work."""
    run = add_run(database)
    [first] = claim(database)
    with database.write() as transaction:
        progress = TaskProgress("SYNC", 3, 9)
        transaction.tasks.record_batch(first.claim, {"files_parsed": 3}, progress)
    assert read_task(database, first.id).progress == progress
    put_back(database, first, NOW)
    [second] = claim(database, now=after(5), worker="bob")
    assert (second.id, second.claim_no, second.worker) == (first.id, 2, "bob")
    assert (second.progress, second.work) == (None, {"files_parsed": 3})
    assert read_run(database, run.id).started_at == NOW
    with database.read() as transaction:
        numbers = [attempt.claim_no for attempt in transaction.tasks.attempts(first.id)]
    assert numbers == [1, 2]


def test_run_that_is_tried_again_keeps_its_first_start(database: Database) -> None:
    """Also when all of it had ended: how long it took counts from there."""
    run = add_run(database)
    [held] = claim(database)
    with database.write() as transaction:
        [running] = transaction.tasks.lock_runs_of([held.id])
        running.fail(running.held(held.claim), "gone", after(1))
        transaction.tasks.save_runs([running])
        again = transaction.tasks.lock_run(run.id)
        again.retry()
        transaction.tasks.save_runs([again])
    assert read_run(database, run.id).state is RunState.QUEUED
    [held] = claim(database, now=after(5))
    stored = read_run(database, run.id)
    assert (stored.state, stored.started_at) == (RunState.RUNNING, NOW)
    assert read_task(database, held.id).started_at == after(5)


def test_only_ready_tasks_whose_time_has_come_are_claimed(database: Database) -> None:
    """A task in back-off is skipped until it is over, to the microsecond."""
    task = add_single(database)
    put_back(database, claim(database)[0], after(2))
    add_single(database, n=2)
    put_back(database, claim(database)[0], after(9))
    with database.read() as transaction:
        assert not transaction.tasks.has_claimable(after(1.999999), RULES)
        assert transaction.tasks.has_claimable(after(2), RULES)
        assert transaction.tasks.next_available_at(NOW) == after(2)
        assert transaction.tasks.next_available_at(after(2)) == after(9)
        assert transaction.tasks.next_available_at(after(9)) is None
    assert claim(database, now=after(1.999999)) == []
    other = add_single(database, TaskType.SYNC, 1, n=1)
    assert [held.id for held in claim(database, now=after(1))] == [other.id]
    assert [held.id for held in claim(database, now=after(2))] == [task.id]


def test_what_waits_for_nothing_is_claimed_whatever_the_clock_says(database: Database) -> None:
    """A clock that was set back must not stop the queue."""
    task = add_single(database)
    assert [held.id for held in claim(database, now=NOW - timedelta(days=900))] == [task.id]


def test_no_wait_is_longer_than_the_longest(database: Database) -> None:
    """Tasks further ahead were delayed before the clock was set back."""
    task = add_single(database)
    put_back(database, claim(database)[0], NOW + LONGEST_WAIT)
    early = NOW - timedelta(seconds=1)
    with database.read() as transaction:
        assert not transaction.tasks.has_claimable(NOW, RULES)
        assert transaction.tasks.next_available_at(NOW) == NOW + LONGEST_WAIT
        assert transaction.tasks.has_claimable(early, RULES)
        assert transaction.tasks.next_available_at(early) is None
    assert [held.id for held in claim(database, now=early)] == [task.id]


def test_blocked_stages_are_not_claimed(database: Database) -> None:
    """Of a new run only SYNC can be claimed; of a follow-up nothing."""
    run = add_run(database, 1)
    add_run(database, 1, is_follow_up=True)
    assert [task.id for task in claim(database, 9)] == [run.tasks[0].id]
    with database.read() as transaction:
        assert not transaction.tasks.has_claimable(NOW, RULES)
        assert transaction.tasks.next_available_at(after(-1)) is None


def test_claim_several(database: Database) -> None:
    """At most as many as asked for, each with its own attempt, in claim order."""
    tasks = [add_single(database, TaskType.SYNC, 10 + n, n=n) for n in range(4)]
    claimed = claim(database, 3)
    assert [task.id for task in claimed] == [task.id for task in reversed(tasks[1:])]
    with database.read() as transaction:
        assert [len(transaction.tasks.attempts(task.id)) for task in tasks] == [0, 1, 1, 1]
    assert [task.id for task in claim(database, 3)] == [tasks[0].id]


def test_limits(database: Database) -> None:
    """A task of a full type is skipped, and the order of the others stays; tasks of the same call
    are counted."""
    syncs = [add_single(database, TaskType.SYNC, 40 - n, n=n) for n in range(3)]
    extract = add_single(database, TaskType.EXTRACT, 5)
    unknown = add_single(database, "TRANSLATE", 4)
    rules = ClaimRules(limits={TaskType.SYNC: 2, TaskType.EXTRACT: 1})
    expected = [syncs[0].id, syncs[1].id, extract.id, unknown.id]
    assert [task.id for task in claim(database, rules=rules)] == expected[:1]
    assert [task.id for task in claim(database, 9, rules=rules)] == expected[1:]
    with database.read() as transaction:
        assert not transaction.tasks.has_claimable(NOW, rules)
        assert transaction.tasks.has_claimable(NOW, RULES)
    assert claim(database, rules=rules) == []


def test_place_is_free_when_its_task_no_longer_runs(database: Database) -> None:
    """Slots are counted from running tasks, so that a slot is free however its task ends."""
    rules = ClaimRules(limits={TaskType.SYNC: 1})
    first, second = (add_single(database, n=n) for n in range(2))
    [held] = claim(database, rules=rules)
    assert (held.id, claim(database, rules=rules)) == (first.id, [])
    put_back(database, held, after(60))
    assert [task.id for task in claim(database, rules=rules)] == [second.id]


def test_nothing_is_claimed_while_paused(database: Database) -> None:
    """Pausing twice keeps the first moment; resuming lets everything be claimed again."""
    add_run(database)
    with database.write() as transaction:
        assert transaction.tasks.paused_since() is None
        transaction.tasks.set_paused(after(1))
        transaction.tasks.set_paused(after(2))
    with database.read() as transaction:
        assert transaction.tasks.paused_since() == after(1)
        assert not transaction.tasks.has_claimable(after(3), RULES)
    assert claim(database, now=after(3)) == []
    with database.write() as transaction:
        transaction.tasks.set_paused(None)
        transaction.tasks.set_paused(None)
    assert len(claim(database, now=after(3))) == 1


def test_no_claim_is_given_twice(database: Database) -> None:
    """Workers that claim at the same time get each task exactly once."""
    tasks = [add_single(database, n=n) for n in range(40)]

    def work(number: int) -> list[int]:
        mine = []
        while found := claim(database, 1 + number % 3, worker=f"worker-{number}"):
            mine += [task.id for task in found]
        return mine

    with ThreadPoolExecutor(4) as pool:
        claimed = Counter(task_id for found in pool.map(work, range(4)) for task_id in found)
    assert claimed == dict.fromkeys((task.id for task in tasks), 1)


def test_limits_hold_among_concurrent_workers(database: Database) -> None:
    """However many claim at once, no more run than the limit allows."""
    for number in range(20):
        add_single(database, n=number)
    rules = ClaimRules(limits={TaskType.SYNC: 3})
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: claim(database, 2, rules=rules), range(8)))
    assert sum(map(len, found)) == 3


def test_close_attempts_of_one_claim_only(database: Database) -> None:
    """Several are closed at once; another claim's attempt of such a task stays open."""
    first, second = add_single(database, n=1), add_single(database, n=2)
    claims = claim(database, count=2)
    put_back(database, claims[0], NOW)
    again = claim_one(database)
    with database.write() as transaction:
        transaction.tasks.close_attempts(
            [task.claim for task in claims], after(1), AttemptOutcome.SUCCEEDED, None
        )
    with database.read() as transaction:
        of_first = transaction.tasks.attempts(first.id)
        of_second = transaction.tasks.attempts(second.id)
    assert again == Claim(first.id, 2)
    assert [attempt.outcome for attempt in of_first] == [AttemptOutcome.SUCCEEDED, None]
    assert [attempt.outcome for attempt in of_second] == [AttemptOutcome.SUCCEEDED]


def test_close_attempts(database: Database) -> None:
    """The end of a claim is written once; other claims and later errors change nothing."""
    add_single(database)
    [held] = claim(database)
    with database.write() as transaction:
        transaction.tasks.close_attempts([held.claim], after(1), AttemptOutcome.RETRIED, "503")
        transaction.tasks.close_attempts([held.claim], after(2), AttemptOutcome.FAILED, "late")
        transaction.tasks.close_attempts([], after(2), AttemptOutcome.FAILED, None)
        transaction.tasks.close_attempts([Claim(4711, 1)], NOW, AttemptOutcome.LOST, None)
    put_back(database, held, NOW)
    claim_one(database)
    with database.read() as transaction:
        first, second = transaction.tasks.attempts(held.id)
    assert (first.outcome, first.error) == (AttemptOutcome.RETRIED, "503")
    assert (first.finished_at, second.finished_at, second.outcome) == (after(1), None, None)


def test_running_tasks(database: Database) -> None:
    """All, or those of a worker, by identifier."""
    for number in range(2):
        add_single(database, n=number)
    first = claim_one(database)
    second = claim_one(database, after(5), worker="bob")
    add_single(database, n=2)
    with database.read() as transaction:
        tasks = transaction.tasks
        assert [task.claim for task in tasks.running_tasks()] == [first, second]
        assert [task.claim for task in tasks.running_tasks(worker="bob")] == [second]
        assert tasks.running_tasks(worker="carl") == []
