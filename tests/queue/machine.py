"""A random user, random workers and a random clock, over the queue and over its model at once."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.queue.databases import OpenDatabase
from tests.queue.invariants import check_change, check_not_overtaken, check_queue
from tests.queue.model import QueueModel, Refused
from tests.queue.model_state import OFFSETS
from tests.queue.view import QueueView, view_queue
from tests.queue.writes import WRITES, commit_batch

from kodit.application.services.queue_service import QueueService
from kodit.domain.claiming import ClaimRules, QueueOrder
from kodit.domain.entities import Task
from kodit.domain.errors import LeaseLost, TaskCancelled, TransientError, UserError
from kodit.domain.retry import RetryPolicy
from kodit.domain.value_objects import Claim, QueuePriority, Source, SourceKind, TaskType
from kodit.infrastructure.memory import ManualClock, MemoryWorkerRegistry
from kodit.infrastructure.wake_up import WakeUps

T = TypeVar("T")

MAX_FAILURES = 3
LEASE = timedelta(seconds=60)
INDEXES = 2
WORKERS = 3
RETRIED = ("failed", "cancelled", "superseded")


class QueueMachine(RuleBasedStateMachine):
    """Each rule calls the queue and the model; after each, both must have the same view and keep
    every invariant."""

    def __init__(self, open_database: OpenDatabase) -> None:
        super().__init__()
        self._stack = ExitStack()
        folder = self._stack.enter_context(tempfile.TemporaryDirectory())
        self.database = self._stack.enter_context(open_database(Path(folder)))
        self._loop = self._stack.enter_context(asyncio.Runner())
        self.clock = ManualClock()
        self.registry = MemoryWorkerRegistry()
        self.workers = [self.registry.enter() for _ in range(WORKERS)]
        self.dead: set[str] = set()
        self.index_ids: list[int] = []
        self.accepted: list[tuple[int, int]] = []
        self._is_sound = False
        self._retried: int | None = None
        self._claimed: list[int] | None = None

    @initialize(
        limits=st.sampled_from([{}, {"SYNC": 1, "CODE_EMBEDDINGS": 1}]), run_first=st.booleans()
    )
    def open_queue(self, limits: dict[str, int], run_first: bool) -> None:
        with self.database.write() as transaction:
            for number in range(INDEXES):
                source = Source(SourceKind.FOLDER, f"/sources/{number}")
                index = transaction.indexes.add(source, self.clock.now())
                self.index_ids.append(index.id)
        self.queue = QueueService(
            database=self.database,
            clock=self.clock,
            wake_up=WakeUps(),
            retry_policy=RetryPolicy(MAX_FAILURES, 2.0, 5.0),
            lease=LEASE,
            jitter=lambda: 1.0,
            rules=ClaimRules(
                QueueOrder.RUN_FIRST if run_first else QueueOrder.PRIORITY,
                {TaskType[name]: limit for name, limit in limits.items()},
            ),
        )
        self.model = QueueModel(
            self.clock.now,
            max_failures=MAX_FAILURES,
            lease=LEASE,
            first_delay=timedelta(seconds=2),
            longest_delay=timedelta(seconds=5),
            limits=limits,
            run_first=run_first,
        )
        self._before = self._look()

    # What the user does

    @rule(base=st.sampled_from(list(QueuePriority)))
    def request_first(self, base: QueuePriority) -> None:
        self.request(0, base)

    @rule(number=st.integers(0, INDEXES - 1), base=st.sampled_from(list(QueuePriority)))
    def request(self, number: int, base: QueuePriority) -> None:
        index_id = self.index_ids[number]
        run = self._ask(self.queue.request_run(index_id, base))
        self.model.request(index_id, int(base), run.id, [task.id for task in run.tasks])
        self.accepted.append((run.id, self._claims_of_sync(run.id)))

    @rule(
        task_type=st.sampled_from([TaskType.EXTRACT, TaskType.SYNC, "UNHEARD_OF"]),
        base=st.sampled_from(list(QueuePriority)),
    )
    def queue_single_task(self, task_type: TaskType | str, base: QueuePriority) -> None:
        name = task_type.name if isinstance(task_type, TaskType) else task_type
        priority = base + OFFSETS.get(name, 0)
        task = self._ask(self.queue.enqueue_task(Task(task_type, priority, {})))
        assert task.run_id is not None
        self.model.single(name, priority, task.id, task.run_id)

    @precondition(lambda self: self.model.runs)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        run_id = data.draw(st.sampled_from(sorted(self.model.runs)))
        self._refused_alike(
            lambda: self.model.cancel(run_id), lambda: self._ask(self.queue.cancel(run_id))
        )

    @precondition(lambda self: self.model.runs)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        broken = [run.id for run in self.model.runs.values() if run.outcome in RETRIED]
        run_id = data.draw(st.sampled_from(broken or sorted(self.model.runs)))
        try:
            in_place = self.model.retries_in_place(run_id)
        except Refused:
            self._refused_alike(_refuse, lambda: self._ask(self.queue.retry(run_id)))
            return
        answer = self._ask(self.queue.retry(run_id))
        if in_place:
            assert answer.id == run_id
            self.model.retry(run_id)
            self._retried = run_id
        else:
            index_id = self.model.runs[run_id].index_id
            assert index_id is not None
            tasks = [task.id for task in answer.tasks]
            self.model.request(index_id, 50, answer.id, tasks)
            self.accepted.append((answer.id, self._claims_of_sync(answer.id)))

    @rule(number=st.integers(0, INDEXES - 1), is_meant=st.sampled_from([False, False, True]))
    def abandon(self, number: int, is_meant: bool) -> None:
        if is_meant:  # the end of everything: now and then is enough
            self._ask(self.queue.abandon(lambda _transaction: None, self.index_ids[number]))
            self.model.abandon(self.index_ids[number])

    @rule(is_pause=st.sampled_from([False, False, True]))
    def pause_or_resume(self, is_pause: bool) -> None:
        self._ask(self.queue.pause() if is_pause else self.queue.resume())
        self.model.paused = is_pause

    # What workers do

    @rule(number=st.integers(0, WORKERS - 1), count=st.sampled_from([1, 1, 1, 2, 4]))
    def claim(self, number: int, count: int) -> None:
        expected = self.model.claim(self.workers[number], count)
        tasks = self._ask(self.queue.claim_many(self.workers[number], count))
        assert [(task.id, task.claim_no) for task in tasks] == expected
        self._claimed = [task.id for task in tasks]

    @rule(number=st.integers(0, WORKERS - 1), count=st.integers(1, 6))
    def work(self, number: int, count: int) -> None:
        """A worker runs task after task, so that late stages are reached."""
        for _ in range(count):
            self.claim(number, 1)
            self.queue_and_model_agree()
            for claim in self._held()[-1:]:
                self._ask(self.queue.complete(claim))
                self.model.complete(claim.task_id)
                self.queue_and_model_agree()

    @precondition(lambda self: self._held())
    @rule(data=st.data(), takes_next=st.booleans())
    def complete(self, data: st.DataObject, takes_next: bool) -> None:
        task = self._draw_held(data)
        self.model.complete(task.task_id)
        if not takes_next:
            self._ask(self.queue.complete(task))
            return
        expected = self.model.claim(self.workers[0])
        following = self._ask(self.queue.complete(task, next_for=self.workers[0]))
        found = [] if following is None else [(following.id, following.claim_no)]
        assert found == expected
        self._claimed = [task_id for task_id, _ in expected]

    @precondition(lambda self: len(self._held()) > 1)
    @rule()
    def complete_everything(self) -> None:
        held = self._held()
        for claim in held:
            self.model.complete(claim.task_id)
        expected = self.model.claim(self.workers[1], 2)
        tasks = self._ask(self.queue.complete_many(held, next_for=self.workers[1], count=2))
        assert [(task.id, task.claim_no) for task in tasks] == expected
        self._claimed = [task.id for task in tasks]

    @precondition(lambda self: self._held("SYNC"))
    @rule(data=st.data())
    def find_nothing_to_do(self, data: st.DataObject) -> None:
        task = self._draw_held(data, "SYNC")
        self._ask(self.queue.complete(task, nothing_to_do=True))
        self.model.complete(task.task_id, nothing_to_do=True)

    @precondition(lambda self: self._held())
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        task = self._draw_held(data)
        self._ask(self.queue.fail(task, "the source is gone"))
        self.model.fail(task.task_id)

    @precondition(lambda self: self._held())
    @rule(data=st.data(), asked_for=st.sampled_from([None, 1.0, 30.0]))
    def fail_transiently(self, data: st.DataObject, asked_for: float | None) -> None:
        task = self._draw_held(data)
        self._ask(self.queue.fail_transiently(task, TransientError("503", asked_for)))
        self.model.fail_transiently(task.task_id, asked_for)

    @precondition(lambda self: self._held())
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        task = self._draw_held(data)
        self._ask(self.queue.release(task))
        self.model.release(task.task_id)

    @rule(number=st.integers(0, WORKERS - 1))
    def release_all(self, number: int) -> None:
        worker = self.workers[number]
        mine = [task for task in self.model.all_tasks("running") if task.claims[-1][0] == worker]
        for task in mine:
            self.model.release(task.id)
        assert self._ask(self.queue.release_all(worker)) == len(mine)

    @precondition(lambda self: self._held())
    @rule(data=st.data())
    def heartbeat(self, data: st.DataObject) -> None:
        task = self._draw_held(data)
        assert self._ask(self.queue.heartbeat(task)) == self.model.heartbeat(task.task_id)

    @precondition(lambda self: self._held())
    @rule(data=st.data())
    def commit_batch(self, data: st.DataObject) -> None:
        claim = self._draw_held(data)
        index_id = self.model.run_of(self.model.task(claim.task_id)).index_id
        path = f"{claim.task_id}/{self.model.task(claim.task_id).batches}"
        asked_to_stop = self.model.commit_batch(claim.task_id, index_id, path)
        try:
            self._ask(commit_batch(self.database, claim, index_id, path))
        except TaskCancelled:
            assert asked_to_stop
        else:
            assert not asked_to_stop

    @precondition(lambda self: self._asked_to_stop())
    @rule(data=st.data())
    def stop(self, data: st.DataObject) -> None:
        claim = data.draw(st.sampled_from(self._asked_to_stop()))
        self._ask(self.queue.acknowledge_cancel(claim))
        self.model.stop(claim.task_id)

    # What goes wrong

    @rule(seconds=st.sampled_from([0.5, 3.0, 31.0, 61.0, -20.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(number=st.integers(0, WORKERS - 1))
    def worker_dies(self, number: int) -> None:
        self.registry.kill(self.workers[number])
        self.dead.add(self.workers[number])
        self.workers[number] = self.registry.enter()

    @rule()
    def reclaim(self) -> None:
        lost = self.model.lost_tasks(self.dead)
        for task in lost:
            self.model.lose(task.id)
        found = self._ask(self.queue.reclaim(self.registry))
        assert [task.id for task, _why in found] == [task.id for task in lost]

    @precondition(lambda self: self._held())
    @rule(data=st.data(), write=st.sampled_from([*WRITES, "commit"]), is_dead=st.booleans())
    def successor_meets_zombie(self, data: st.DataObject, write: str, is_dead: bool) -> None:
        """A worker is taken for dead, its task is given to another, and then it comes back."""
        zombie = self._draw_held(data)
        worker = self.model.task(zombie.task_id).claims[-1][0]
        if is_dead and worker in self.workers:
            self.worker_dies(self.workers.index(worker))
        else:
            lease = self.model.task(zombie.task_id).lease
            assert lease is not None
            # The clock may have gone back since.
            self.clock.set(max(self.clock.now(), lease) + timedelta(seconds=1))
        self.reclaim()
        self.queue_and_model_agree()
        self.claim(0, 4)
        self.queue_and_model_agree()
        self._refuse_zombie(zombie, write)

    @precondition(lambda self: self.model.stale_claims())
    @rule(data=st.data(), write=st.sampled_from([*WRITES, "commit", "with others"]))
    def zombie_comes_back(self, data: st.DataObject, write: str) -> None:
        claims = [Claim(*claim) for claim in self.model.stale_claims()]
        self._refuse_zombie(data.draw(st.sampled_from(claims)), write)

    def _refuse_zombie(self, claim: Claim, write: str) -> None:
        action: Coroutine[Any, Any, object]
        if write == "commit":
            action = commit_batch(self.database, claim, self.index_ids[0], "from the grave")
        elif write == "with others":
            action = self.queue.complete_many([*self._held(), claim])
        else:
            action = WRITES[write](self.queue, claim)
        try:
            self._ask(action)
        except LeaseLost:
            assert self._look() == self._before
        else:
            raise AssertionError(f"{write} was allowed with the stale {claim}")

    # What must hold

    @invariant()
    def queue_and_model_agree(self) -> None:
        after = self._look()
        assert after == self.model.view(self.index_ids)
        check_queue(after, self.model.limits)
        check_change(self._before, after, retried=self._retried)
        if self._claimed is not None:
            check_not_overtaken(after, self._claimed, self.clock.now(), self.model.limits)
        self._before, self._retried, self._claimed = after, None, None
        self._is_sound = True

    def teardown(self) -> None:
        try:
            if self._is_sound:
                self._work_off_everything()
        finally:
            self._stack.close()

    def _work_off_everything(self) -> None:
        """From any state of the queue, plain work must bring every run to its end."""
        self.pause_or_resume(False)
        for worker in self.workers:
            self.release_all(self.workers.index(worker))
        self.clock.advance(3600)
        self.reclaim()
        while self.model.all_tasks("ready"):
            self.claim(0, 4)
            self.queue_and_model_agree()
            for claim in self._held():
                self._ask(self.queue.complete(claim))
                self.model.complete(claim.task_id)
            self.queue_and_model_agree()
        for run in self._look().runs.values():
            assert run.state in ("succeeded", "failed", "cancelled", "superseded")
        for run_id, claims in self.accepted:
            run = self._before.runs[run_id]
            # Met by a look at the source that began after the request, or ended by the user.
            assert run.tasks[0].claim_no > claims or run.cancel_requested

    # How it is asked

    def _ask(self, question: Coroutine[Any, Any, T]) -> T:
        self._is_sound = False
        return self._loop.run(question)

    def _look(self) -> QueueView:
        return view_queue(self.database, self.index_ids)

    def _refused_alike(self, model: Callable[[], None], queue: Callable[[], object]) -> None:
        try:
            model()
        except Refused:
            try:
                queue()
            except UserError:
                return
            raise AssertionError("the queue did what the model refuses") from None
        queue()

    def _held(self, task_type: str | None = None) -> list[Claim]:
        return [Claim(*claim) for claim in self.model.held_claims(task_type)]

    def _draw_held(self, data: st.DataObject, task_type: str | None = None) -> Claim:
        return data.draw(st.sampled_from(self._held(task_type)))

    def _asked_to_stop(self) -> list[Claim]:
        return [c for c in self._held() if self.model.task(c.task_id).asked_to_stop]

    def _claims_of_sync(self, run_id: int) -> int:
        return len(self.model.runs[run_id].tasks[0].claims)


def _refuse() -> None:
    raise Refused
