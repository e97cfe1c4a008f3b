"""Comparing every effect with the database that should agree with it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import combinations

from tests.murder.effects import Effect
from tests.murder.worker import BATCHES, path_of
from tests.queue.invariants import check_queue
from tests.queue.view import EVERYTHING, view_queue
from tests.support.stores import DATABASES

from kodit.domain.entities import IndexRun, Task, TaskAttempt
from kodit.domain.ports.database import Database
from kodit.domain.task import PREDECESSORS
from kodit.domain.value_objects import TaskState, TaskType
from kodit.infrastructure.mappers.moments import to_microseconds

Attempts = Mapping[int, Sequence[TaskAttempt]]


@dataclass(slots=True)
class Verdict:
    """The counts, and the violations."""

    runs: Counter[str] = field(default_factory=Counter)
    claims: Counter[str] = field(default_factory=Counter)
    batches_stored: int = 0
    batches_rolled_back: int = 0
    duplicate: list[str] = field(default_factory=list)
    early: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    zombie: list[str] = field(default_factory=list)
    overlapping: list[str] = field(default_factory=list)
    unended: list[str] = field(default_factory=list)

    @property
    def violations(self) -> list[str]:
        return [
            *(f"duplicate: {what}" for what in self.duplicate),
            *(f"early: {what}" for what in self.early),
            *(f"missing: {what}" for what in self.missing),
            *(f"zombie: {what}" for what in self.zombie),
            *(f"overlapping: {what}" for what in self.overlapping),
            *(f"not ended: {what}" for what in self.unended),
        ]


def judge(
    database: Database,
    effects: Sequence[Effect],
    accepted: Sequence[int],
    limits: Mapping[TaskType, int] | None = None,
    slowest_link: timedelta = timedelta(0),
    *,
    loses_connections: bool = False,
) -> Verdict:
    """Judge a data directory after all runs should have ended; `accepted` are the runs returned for
    the requests. `slowest_link` is how long an answer of the server may have been under way.

    A worker that `loses_connections` to the server loses its tasks with them, and hears of it with
    its next statement: what it writes in between cannot be stored, and is not judged as a zombie.
    """
    with database.read() as transaction:
        runs = sorted(transaction.tasks.list_runs(limit=EVERYTHING), key=lambda run: run.id)
        attempts = {
            task.id: transaction.tasks.attempts(task.id) for run in runs for task in run.tasks
        }
        indexes = [index.id for index in transaction.indexes.list_all()]
        stored = {
            path: int(file.content_hash)
            for index_id in indexes
            for path, file in transaction.indexes.known_files(index_id).items()
        }
    check_queue(view_queue(database, indexes))
    verdict = Verdict(batches_stored=len(stored))
    verdict.claims.update(
        str(attempt.outcome) for of_task in attempts.values() for attempt in of_task
    )
    _judge_runs(verdict, runs, accepted)
    by_task: dict[int, list[Effect]] = defaultdict(list)
    for effect in effects:
        by_task[effect.task].append(effect)
    for run in runs:
        for task in run.tasks:
            _judge_missing(verdict, task, stored)
            _judge_duplicates(verdict, task, by_task[task.id], stored)
            written = by_task[task.id]
            if loses_connections:
                written = [one for one in written if _is_stored(one, task, stored)]
            _judge_zombies(verdict, written, attempts[task.id], slowest_link)
            _judge_early(verdict, run, task, by_task[task.id])
    _judge_overlaps(verdict, runs, attempts, limits or {}, _clock_error() + slowest_link)
    return verdict


def _judge_runs(verdict: Verdict, runs: Sequence[IndexRun], accepted: Sequence[int]) -> None:
    """Every run has ended, and every accepted request has one."""
    verdict.runs.update(run.state.value for run in runs)
    verdict.unended += [f"run {run.id} is {run.state}" for run in runs if not run.state.is_terminal]
    known = {run.id for run in runs}
    verdict.missing += [f"run {run_id}" for run_id in accepted if run_id not in known]


def _judge_missing(verdict: Verdict, task: Task, stored: Mapping[str, int]) -> None:
    """A stage that succeeded has stored all of its batches, one that was skipped none, and each
    is counted once."""
    found = [batch for batch in range(BATCHES) if path_of(task, batch) in stored]
    if task.state is TaskState.SUCCEEDED and len(found) != BATCHES:
        verdict.missing.append(f"task {task.id} stored only {found}")
    if task.state is TaskState.SKIPPED and found:
        verdict.duplicate.append(f"task {task.id} was skipped and stored {found}")
    if task.work.get("batches", 0) != len(found):
        verdict.duplicate.append(f"task {task.id} counts {task.work} for {found}")


def _judge_duplicates(
    verdict: Verdict, task: Task, effects: Sequence[Effect], stored: Mapping[str, int]
) -> None:
    """A batch was written once by the claim that stored it. It may have been started before by
    claims that stored nothing of it: each of those ended with this very batch."""
    batches = [effect for effect in effects if effect.kind == "batch"]
    last = {effect.claim_no: effect for effect in batches}
    for number in range(BATCHES):
        owner = stored.get(path_of(task, number))
        written = [effect for effect in batches if effect.batch == number]
        if owner is not None and sum(effect.claim_no == owner for effect in written) != 1:
            verdict.missing.append(f"batch {number} of task {task.id} was not written once")
        for effect in written:
            if effect.claim_no == owner:
                continue
            verdict.batches_rolled_back += 1
            if owner is not None and effect.claim_no > owner:
                verdict.duplicate.append(f"batch {number} of task {task.id}, {effect}")
            if last[effect.claim_no] is not effect:
                verdict.duplicate.append(f"{effect} was not stored, and its claim went on")


def _is_stored(effect: Effect, task: Task, stored: Mapping[str, int]) -> bool:
    return stored.get(path_of(task, effect.batch)) == effect.claim_no


def _judge_zombies(
    verdict: Verdict,
    effects: Sequence[Effect],
    attempts: Sequence[TaskAttempt],
    slowest_link: timedelta,
) -> None:
    """Every batch was written while its claim held the task, and claims come in their order. Over a
    slow link, a worker hears later that it holds the task."""
    held = {attempt.claim_no: attempt for attempt in attempts}
    latest = 0
    for effect in effects:
        if effect.kind != "batch":
            continue
        attempt = held.get(effect.claim_no)
        if attempt is None or not _lies_within(effect, attempt, slowest_link):
            verdict.zombie.append(f"{effect} is not within {attempt}")
        if effect.claim_no < latest:
            verdict.zombie.append(f"{effect} came after claim {latest}")
        latest = max(latest, effect.claim_no)


def _lies_within(effect: Effect, attempt: TaskAttempt, slowest_link: timedelta) -> bool:
    end = effect.at_us
    if attempt.finished_at is not None:
        end = to_microseconds(attempt.finished_at + slowest_link)
    return to_microseconds(attempt.started_at) <= effect.at_us <= end


def _judge_early(verdict: Verdict, run: IndexRun, task: Task, effects: Sequence[Effect]) -> None:
    """No stage started, or wrote, before all its predecessors in the run had succeeded."""
    if not effects or not isinstance(task.type, TaskType):
        return
    for other in run.tasks:
        if other.type in PREDECESSORS[task.type]:
            has_ended = other.state is TaskState.SUCCEEDED and other.finished_at is not None
            if not has_ended or effects[0].at_us < to_microseconds(_moment(other)):
                verdict.early.append(f"{effects[0]} before task {other.id}")


def _moment(task: Task) -> datetime:
    assert task.finished_at is not None
    return task.finished_at


def _judge_overlaps(
    verdict: Verdict,
    runs: Sequence[IndexRun],
    attempts: Attempts,
    limits: Mapping[TaskType, int],
    error: timedelta,
) -> None:
    """Per index only the two middle stages of one run were held at the same time, and per limited
    type no more than its limit.
    """
    by_index: dict[int | None, list[tuple[IndexRun, Task, TaskAttempt]]] = defaultdict(list)
    by_type: dict[TaskType | str, list[TaskAttempt]] = defaultdict(list)
    for run in runs:
        for task in run.tasks:
            by_type[task.type] += attempts[task.id]
            by_index[run.index_id] += [(run, task, attempt) for attempt in attempts[task.id]]
    for held in by_index.values():
        held.sort(key=lambda one: one[2].started_at)
        for (run, task, attempt), (other_run, other, other_attempt) in _overlaps(held, error):
            may = {task.type, other.type} == {TaskType.BM25_INDEX, TaskType.CODE_EMBEDDINGS}
            if run.id != other_run.id or not may:
                verdict.overlapping.append(f"{attempt} and {other_attempt}")
    for task_type, limit in limits.items():
        if _most_at_once(by_type[task_type], error) > limit:
            verdict.overlapping.append(f"more than {limit} of {task_type.name}")


def _overlaps(
    held: Sequence[tuple[IndexRun, Task, TaskAttempt]], error: timedelta
) -> Iterator[tuple[tuple[IndexRun, Task, TaskAttempt], tuple[IndexRun, Task, TaskAttempt]]]:
    return (
        (first, second)
        for first, second in combinations(held, 2)
        if first[2].finished_at is not None and second[2].started_at < first[2].finished_at - error
    )


def _clock_error() -> timedelta:
    """How far two workers may differ on the time of a server, which they ask now and then, and how
    long a claim may wait for its turn after it was dated."""
    return timedelta(milliseconds=100 if DATABASES.is_used else 0)


def _most_at_once(attempts: Sequence[TaskAttempt], error: timedelta) -> int:
    """At equal times, ends come before starts: the slot was passed on."""
    changes = sorted(
        change
        for attempt in attempts
        if attempt.finished_at is not None
        for change in ((attempt.started_at, 1), (attempt.finished_at - error, -1))
    )
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most
