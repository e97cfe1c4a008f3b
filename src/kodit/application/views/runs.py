"""Runs, their tasks, and the queue that they are in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Self

from kodit.application.views.serialization import ONLY_WHEN_SET, moment
from kodit.domain.errors import Field
from kodit.domain.run import BUDGET_SPENT
from kodit.domain.task import AT_ONCE
from kodit.domain.value_objects import ErrorAbout, TaskState, TaskType

if TYPE_CHECKING:
    from kodit.application.services.queue_overview import QueueOverview, Reason
    from kodit.domain.entities import IndexRun, Task, TaskAttempt
    from kodit.domain.value_objects import TaskProgress


@dataclass(frozen=True, slots=True)
class ProgressView:
    """The progress of the current operation; `total` is null while it is not known."""

    operation: str
    current: int
    total: int | None

    @classmethod
    def of(cls, progress: TaskProgress) -> Self:
        return cls(progress.operation, progress.current, progress.total)


@dataclass(frozen=True, slots=True)
class WorkView:
    """What a task did, in counts that add up over its attempts; the last five only with models
    behind an endpoint. `snippets_refused` are those without a usable description."""

    files_parsed: int = 0
    files_reused: int = 0
    snippets_written: int = 0
    snippets_removed: int = 0
    keywords_indexed: int = 0
    texts_embedded: int = 0
    snippets_enriched: int = 0
    model_calls: int | None = field(default=None, metadata=ONLY_WHEN_SET)
    input_tokens: int | None = field(default=None, metadata=ONLY_WHEN_SET)
    output_tokens: int | None = field(default=None, metadata=ONLY_WHEN_SET)
    texts_cached: int | None = field(default=None, metadata=ONLY_WHEN_SET)
    snippets_refused: int | None = field(default=None, metadata=ONLY_WHEN_SET)

    @classmethod
    def of(cls, work: Mapping[str, int]) -> Self:
        known = {one.name for one in fields(cls)}
        return cls(**{name: count for name, count in work.items() if name in known})


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One claim of a task. `error_code` and `error_fields` are for programs; errors recorded by
    older versions have none."""

    task_id: int
    claim_no: int
    worker: str
    started_at: str | None
    finished_at: str | None
    outcome: str | None
    error: str | None
    error_code: str | None = field(default=None, metadata=ONLY_WHEN_SET)
    error_fields: Mapping[str, Field] | None = field(default=None, metadata=ONLY_WHEN_SET)

    @classmethod
    def of(cls, attempt: TaskAttempt) -> Self:
        return cls(
            task_id=attempt.task_id,
            claim_no=attempt.claim_no,
            worker=attempt.worker,
            started_at=moment(attempt.started_at),
            finished_at=moment(attempt.finished_at),
            outcome=None if attempt.outcome is None else attempt.outcome.value,
            error=attempt.error,
            error_code=_code(attempt.error_about),
            error_fields=_fields(attempt.error_about),
        )


@dataclass(frozen=True, slots=True)
class TaskView:
    """One stage of a run. `available_at` is when a task in back-off is retried; `reason` says why
    it is in its state, if the queue was read, and `reason_code` and `reason_fields` what to do
    about it; `history` are its claims. An error has a code and fields as in `AttemptView`."""

    id: int
    type: str
    state: str
    priority: int
    attempts: int
    failures: int
    worker: str | None
    available_at: str | None
    started_at: str | None
    finished_at: str | None
    progress: ProgressView | None
    error: str | None
    work: WorkView
    reason: str | None = field(default=None, metadata=ONLY_WHEN_SET)
    reason_code: str | None = field(default=None, metadata=ONLY_WHEN_SET)
    reason_fields: Mapping[str, int] | None = field(default=None, metadata=ONLY_WHEN_SET)
    history: tuple[AttemptView, ...] | None = field(default=None, metadata=ONLY_WHEN_SET)
    error_code: str | None = field(default=None, metadata=ONLY_WHEN_SET)
    error_fields: Mapping[str, Field] | None = field(default=None, metadata=ONLY_WHEN_SET)

    @classmethod
    def of(
        cls,
        task: Task,
        *,
        reason: Reason | None = None,
        history: Sequence[TaskAttempt] | None = None,
    ) -> Self:
        return cls(
            id=task.id,
            type=task.type_name,
            state=task.state.value,
            priority=task.priority,
            attempts=task.claim_no,
            failures=task.failures,
            worker=task.worker,
            available_at=moment(None if task.available_at == AT_ONCE else task.available_at),
            started_at=moment(task.started_at),
            finished_at=moment(task.finished_at),
            progress=None if task.progress is None else ProgressView.of(task.progress),
            error=task.error,
            work=WorkView.of(task.work),
            reason=None if reason is None else reason.text,
            reason_code=None if reason is None else reason.code,
            reason_fields=reason.fields if reason is not None and reason.fields else None,
            history=None if history is None else tuple(map(AttemptView.of, history)),
            error_code=_code(task.error_about),
            error_fields=_fields(task.error_about),
        )


