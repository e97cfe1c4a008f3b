"""The state of the plain model of the queue: runs and tasks as strings and numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.queue.view import AttemptView, RunView, TaskView

STAGES = ("SYNC", "EXTRACT", "BM25_INDEX", "CODE_EMBEDDINGS", "ENRICH")
OFFSETS = {"SYNC": 40, "EXTRACT": 30, "BM25_INDEX": 20, "CODE_EMBEDDINGS": 10, "ENRICH": 0}
AFTER = {
    "SYNC": set[str](),
    "EXTRACT": {"SYNC"},
    "BM25_INDEX": {"EXTRACT"},
    "CODE_EMBEDDINGS": {"EXTRACT"},
    "ENRICH": {"BM25_INDEX", "CODE_EMBEDDINGS"},
}
BACKGROUND, USER = 10, 50
AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
ENDED = ("succeeded", "failed", "skipped", "cancelled")


@dataclass(eq=False)
class ModelTask:
    """A task of the model; `claims` holds worker and outcome of each."""

    id: int
    type: str
    priority: int
    created_at: datetime
    available_at: datetime
    state: str = "blocked"
    claims: list[list[str | None]] = field(default_factory=list)
    lease: datetime | None = None
    failures: int = 0
    asked_to_stop: bool = False
    batches: int = 0

    @property
    def is_users(self) -> bool:
        return self.priority - OFFSETS.get(self.type, 0) >= USER

    @property
    def ended(self) -> bool:
        return self.state in ENDED


@dataclass(eq=False)
class ModelRun:
    """A run of the model. `started`: claimed since it was made or last retried; `ever_started`: at
    any time."""

    id: int
    index_id: int | None
    tasks: list[ModelTask]
    waits: bool = False
    cancelled: bool = False
    outcome: str | None = None
    started: bool = False
    ever_started: bool = False

    @property
    def state(self) -> str:
        return self.outcome or ("running" if self.started else "queued")


def view_run(run: ModelRun) -> RunView:
    return RunView(
        run.id,
        run.index_id,
        run.state,
        run.waits,
        run.cancelled,
        tuple(view_task(task) for task in run.tasks),
    )


def view_task(task: ModelTask) -> TaskView:
    return TaskView(
        task.id,
        task.type,
        task.state,
        task.priority,
        len(task.claims),
        task.claims[-1][0] if task.state == "running" else None,
        task.lease,
        task.available_at if task.state == "ready" else None,
        task.failures,
        task.asked_to_stop,
        task.batches,
        tuple(
            AttemptView(number, str(worker), outcome)
            for number, (worker, outcome) in enumerate(task.claims, start=1)
        ),
    )
