"""Runs, tasks and attempts as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kodit.domain.claiming import QueueOrder
from kodit.domain.value_objects import RunState, TaskState
from kodit.faces.cli.advice import with_advice
from kodit.faces.cli.terminal.output import printable

if TYPE_CHECKING:
    from kodit.application.services.queue_overview import QueueOverview
    from kodit.domain.entities import IndexRun, Task, TaskAttempt

MARKS = {
    TaskState.BLOCKED: "·",
    TaskState.READY: "○",
    TaskState.RUNNING: "▶",
    TaskState.SUCCEEDED: "✓",
    TaskState.FAILED: "✗",
    TaskState.SKIPPED: "»",
    TaskState.CANCELLED: "⊘",
}
"""One sign a task state, for a run in one line."""

_TELLING = (TaskState.READY, TaskState.RUNNING, TaskState.FAILED)


def queue_line(queue: QueueOverview) -> str:
    """The queue in one line."""
    parts = [
        counted(len(queue.workers), "worker"),
        f"{sum(queue.running.values())} running",
        f"{len(queue.waiting)} waiting",
    ]
    if queue.rules.limits:
        limits = (
            f"{queue.running.get(task_type, 0)} of {limit} {task_type.name}"
            for task_type, limit in queue.rules.limits.items()
        )
        parts.append(f"limits: {', '.join(limits)}")
    if queue.rules.order is not QueueOrder.PRIORITY:
        parts.append(f"order: {queue.rules.order}")
    line = f"queue: {', '.join(parts)}"
    if queue.rules_differ:
        line += "; the workers' limits or orders differ; the settings of this shell are shown"
    if queue.paused_since is None:
        return line
    return f"{line}; paused {ago(queue.paused_since)}: `kodit queue resume` resumes it"


def run_line(run: IndexRun) -> str:
    """A run in one line."""
    tasks = " ".join(f"{MARKS[task.state]}{task.type_name}" for task in run.tasks)
    extra = " (follow-up)" if run.is_follow_up else ""
    if run.cancel_requested and not run.state.is_terminal:
        extra += " (stopping)"
    who = "by a user" if run.is_user_initiated else "in the background"
    ended = "" if run.finished_at is None else f" {ago(run.finished_at)}"
    state = str(run.state)
    if run.state is RunState.RUNNING and not _works(run):
        state = "started"  # between two stages, or given back: nobody works on it just now
    return f"run {run.id} {state}{ended}{extra}, asked {ago(run.created_at)} {who}: {tasks}"


def _works(run: IndexRun) -> bool:
    return any(task.state is TaskState.RUNNING for task in run.tasks)


def telling_lines(run: IndexRun, queue: QueueOverview) -> list[str]:
    """What is to be said of a run: what its tasks wait for, do, or failed with, and what happens
    next."""
    telling = [task for task in run.tasks if task.state in _TELLING]
    if run.is_follow_up and not telling:
        telling = run.tasks[:1]
    return [f"{task.type_name}: {task_line(task, run, queue)}" for task in telling]


def trouble_of(task: Task) -> str:
    """What went wrong with a task last, until it is tried again."""
    return "" if task.state is TaskState.RUNNING else printable(task.error or "")


def task_line(task: Task, run: IndexRun, queue: QueueOverview) -> str:
    """How far a task is, what is wrong with it, and what happens next."""
    parts = [trouble_of(task).removesuffix("."), _progress(task), with_advice(queue.why(task, run))]
    return "; ".join(part for part in parts if part)


def run_lines(
    run: IndexRun,
    source: str | None,
    attempts: Mapping[int, Sequence[TaskAttempt]],
    queue: QueueOverview,
) -> list[str]:
    """Everything that is known of a run."""
    lines = [run_line(run)]
    if source is not None:
        lines.append(f"index {run.index_id}: {printable(source)}")
    for task in run.tasks:
        about = task_line(task, run, queue)
        lines.append(
            f"  {MARKS[task.state]} {task.type_name:<16} {task.state:<10} {about}".rstrip()
        )
        work = ", ".join(_done(name, count) for name, count in task.work.items())
        if work:
            lines.append(f"      {work}")
        lines += [f"      {_attempt_line(attempt)}" for attempt in attempts.get(task.id, [])]
    return lines


def _done(name: str, count: int) -> str:
    """`files_parsed` as `1 file parsed`, `2 files parsed`."""
    what, _, done = name.partition("_")
    return f"{counted(count, what.removesuffix('s'))} {done.replace('_', ' ')}"


def _attempt_line(attempt: TaskAttempt) -> str:
    outcome = "running" if attempt.outcome is None else str(attempt.outcome)
    if attempt.finished_at is not None:
        outcome += f" after {(attempt.finished_at - attempt.started_at).total_seconds():.1f} s"
    error = f": {printable(attempt.error)}" if attempt.error else ""
    began = ago(attempt.started_at)
    worker = printable(attempt.worker)
    return f"attempt {attempt.claim_no}, started {began} by {worker}: {outcome}{error}"


def _progress(task: Task) -> str:
    if task.state is not TaskState.RUNNING or task.progress is None:
        return ""
    operation = task.progress.operation.replace("_", " ").lower()
    total = "" if task.progress.total is None else f" of {task.progress.total}"
    return f"{operation} {task.progress.current}{total}"


def ago(moment: datetime | None) -> str:
    """How long something has been past, in words."""
    if moment is None:
        return "never"
    seconds = max(0.0, (datetime.now(UTC) - moment).total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def counted(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