def _code(about: ErrorAbout | None) -> str | None:
    return None if about is None else about.code


def _fields(about: ErrorAbout | None) -> Mapping[str, Field] | None:
    return about.fields if about is not None and about.fields else None


@dataclass(frozen=True, slots=True)
class RunView:
    """One indexing of one index."""

    id: int
    index_id: int | None
    state: str
    is_follow_up: bool
    is_user_initiated: bool
    cancel_requested: bool
    created_at: str | None
    started_at: str | None
    finished_at: str | None
    tasks: tuple[TaskView, ...]

    @property
    def waits_for_budget(self) -> TaskView | None:
        """As `IndexRun.waits_for_budget`."""
        if any(task.state == TaskState.RUNNING for task in self.tasks):
            return None
        ready = [task for task in self.tasks if task.state == TaskState.READY]
        waiting = [
            task
            for task in ready
            if task.error_code == BUDGET_SPENT and task.available_at is not None
        ]
        return waiting[0] if waiting and len(waiting) == len(ready) else None

    @classmethod
    def of(
        cls,
        run: IndexRun,
        queue: QueueOverview | None = None,
        attempts: Mapping[int, Sequence[TaskAttempt]] | None = None,
    ) -> Self:
        """With `queue`, each task says why it is in its state and what happens next; with
        `attempts`, by task, it has its history."""
        return cls(
            id=run.id,
            index_id=run.index_id,
            state=run.state.value,
            is_follow_up=run.is_follow_up,
            is_user_initiated=run.is_user_initiated,
            cancel_requested=run.cancel_requested,
            created_at=moment(run.created_at),
            started_at=moment(run.started_at),
            finished_at=moment(run.finished_at),
            tasks=tuple(
                TaskView.of(
                    task,
                    reason=None if queue is None else queue.why(task, run),
                    history=None if attempts is None else attempts.get(task.id, ()),
                )
                for task in run.tasks
            ),
        )


@dataclass(frozen=True, slots=True)
class ListedRunView(RunView):
    """A run with the source of its index; null for a single task, or for a deleted index."""

    source: str | None = None

    def with_source(self, source: str | None) -> Self:
        return replace(self, source=source)


@dataclass(frozen=True, slots=True)
class RunPageView:
    """A page of runs; `next` is the cursor of the next page, null if there is none."""

    runs: tuple[ListedRunView, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class QueueView:
    """The queue as a whole."""

    paused_since: str | None
    order: str
    limits: Mapping[str, int]
    workers_differ: bool
    workers: tuple[str, ...]
    running: int
    running_by_type: Mapping[str, int]
    waiting: int

    @classmethod
    def of(cls, queue: QueueOverview) -> Self:
        return cls(
            paused_since=moment(queue.paused_since),
            order=queue.rules.order.value,
            limits={kind.name: limit for kind, limit in queue.rules.limits.items()},
            workers_differ=queue.rules_differ,
            workers=tuple(queue.workers),
            running=sum(queue.running.values()),
            running_by_type={
                kind.name if isinstance(kind, TaskType) else kind: count
                for kind, count in queue.running.items()
            },
            waiting=len(queue.waiting),
        )


@dataclass(frozen=True, slots=True)
class RunsView:
    """Runs and the queue they are in; `complete` says whether these are all."""

    queue: QueueView
    runs: tuple[ListedRunView, ...] | None = field(default=None, metadata=ONLY_WHEN_SET)
    complete: bool | None = field(default=None, metadata=ONLY_WHEN_SET)
