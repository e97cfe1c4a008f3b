"""Indexes, runs, tasks and results as text."""

from __future__ import annotations

from datetime import UTC, datetime

from kodit.application.services.index_service import IndexStatus
from kodit.domain.run import IndexRun, RunState
from kodit.domain.search import SearchResult
from kodit.domain.task import Task, TaskAttempt, TaskState
from kodit.terminal.output import print_line, printable

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


def show_results(results: list[SearchResult], lines: int) -> None:
    """Place and symbol of each result, and at most `lines` lines of its text."""
    sources = {result.snippet.source for result in results}
    for number, result in enumerate(results, 1):
        snippet = result.snippet
        place = f"{printable(snippet.path)}:{snippet.start_line}-{snippet.end_line}"
        if len(sources) > 1:
            place = f"{printable(snippet.source)} {place}"
        name = f"{snippet.scope}.{snippet.symbol}" if snippet.scope else snippet.symbol
        symbol = f"  {snippet.kind} {printable(name)}" if name and snippet.symbol else ""
        print_line(f"{number:>2}. {place}{symbol}  ({result.score:.4f})")
        text = snippet.text.splitlines()
        for line in text[:lines]:
            print_line(f"    {printable(line, keep=chr(9))}")
        if lines and len(text) > lines:
            print_line(f"    … {len(text) - lines} more lines")
        if lines:
            print_line()


def show_statuses(statuses: list[IndexStatus]) -> None:
    for status in statuses:
        show_status(status)


def show_status(status: IndexStatus) -> None:
    """An index in a few lines: what it holds, how it stands, what was wrong with its files."""
    index, summary = status.summary.index, status.summary
    when = f"complete {ago(index.updated_at)}" if index.updated_at else "not complete yet"
    print_line(f"[{index.id}] {printable(str(index.source))}")
    print_line(f"    {summary.files} files, {summary.snippets} snippets, {when}")
    if status.run is not None and status.run.state is not RunState.SUCCEEDED:
        print_line(f"    {run_line(status.run)}")
        for line in errors_of(status.run):
            print_line(f"    {line}")
    if summary.problems:
        print_line(f"    read in a lesser way: {_counts(summary.problems)}")
    if index.working_copy.skipped:
        print_line(f"    left out: {_counts(index.working_copy.skipped)}")


def run_line(run: IndexRun) -> str:
    """A run in one line."""
    tasks = " ".join(f"{MARKS[task.state]}{task.type_name}" for task in run.tasks)
    extra = " (waits for the run before it)" if run.is_follow_up else ""
    if run.cancel_requested and not run.state.is_terminal:
        extra += " (stopping)"
    who = "user" if run.is_user_initiated else "background"
    return f"run {run.id} {run.state}{extra}, {who}, asked {ago(run.created_at)}: {tasks}"


def errors_of(run: IndexRun) -> list[str]:
    """What is wrong with the tasks of a run, and what happens next."""
    return [
        f"{task.type_name}: {printable(task.error)}{_next_step(task, run)}"
        for task in run.tasks
        if task.error
    ]


def _next_step(task: Task, run: IndexRun) -> str:
    if task.state is TaskState.FAILED:
        if run.state is RunState.FAILED:
            return f" — `kodit queue retry {run.id}` runs it again"
        return ""
    if task.state is TaskState.READY and task.available_at is not None:
        wait = (task.available_at - datetime.now(UTC)).total_seconds()
        when = f"in {wait:.0f} s" if wait > 0 else "now"
        return f" — failed {task.failures} times, tried again {when}"
    return ""


def show_run(run: IndexRun, source: str | None, attempts: dict[int, list[TaskAttempt]]) -> None:
    """Everything that is known of a run."""
    print_line(run_line(run))
    if source is not None:
        print_line(f"index {run.index_id}: {printable(source)}")
    for task in run.tasks:
        print_line(f"  {MARKS[task.state]} {task.type_name:<16} {task.state:<10} {why(task, run)}")
        work = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in task.work.items())
        if work:
            print_line(f"      {work}")
        for attempt in attempts.get(task.id, []):
            outcome = attempt.outcome or "running"
            error = f": {printable(attempt.error)}" if attempt.error else ""
            print_line(
                f"      attempt {attempt.claim_no} {ago(attempt.started_at)} by {attempt.worker}, "
                f"{outcome}{error}"
            )


def why(task: Task, run: IndexRun) -> str:
    """Why a task stands where it does, for somebody who wants it to move."""
    match task.state:
        case TaskState.BLOCKED:
            reason = "waits for the stages before it"
            if run.is_follow_up:
                reason = "waits for the run before it to end"
            elif run.state is RunState.FAILED:
                reason = "will not start: a stage before it failed"
        case TaskState.READY:
            reason = f"ready at priority {task.priority}; waits for a worker to be free"
            if task.available_at and task.available_at > datetime.now(UTC):
                wait = (task.available_at - datetime.now(UTC)).total_seconds()
                reason = f"tried again in {wait:.0f} s after {task.failures} failures"
        case TaskState.RUNNING:
            done = task.progress
            how_far = "" if done is None else f"{done.current} of {done.total or '?'}, "
            reason = f"{how_far}held by {task.worker}"
        case _:
            reason = ""
    return (
        f"{reason}: {printable(task.error)}"
        if task.error and reason
        else (reason or printable(task.error or ""))
    )


def ago(moment: datetime | None) -> str:
    """How long something has been past, in words."""
    if moment is None:
        return "never"
    seconds = max(0.0, (datetime.now(UTC) - moment).total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))
