"""Live progress of the five tasks of each run, on a terminal."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from kodit.domain.entities import IndexRun, ProgressTracker, Task
from kodit.domain.value_objects import RunState, Source, TaskProgress, TaskState, TaskType
from kodit.faces.cli.terminal import screen
from kodit.faces.cli.terminal.output import printable
from kodit.faces.cli.terminal.pace import Pace, about, elapsed
from kodit.faces.cli.terminal.runs import MARKS, trouble_of

_STYLES = {
    TaskState.RUNNING: "bold cyan",
    TaskState.SUCCEEDED: "green",
    TaskState.FAILED: "bold red",
    TaskState.CANCELLED: "yellow",
}
_OF_RUNS = {
    RunState.RUNNING: ("▶", "bold"),
    RunState.SUCCEEDED: ("✓", "green"),
    RunState.FAILED: ("✗", "bold red"),
    RunState.CANCELLED: ("⊘", "yellow"),
}
_AT_WORK = (TaskState.RUNNING, TaskState.SUCCEEDED, TaskState.FAILED)
_WIDEST_BAR = 24
_NARROWEST_BAR = 4
_LEAST_NAME = 12
_BESIDE_BAR = 48
"""Columns of a row without its bar: sign, stage, count and rate."""
_BESIDE_SHORT_BAR = 33
"""The same without the rate."""


class LiveProgress:
    """Shows running runs on standard error. A row never takes more than one line, whatever the
    width. Nothing is written until there is something to show."""

    def __init__(self, unseen_seconds: float = 0.0) -> None:
        """Runs that have found nothing to do yet are not shown for this long."""
        self._console = (
            Console(stderr=True)
            if screen.has_color(True)
            else Console(stderr=True, no_color=True, color_system=None)
        )
        self._live = Live(console=self._console, refresh_per_second=8, transient=True)
        self._shown_from = time.monotonic() + unseen_seconds
        self.pace = Pace()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live.is_started:
            self._live.__exit__(kind, error, traceback)

    def show_operation(self, task: Task, operation: ProgressTracker) -> None:
        """Use the progress that a task of this process reports, which is newer than what is
        stored."""
        self.pace.update(task, operation)

    def show_sources(self, sources: Sequence[str]) -> None:
        """Show the sources until there are runs: a server may take a minute to answer."""
        room = self._console.width - len("looking for ")
        lines = (f"looking for {shortened(printable(source), room)}" for source in sources)
        self._draw(Group(*(Text(line, "dim") for line in lines)))

    def show(self, runs: list[IndexRun], sources: Mapping[int, Source]) -> None:
        """Show a line for each run, with its source, elapsed and remaining time; below it the tasks
        of each active run, and those of a single run."""
        if not (any(map(_has_work, runs)) or time.monotonic() >= self._shown_from):
            return
        parts: list[RenderableType] = []
        for run in runs:
            source = None if run.index_id is None else sources.get(run.index_id)
            parts.append(self._head(run, "" if source is None else str(source)))
            if run.state is RunState.RUNNING or len(runs) == 1:
                parts += (Padding(part, (0, 0, 0, 2)) for part in self._tasks(run))
        self._draw(Group(*parts))

    def _draw(self, shown: Group) -> None:
        if not self._live.is_started:
            self._live.__enter__()
        self._live.update(shown)

    def _head(self, run: IndexRun, source: str) -> Text:
        mark, style = _OF_RUNS.get(run.state, ("·", "dim"))
        left = [seconds for task in run.tasks if (seconds := self.pace.seconds_left(task))]
        times = [elapsed(run), f"stage {about(max(left))}" if left else ""]
        told = f"  {', '.join(time for time in times if time)}" if any(times) else ""
        room = max(_LEAST_NAME, self._console.width - len(f"{mark} {told}"))
        head = Text(f"{mark} {shortened(printable(source), room)}", style)
        return head.append(told, "dim")

    def _tasks(self, run: IndexRun) -> list[RenderableType]:
        """A table with errors beside the tasks if they fit, and below them otherwise."""
        table = Table.grid(padding=(0, 1))
        width = self._console.width
        below: list[RenderableType] = []
        is_wide = width >= _BESIDE_BAR + _WIDEST_BAR
        bar = min(_WIDEST_BAR, max(_NARROWEST_BAR, width - _BESIDE_SHORT_BAR))
        for task in run.tasks:
            style = _STYLES.get(task.state, "dim")
            row = [
                Text(MARKS[task.state], style),
                Text(task.type_name, style),
                Text(_bar(task, self.pace.progress(task), bar), style),
                Text(self._count(task, with_rate=is_wide), "dim"),
            ]
            trouble = trouble_of(task.state, task.error)
            if trouble and is_wide:
                row.append(Text(trouble, "red"))
            elif trouble:
                below.append(Text(f"{task.type_name}: {trouble}", "red"))
            table.add_row(*row)
        return [table, *below]

    def _count(self, task: Task, *, with_rate: bool) -> str:
        progress = self.pace.progress(task)
        if progress is None or not (progress.current or progress.total):
            return ""
        total = f"/{progress.total}" if progress.total is not None else ""
        rate = self.pace.rate(task)
        speed = f"  {rate:.0f}/s" if rate > 0 and with_rate else ""
        return f"{progress.current}{total}{speed}"


def _has_work(run: IndexRun) -> bool:
    """Whether the scan of the source has found something to do."""
    return any(task.state in _AT_WORK for task in run.tasks if task.type is not TaskType.SYNC)


def _bar(task: Task, progress: TaskProgress | None, width: int) -> str:
    if task.state is TaskState.SUCCEEDED:
        return "━" * width
    if task.state is not TaskState.RUNNING:
        return str(task.state)
    if progress is None or not progress.total:
        return "…"
    return "━" * min(width, round(width * progress.current / progress.total))


def shortened(name: str, room: int) -> str:
    """The end of a name that is too long, which is more specific than its start."""
    return name if len(name) <= room else f"…{name[len(name) - max(1, room - 1) :]}"
