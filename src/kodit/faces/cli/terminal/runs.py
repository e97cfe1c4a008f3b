"""Runs, tasks and attempts as text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from kodit.application.views.serialization import to_json
from kodit.domain.value_objects import RunState, TaskState
from kodit.faces.cli.advice import with_advice
from kodit.faces.cli.terminal.output import printable

# Other modules take only words and numbers from here.
if TYPE_CHECKING:
    from kodit.application.views.runs import (
        AttemptView,
        ListedRunView,
        QueueView,
        RunView,
        TaskView,
    )

MARKS: Mapping[str, str] = {
    TaskState.BLOCKED: "·",
    TaskState.READY: "○",
    TaskState.RUNNING: "▶",
    TaskState.SUCCEEDED: "✓",
    TaskState.FAILED: "✗",
    TaskState.SKIPPED: "»",
    TaskState.CANCELLED: "⊘",
}
"""One sign per task state, for a run in one line."""

_USUAL_ORDER = "priority"
_TELLING = (TaskState.READY, TaskState.RUNNING, TaskState.FAILED)


def queue_line(queue: QueueView) -> str:
    """The queue in one line."""
    parts = [
        counted(len(queue.workers), "worker"),
        f"{queue.running} running",
        f"{queue.waiting} waiting",
    ]
    if queue.limits:
        limits = (
            f"{queue.running_by_type.get(name, 0)} of {limit} {name}"
            for name, limit in queue.limits.items()
        )
        parts.append(f"limits: {', '.join(limits)}")
    if queue.order != _USUAL_ORDER:
        parts.append(f"order: {queue.order}")
    line = f"queue: {', '.join(parts)}"
    if queue.workers_differ:
        line += "; the workers' limits or orders differ; the settings of this shell are shown"
    if queue.paused_since is None:
        return line
    return f"{line}; paused {ago(queue.paused_since)}: `kodit queue resume` resumes it"


def run_line(run: RunView) -> str:
    """A run in one line."""
    tasks = " ".join(f"{MARKS[task.state]}{task.type}" for task in run.tasks)
    extra = " (follow-up)" if run.is_follow_up else ""
    if run.cancel_requested and not RunState(run.state).is_terminal:
        extra += " (stopping)"
    who = "by a user" if run.is_user_initiated else "in the background"
    ended = "" if run.finished_at is None else f" {ago(run.finished_at)}"
    state = run.state
    if state == RunState.RUNNING and not _works(run):
        state = "started"  # between two stages, or released: nobody works on it at the moment
    return f"run {run.id} {state}{ended}{extra}, requested {ago(run.created_at)} {who}: {tasks}"


def _works(run: RunView) -> bool:
    return any(task.state == TaskState.RUNNING for task in run.tasks)


def noteworthy_lines(run: RunView) -> list[str]:
    """The noteworthy lines of a run: what its tasks wait for, do, or failed with, and what happens
    next."""
    telling = [task for task in run.tasks if task.state in _TELLING]
    if run.is_follow_up and not telling:
        telling = list(run.tasks[:1])
    return [f"{task.type}: {task_line(task)}" for task in telling]


def trouble_of(state: str, error: str | None) -> str:
    """The last error of a task, until it is retried."""
    return "" if state == TaskState.RUNNING else printable(error or "")


def task_line(task: TaskView) -> str:
    """The progress of a task, its error, and what happens next."""
    trouble = trouble_of(task.state, task.error).removesuffix(".")
    return "; ".join(part for part in (trouble, _progress(task), _reason(task)) if part)


def _reason(task: TaskView) -> str:
    if not task.reason:
        return ""
    return with_advice(_Reason(task.reason_code, task.reason_fields or {}), task.reason)


class _Reason(NamedTuple):
    """Why a task is in its state, in the form in which advice is looked up."""

    code: str | None
    fields: Mapping[str, int]


def run_lines(run: ListedRunView, source: str | None) -> list[str]:
    """Everything that is known about a run."""
    lines = [run_line(run)]
    if source is not None:
        lines.append(f"index {run.index_id}: {printable(source)}")
    for task in run.tasks:
        lines.append(
            f"  {MARKS[task.state]} {task.type:<16} {task.state:<10} {task_line(task)}".rstrip()
        )
        work = ", ".join(_done(name, count) for name, count in to_json(task.work).items() if count)
        if work:
            lines.append(f"      {work}")
        lines += [f"      {_attempt_line(attempt)}" for attempt in task.history or ()]
    return lines


def _done(name: str, count: int) -> str:
    """`files_parsed` as `1 file parsed`, `2 files parsed`."""
    what, _, done = name.partition("_")
    return f"{counted(count, what.removesuffix('s'))} {done.replace('_', ' ')}"


def _attempt_line(attempt: AttemptView) -> str:
    outcome = attempt.outcome or "running"
    if attempt.finished_at is not None and attempt.started_at is not None:
        took = datetime.fromisoformat(attempt.finished_at) - datetime.fromisoformat(
            attempt.started_at
        )
        outcome += f" after {took.total_seconds():.1f} s"
    error = f": {printable(attempt.error)}" if attempt.error else ""
    began = ago(attempt.started_at)
    worker = printable(attempt.worker)
    return f"attempt {attempt.claim_no}, started {began} by {worker}: {outcome}{error}"


def _progress(task: TaskView) -> str:
    if task.state != TaskState.RUNNING or task.progress is None:
        return ""
    operation = task.progress.operation.replace("_", " ").lower()
    total = "" if task.progress.total is None else f" of {task.progress.total}"
    return f"{operation} {task.progress.current}{total}"


def ago(moment: datetime | str | None) -> str:
    """How long ago a time was, in words; text is a time as in JSON."""
    if moment is None:
        return "never"
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    seconds = max(0.0, (datetime.now(UTC) - moment).total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def counted(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
