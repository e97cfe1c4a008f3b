"""The tables of the queue: runs, their tasks, and the attempts at these."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Named,
    String,
    Table,
    Text,
    TypedColumns,
    text,
)

from kodit.infrastructure.sqlalchemy.metadata import METADATA, BigKey, one_of

UNFINISHED = text("state IN ('queued', 'running')")
ENDED = text("finished_at IS NOT NULL")
BACKED_OFF = text("state = 'ready' AND available_at > 0")
"""The condition of a partial index: SQLite uses the index only if a query spells it identically."""


class IndexRunColumns(TypedColumns):
    """One indexing of one index."""

    id: Named[int] = Column(BigKey, primary_key=True)
    index_id: Named[int | None] = Column(BigInteger)
    state: Named[str] = Column(String(16))
    is_follow_up: Named[bool] = Column(Boolean)
    cancel_requested: Named[bool] = Column(Boolean)
    created_at: Named[int] = Column(BigInteger)
    started_at: Named[int | None] = Column(BigInteger)
    finished_at: Named[int | None] = Column(BigInteger)


INDEX_RUNS = Table(
    "index_runs",
    METADATA,
    IndexRunColumns,
    one_of("state", "queued", "running", "succeeded", "failed", "cancelled", "superseded"),
    Index("runs_of_index", "index_id", "id"),
    Index("runs_by_rank", "index_id", "is_follow_up", text("id DESC")),
    Index("runs_by_state", "state", "id"),
    Index(
        "failed_runs",
        "index_id",
        sqlite_where=text("state = 'failed'"),
    ),
    Index("runs_by_end", "finished_at", "id", sqlite_where=ENDED),
    Index(
        "one_active_and_one_waiting_run",
        "index_id",
        "is_follow_up",
        unique=True,
        sqlite_where=UNFINISHED,
    ),
    sqlite_autoincrement=True,
)


class TaskColumns(TypedColumns):
    """One stage of one run. `type` has no check: a newer Kodit may have queued an unknown type, and
    such a task fails instead of being refused.

    `run_has_started` repeats the run's `started_at IS NOT NULL` for the claim order. The index
    `claim_order` covers everything that finding the next task reads.
    """

    id: Named[int] = Column(BigKey, primary_key=True)
    run_id: Named[int] = Column(BigKey, ForeignKey("index_runs.id"))
    index_id: Named[int | None] = Column(BigInteger)
    type: Named[str] = Column(String(32))
    state: Named[str] = Column(String(16))
    priority: Named[int] = Column(Integer)
    is_user_initiated: Named[bool] = Column(Boolean)
    run_has_started: Named[bool] = Column(Boolean)
    payload: Named[str] = Column(Text)
    claim_no: Named[int] = Column(BigInteger, default=0)
    worker: Named[str | None] = Column(Text)
    lease_expires_at: Named[int | None] = Column(BigInteger)
    failures: Named[int] = Column(Integer, default=0)
    cancel_requested: Named[bool] = Column(Boolean, default=False)
    available_at: Named[int] = Column(BigInteger)
    created_at: Named[int] = Column(BigInteger)
    started_at: Named[int | None] = Column(BigInteger)
    finished_at: Named[int | None] = Column(BigInteger)
    progress_operation: Named[str | None] = Column(Text)
    progress_current: Named[int] = Column(BigInteger, default=0)
    progress_total: Named[int | None] = Column(BigInteger)
    work: Named[str] = Column(Text, default="{}")
    error: Named[str | None] = Column(Text)
    error_about: Named[str | None] = Column(Text)


TASKS = Table(
    "tasks",
    METADATA,
    TaskColumns,
    one_of("state", "blocked", "ready", "running", "succeeded", "failed", "skipped", "cancelled"),
    Index("tasks_of_run", "run_id"),
    Index("tasks_of_index", "index_id"),
    Index(
        "claim_order",
        text("priority DESC"),
        text("is_user_initiated DESC"),
        "created_at",
        "id",
        "available_at",
        "type",
        "run_has_started",
        "state",
        sqlite_where=text("state = 'ready'"),
    ),
    Index(
        "running_tasks",
        "state",
        "type",
        sqlite_where=text("state = 'running'"),
    ),
    Index("tasks_in_back_off", "available_at", sqlite_where=BACKED_OFF),
    sqlite_autoincrement=True,
)


class QueuePauseColumns(TypedColumns):
    """The queue is paused while this table has its one row."""

    id: Named[int] = Column(Integer, primary_key=True, autoincrement=False)
    paused_at: Named[int] = Column(BigInteger)


QUEUE_PAUSES = Table(
    "queue_pauses", METADATA, QueuePauseColumns, CheckConstraint("id = 1", name="only_one_pause")
)


class TaskAttemptColumns(TypedColumns):
    """One claim of a task."""

    task_id: Named[int] = Column(BigKey, ForeignKey("tasks.id"), primary_key=True)
    claim_no: Named[int] = Column(BigInteger, primary_key=True)
    worker: Named[str] = Column(Text)
    started_at: Named[int] = Column(BigInteger)
    finished_at: Named[int | None] = Column(BigInteger)
    outcome: Named[str | None] = Column(String(16))
    error: Named[str | None] = Column(Text)
    error_about: Named[str | None] = Column(Text)


TASK_ATTEMPTS = Table(
    "task_attempts",
    METADATA,
    TaskAttemptColumns,
    one_of("outcome", "succeeded", "failed", "retried", "released", "lost", "cancelled"),
    sqlite_with_rowid=False,
)


class WorkerColumns(TypedColumns):
    """A worker on any machine, where the database is a server; it lives as long as it holds the
    lock of its name. `rules` are its claim rules as JSON, and `node` is its data directory."""

    name: Named[str] = Column(Text, primary_key=True)
    host: Named[str] = Column(Text)
    rules: Named[str] = Column(Text)
    entered_at: Named[int] = Column(BigInteger)
    node: Named[str] = Column(Text, server_default="")


WORKERS = Table("workers", METADATA, WorkerColumns)
