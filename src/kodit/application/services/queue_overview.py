"""The queue as an operator sees it: why each task is in its state, and what happens next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from kodit.domain.claiming import ClaimRules
from kodit.domain.entities import IndexRun, Task
from kodit.domain.run import SEARCH_NODE_AWAITED
from kodit.domain.task import PREDECESSORS
from kodit.domain.value_objects import RunState, TaskState, TaskType

# Imported where used, so that a command loads only what it needs.
if TYPE_CHECKING:
    from kodit.domain.ports.database import Transaction
    from kodit.domain.ports.tasks import TaskRepository
    from kodit.domain.ports.workers import WorkerRegistry

MOST_WAITING = 1000
"""How many waiting tasks are counted; places beyond that are shown as "1000 tasks or more"."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a task is in its state, in a sentence. `code` and `fields` tell a face what to advise, if
    there is something to do."""

    text: str
    code: str | None = None
    fields: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class QueueOverview:
    """What determines the next claim, at one moment.

    `workers` are the living ones, `running` counts running tasks by type, `waiting` holds the
    identifiers of ready tasks in the order in which they will be claimed, and `held_back` those of
    them that wait for more than their turn. `rules` are those of the workers; if these differ
    (`rules_differ`), or nobody works, the caller's. `successors` maps the identifiers of superseded
    runs to the runs that replaced them. `unserved` maps the identifiers of indexes to the host that
    has their folder, if no worker is running there.
    """

    now: datetime
    rules: ClaimRules
    paused_since: datetime | None
    workers: Sequence[str]
    running: Mapping[TaskType | str, int]
    waiting: Sequence[int]
    held_back: Collection[int] = ()
    rules_differ: bool = False
    successors: Mapping[int, IndexRun] = field(default_factory=dict)
    unserved: Mapping[int, str] = field(default_factory=dict)
    places: Mapping[int, int] = field(init=False)

    def __post_init__(self) -> None:
        in_line = (task_id for task_id in self.waiting if task_id not in self.held_back)
        places = {task_id: place for place, task_id in enumerate(in_line)}
        object.__setattr__(self, "places", places)

    def why(self, task: Task, run: IndexRun) -> Reason:
        """Why the task is in its state and what happens next; empty for one that has succeeded."""
        reasons: Mapping[TaskState, Callable[[Task, IndexRun], Reason]] = {
            TaskState.BLOCKED: lambda task, run: Reason(self._why_blocked(task, run)),
            TaskState.READY: self._why_ready,
            TaskState.RUNNING: self._why_running,
            TaskState.FAILED: self._why_failed,
            TaskState.SKIPPED: lambda _task, _run: Reason("there was nothing to do"),
            TaskState.CANCELLED: lambda _task, run: Reason(
                "it was cancelled", "run_cancelled", {"run": run.id}
            ),
        }
        reason = reasons.get(task.state)
        return Reason("") if reason is None else reason(task, run)

    def _why_blocked(self, task: Task, run: IndexRun) -> str:
        if run.is_follow_up:
            return f"waits for the current run of index {run.index_id}"
        before = PREDECESSORS[task.type] if isinstance(task.type, TaskType) else ()
        unfinished = [
            other.type_name
            for other in run.tasks
            if other.type in before and other.state is not TaskState.SUCCEEDED
        ]
        if failed := self._failed_before(task, run):
            return f"will not run because {failed} failed"
        stages = " and ".join(unfinished)
        if run.state.is_terminal:
            return f"did not start because {stages} did not succeed"
        return f"waits for {stages}"

    def _failed_before(self, task: Task, run: IndexRun) -> str:
        """The failed stage that keeps a task of an active run from ever starting."""
        before = PREDECESSORS[task.type] if isinstance(task.type, TaskType) else ()
        for other in run.tasks:
            if other.type in before and not run.state.is_terminal:
                if other.state is TaskState.FAILED:
                    return other.type_name
                if failed := self._failed_before(other, run):
                    return failed
        return ""

    def _why_ready(self, task: Task, _run: IndexRun) -> Reason:
        failed = f"; failed {_times(task.failures)}" if task.failures else ""
        if self.paused_since is not None:
            return Reason(f"the queue is paused{failed}", "queue_paused")
        if task.available_at is not None and not task.is_due(self.now):
            return self._why_backed_off(task, task.available_at, failed)
        if (host := unserved_host(task, self.unserved, self.rules)) is not None:
            return Reason(f"{waits_for_host(host)}{failed}", "no_worker_on_host")
        if not self.workers:
            return Reason(f"no worker is running{failed}", "no_worker")
        limit = self.rules.limits.get(task.type) if isinstance(task.type, TaskType) else None
        if limit is not None and self.running.get(task.type, 0) >= limit:
            return Reason(f"the limit for {task.type_name} is reached: {limit}{failed}")
        return Reason(self._turn(task) + failed)

    def _why_backed_off(self, task: Task, available_at: datetime, failed: str) -> Reason:
        if task.error_about is not None and task.error_about.code == SEARCH_NODE_AWAITED:
            return Reason(task.error or "", SEARCH_NODE_AWAITED)
        when = f"retried in {_duration(available_at, self.now)}"
        if self.workers:
            return Reason(f"{when}{failed}")
        return Reason(f"{when} if a worker is running{failed}", "no_worker")

    def _turn(self, task: Task) -> str:
        place = self.places.get(task.id)
        if place is None:
            if len(self.waiting) < MOST_WAITING:
                return "just claimed"  # the task was read a moment before the queue
            return f"waits behind {MOST_WAITING} tasks or more"
        running = sum(self.running.values())
        busy = f"; {running} running" if running else ""
        return ("next in line" if place == 0 else f"waits behind {_tasks(place)}") + busy

    def _why_running(self, task: Task, _run: IndexRun) -> Reason:
        since = "" if task.started_at is None else f"{_duration(self.now, task.started_at)}, "
        if task.worker not in self.workers:
            then = "stops it" if task.cancel_requested else "reclaims it"
            died = f"{since}its worker has died"
            if self.workers:
                return Reason(f"{died}; the next one {then}")
            return Reason(f"{died}; any worker {then}", "no_worker")
        if task.lease_expires_at is not None and task.lease_expires_at < self.now:
            return Reason(f"{since}its lease has expired; another worker reclaims it")
        stopping = "; asked to stop, and stops at its next heartbeat" * task.cancel_requested
        return Reason(f"{since}attempt {task.claim_no}, by {task.worker}{stopping}")

    def _why_failed(self, _task: Task, run: IndexRun) -> Reason:
        if run.state is RunState.SUPERSEDED:
            return self._why_superseded(run)
        if not run.state.is_terminal:
            return Reason("later stages will not run")
        return Reason("not retried", "run_failed", {"run": run.id})

    def _why_superseded(self, run: IndexRun) -> Reason:
        newer = self.successors.get(run.id)
        if newer is None:
            return Reason("a newer run took its place")
        if newer.state is RunState.SUCCEEDED:
            return Reason(f"run {newer.id} has done this")
        if not newer.state.is_terminal:
            return Reason(f"run {newer.id} does this")
        return Reason(
            f"run {newer.id} took its place and is {newer.state}", "run_ended", {"run": newer.id}
        )


def read_overview(
    transaction: Transaction,
    registry: WorkerRegistry,
    own_rules: ClaimRules,
    now: datetime,
    runs: Sequence[IndexRun] = (),
) -> QueueOverview:
    """The current queue; `own_rules` are the caller's."""
    tasks = transaction.tasks
    rules, differ = rules_in_force(registry, own_rules)
    unserved = find_unserved(transaction, registry, own_rules)
    waiting = tasks.waiting_tasks(rules.order, MOST_WAITING)
    running = Counter(task.type for task in tasks.running_tasks())
    return QueueOverview(
        now=now,
        rules=rules,
        paused_since=tasks.paused_since(),
        workers=registry.living(),
        running=running,
        waiting=[task.id for task in waiting],
        held_back={
            task.id
            for task in waiting
            if not (task.is_due(now) and rules.has_capacity_for(task.type, running))
            or unserved_host(task, unserved, rules) is not None
        },
        rules_differ=differ,
        successors=_successors(tasks, runs),
        unserved=unserved,
    )


