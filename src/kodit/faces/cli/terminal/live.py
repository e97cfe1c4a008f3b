"""The five tasks of each run, live, while somebody looks."""

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
from kodit.domain.value_objects import RunState, Source, TaskProgress, TaskState
from kodit.faces.cli.terminal.output import printable
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
_BAR_WIDTH = 24


class LiveProgress:
    """Shows runs on standard error as they go."""

    def __init__(self) -> None:
        self._live = Live(console=Console(stderr=True), refresh_per_second=8, transient=True)
        self._seen: dict[int, TaskProgress] = {}
        self._began: dict[tuple[int, int], tuple[float, int]] = {}

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.__exit__(kind, error, traceback)

    def show_operation(self, task: Task, operation: ProgressTracker) -> None:
        """What a task of this process says of itself is newer than what is stored."""
        self._seen[task.id] = TaskProgress(
            operation.operation.name, operation.current, operation.total
        )

    def look_for(self, sources: Sequence[str]) -> None:
        """What is shown until there are runs: a server may take a minute to answer."""
        lines = (f"looking for {printable(source)}" for source in sources)
        self._live.update(Group(*(Text(line, "dim") for line in lines)))

    def show(self, runs: list[IndexRun], sources: Mapping[int, Source]) -> None:
        """The tasks of the run; of several runs those that are under way, and a line for each."""
        if len(runs) == 1:
            self._live.update(self._table(runs[0]))
            return
        parts: list[RenderableType] = []
        for run in runs:
            source = None if run.index_id is None else sources.get(run.index_id)
            mark, style = _OF_RUNS.get(run.state, ("·", "dim"))
            name = "" if source is None else printable(str(source))
            parts.append(Text(f"{mark} {name}", style))
            if run.state is RunState.RUNNING:
                parts.append(Padding(self._table(run), (0, 0, 0, 2)))
        self._live.update(Group(*parts))

    def _table(self, run: IndexRun) -> Table:
        table = Table.grid(padding=(0, 1))
        for task in run.tasks:
            style = _STYLES.get(task.state, "dim")
            progress = self._seen.get(task.id) or task.progress
            if task.state is not TaskState.RUNNING:
                progress = task.progress
            table.add_row(
                Text(MARKS[task.state], style),
                Text(task.type_name, style),
                Text(_bar(task, progress), style),
                Text(self._count(task, progress), "dim"),
                Text(trouble_of(task.state, task.error), "red"),
            )
        return table

    def _count(self, task: Task, progress: TaskProgress | None) -> str:
        if progress is None or not (progress.current or progress.total):
            return ""
        total = f"/{progress.total}" if progress.total is not None else ""
        if task.state is not TaskState.RUNNING:
            return f"{progress.current}{total}"
        now = time.monotonic()
        since, start = self._began.setdefault((task.id, task.claim_no), (now, progress.current))
        rate = (progress.current - start) / (now - since) if now - since > 1 else 0.0
        return f"{progress.current}{total}" + (f"  {rate:.0f}/s" if rate > 0 else "")


def _bar(task: Task, progress: TaskProgress | None) -> str:
    if task.state is TaskState.SUCCEEDED:
        return "━" * _BAR_WIDTH
    if task.state is not TaskState.RUNNING:
        return str(task.state)
    if progress is None or not progress.total:
        return "…"
    return "━" * min(_BAR_WIDTH, round(_BAR_WIDTH * progress.current / progress.total))
