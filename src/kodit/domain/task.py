"""One stage of one run, and what may happen to it.

    blocked ──► ready ──► running ──► succeeded
                  ▲          │  ├───► failed      (permanent, or the retry budget is spent)
                  └──────────┘  └───► cancelled
       (back-off, release, lost worker)

A blocked or ready task may also become `skipped` (there was nothing to do) or `cancelled`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any, Self

from kodit.domain.errors import Field, KoditError
from kodit.domain.retry import LONGEST_WAIT

AT_ONCE = datetime.fromtimestamp(0, UTC)
"""The `available_at` of a task that need not wait: earlier than any clock may be set."""


class TaskType(IntEnum):
    """The stages of a run, in their order."""

    SYNC = 1
    EXTRACT = 2
    BM25_INDEX = 3
    CODE_EMBEDDINGS = 4
    ENRICH = 5


class QueuePriority(IntEnum):
    """Where a request comes from; a task's priority is this base and its type's offset."""

    BACKGROUND = 10
    USER_INITIATED = 50


PRIORITY_OFFSETS: Mapping[TaskType, int] = {
    TaskType.SYNC: 40,
    TaskType.EXTRACT: 30,
    TaskType.BM25_INDEX: 20,
    TaskType.CODE_EMBEDDINGS: 10,
    TaskType.ENRICH: 0,
}

PREDECESSORS: Mapping[TaskType, tuple[TaskType, ...]] = {
    TaskType.SYNC: (),
    TaskType.EXTRACT: (TaskType.SYNC,),
    TaskType.BM25_INDEX: (TaskType.EXTRACT,),
    TaskType.CODE_EMBEDDINGS: (TaskType.EXTRACT,),
    TaskType.ENRICH: (TaskType.BM25_INDEX, TaskType.CODE_EMBEDDINGS),
}


def task_priority(task_type: TaskType, base: QueuePriority) -> int:
    """The priority of a stage of a run that was requested with `base`."""
    return base + PRIORITY_OFFSETS[task_type]


class TaskState(StrEnum):
    """The state of a task."""

    BLOCKED = "blocked"
    READY = "ready"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        return self not in (TaskState.BLOCKED, TaskState.READY, TaskState.RUNNING)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to run a task: only the holder of the latest `claim_no` may write."""

    task_id: int
    claim_no: int


@dataclass(frozen=True, slots=True)
class TaskProgress:
    """The progress of the current operation; `total` is None while it is not known."""

    operation: str
    current: int
    total: int | None


class AttemptOutcome(StrEnum):
    """How one claim of a task ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    RETRIED = "retried"
    """A transient error; the task is tried again."""
    RELEASED = "released"
    """The worker gave the task back at its own shutdown."""
    LOST = "lost"
    """The worker died or let its lease expire."""
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class ErrorAbout:
    """The part of a task's error that programs rely on: its code and values."""

    code: str
    fields: Mapping[str, Field] = field(default_factory=dict)

    @classmethod
    def of(cls, error: KoditError) -> Self:
        return cls(error.code, dict(error.fields))


@dataclass(frozen=True, slots=True)
class TaskAttempt:
    """The history of one claim."""

    task_id: int
    claim_no: int
    worker: str
    started_at: datetime
    finished_at: datetime | None
    outcome: AttemptOutcome | None
    error: str | None
    error_about: ErrorAbout | None = None


@dataclass(slots=True)
class Task:
    """A unit of queued work.

    `type` is a plain string if the database holds a type that this program does not know; the
    worker that claims such a task fails it. `error` is one sentence; its `error_about` may be
    missing.
    """

    type: TaskType | str
    priority: int
    payload: dict[str, Any]
    id: int = 0
    run_id: int | None = None
    index_id: int | None = None
    state: TaskState = TaskState.READY
    claim_no: int = 0
    worker: str | None = None
    lease_expires_at: datetime | None = None
    failures: int = 0
    available_at: datetime | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    cancel_requested: bool = False
    error: str | None = None
    progress: TaskProgress | None = None
    work: dict[str, int] = field(default_factory=dict)
    error_about: ErrorAbout | None = None

    @classmethod
    def create(cls, type: TaskType, priority: int, payload: Mapping[str, Any]) -> Task:  # noqa: A002
        """A new task; `payload["index_id"]`, where there is one, names the index it is for."""
        index_id = payload.get("index_id")
        return cls(
            type=type,
            priority=int(priority),
            payload=dict(payload),
            index_id=index_id if isinstance(index_id, int) else None,
        )

    @property
    def type_name(self) -> str:
        return self.type.name if isinstance(self.type, TaskType) else self.type

    @property
    def is_user_initiated(self) -> bool:
        """Both classes meet at priority 50; the type tells them apart."""
        offset = PRIORITY_OFFSETS[self.type] if isinstance(self.type, TaskType) else 0
        return self.priority - offset >= QueuePriority.USER_INITIATED

    @property
    def claim(self) -> Claim:
        return Claim(self.id, self.claim_no)

    def is_held_by(self, claim: Claim) -> bool:
        """Whether this claim is the latest of the task, and has not ended."""
        return (
            self.id == claim.task_id
            and self.claim_no == claim.claim_no
            and self.state is TaskState.RUNNING
        )

    def raise_priority(self, base: QueuePriority) -> None:
        """Lift the task to `base`'s class; never lowers it."""
        if isinstance(self.type, TaskType):
            self.priority = max(self.priority, task_priority(self.type, base))

    def is_due(self, now: datetime) -> bool:
        """Whether its back-off, if any, is over; it may still not be ready."""
        wait = (self.available_at or AT_ONCE) - now
        return not timedelta(0) < wait <= LONGEST_WAIT

    def make_ready(self, available_at: datetime = AT_ONCE) -> None:
        self.state = TaskState.READY
        self.available_at = available_at
        self._clear_claim()

    def end(
        self,
        state: TaskState,
        now: datetime,
        error: str | None = None,
        about: ErrorAbout | None = None,
    ) -> None:
        """Move to a terminal state."""
        self.state = state
        self.finished_at = now
        self.error, self.error_about = error, about
        self.cancel_requested = False
        self._clear_claim()

    def restart(self) -> None:
        """Return to blocked with a full retry budget, like a task that has never run."""
        self.state = TaskState.BLOCKED
        self.failures = 0
        self.error = self.error_about = None
        self.finished_at = None
        self.cancel_requested = False

    def _clear_claim(self) -> None:
        self.worker = None
        self.lease_expires_at = None