def find_unserved(
    transaction: Transaction, registry: WorkerRegistry, own_rules: ClaimRules
) -> dict[int, str]:
    """The indexes of folders on hosts without a living worker, and these hosts."""
    if not own_rules.host:
        return {}
    served = set(registry.hosts())
    hosts = transaction.indexes.hosts()
    return {index_id: host for index_id, host in hosts.items() if host not in served}


def unserved_host(task: Task, unserved: Mapping[int, str], rules: ClaimRules) -> str | None:
    """The host without a worker that a ready task waits for, if it does."""
    if task.type not in rules.reading or task.index_id is None:
        return None
    return unserved.get(task.index_id)


def waits_for_host(host: str) -> str:
    """That a task can only be done on a host where nobody does it."""
    return f"waits for a worker on {host}; none is running there"


def rules_in_force(registry: WorkerRegistry, own: ClaimRules) -> tuple[ClaimRules, bool]:
    """The rules by which the living workers claim, and whether they differ. If they differ, or
    nobody works, these are `own`."""
    of_workers = registry.rules()
    if all(rules == of_workers[0] for rules in of_workers):
        return (of_workers[0] if of_workers else own), False
    return own, True


def _successors(tasks: TaskRepository, runs: Sequence[IndexRun]) -> dict[int, IndexRun]:
    """The runs that replaced superseded ones."""
    found = {
        run.id: tasks.successor(run.id, run.index_id)
        for run in runs
        if run.state is RunState.SUPERSEDED and run.index_id is not None
    }
    return {run_id: newer for run_id, newer in found.items() if newer is not None}


def _tasks(count: int) -> str:
    return "1 task" if count == 1 else f"{count} tasks"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _duration(later: datetime, earlier: datetime) -> str:
    seconds = max(0.0, (later - earlier).total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
