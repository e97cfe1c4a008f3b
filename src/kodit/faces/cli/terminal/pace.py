"""Measures how long the stages of runs have taken, and estimates how long they will take."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from kodit.domain.entities import IndexRun, ProgressTracker, Task
from kodit.domain.value_objects import TaskProgress, TaskState

FEWEST_SECONDS = 2.0
"""An estimate needs at least this much observation."""
LEAST_SHARE = 0.05
"""An estimate needs at least this share of the work done during the observation."""


class Pace:
    """Observes tasks. A rate is measured within one attempt, from when it was first seen."""

    def __init__(self) -> None:
        self._told: dict[int, TaskProgress] = {}
        self._first: dict[tuple[int, int], tuple[float, int]] = {}

    def update(self, task: Task, operation: ProgressTracker) -> None:
        """Use the progress that a task of this process reports, which is newer than what is
        stored."""
        self._told[task.id] = TaskProgress(
            operation.operation.name, operation.current, operation.total
        )

    def progress(self, task: Task) -> TaskProgress | None:
        """The progress of a task."""
        told = self._told.get(task.id) if task.state is TaskState.RUNNING else None
        return told or task.progress

    def rate(self, task: Task) -> float:
        """How much of it is done per second; 0 if that is not known."""
        progress = self.progress(task)
        if progress is None or task.state is not TaskState.RUNNING:
            return 0.0
        now = time.monotonic()
        first = (now, progress.current)
        since, start = self._first.setdefault((task.id, task.claim_no), first)
        return (progress.current - start) / (now - since) if now - since > 1 else 0.0

    def seconds_left(self, task: Task) -> float | None:
        """How long a running task takes at its present rate; None if there is no reliable estimate,
        because its total is not known or it has not been observed long enough."""
        progress, rate = self.progress(task), self.rate(task)
        if progress is None or not progress.total or rate <= 0:
            return None
        since, start = self._first[task.id, task.claim_no]
        is_long = time.monotonic() - since >= FEWEST_SECONDS
        if not is_long or progress.current - start < LEAST_SHARE * progress.total:
            return None
        return max(0.0, progress.total - progress.current) / rate


def seconds_of(started: datetime | None, finished: datetime | None) -> float | None:
    """How long something took, or has taken until now; None if it has not started."""
    if started is None:
        return None
    return max(0.0, ((finished or datetime.now(UTC)) - started).total_seconds())


def elapsed(run: IndexRun) -> str:
    """How long a run has taken, in words; empty for one that waits."""
    seconds = seconds_of(run.started_at, run.finished_at)
    return "" if seconds is None else lasting(seconds)


def lasting(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def about(seconds: float) -> str:
    """How long something will take, as precisely as that can be known."""
    if seconds < 10:
        return "<10 s left"
    return f"~{lasting(seconds if seconds < 60 else 10 * round(seconds / 10))} left"
