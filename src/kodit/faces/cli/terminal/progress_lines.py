"""Progress of indexing as lines, for logs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from kodit.domain.entities import IndexRun, Task
from kodit.domain.run import WAITING_CODES
from kodit.domain.value_objects import Source, TaskState
from kodit.faces.cli.terminal.output import printable, say
from kodit.faces.cli.terminal.pace import Pace, about, elapsed, lasting, seconds_of

SECONDS_BETWEEN_LINES = 10.0
_ENDED = {
    TaskState.SUCCEEDED: "done",
    TaskState.FAILED: "failed",
    TaskState.CANCELLED: "cancelled",
}


class ProgressLines:
    """Reports when a source starts and when a stage ends, and every ten seconds in between the
    progress; with `only_long`, only the latter. Each line starts with the index."""

    def __init__(self, *, only_long: bool = False) -> None:
        self.pace = Pace()
        self._only_long = only_long
        self._said_at = time.monotonic()
        self._announced: set[int] = set()
        self._ended: set[tuple[int, int]] = set()

    def show(self, runs: Sequence[IndexRun], sources: Mapping[int, Source]) -> None:
        """Report the changes of these runs."""
        for run in runs:
            if not self._only_long:
                self._announce(run, sources)
                self._say_ended(run)
        self._say_under_way(runs)

    def _announce(self, run: IndexRun, sources: Mapping[int, Source]) -> None:
        source = None if run.index_id is None else sources.get(run.index_id)
        if run.started_at is not None and run.id not in self._announced and source is not None:
            self._announced.add(run.id)
            self._say(run, f"indexing {printable(str(source))}")

    def _say_ended(self, run: IndexRun) -> None:
        for task in run.tasks:
            attempt = task.id, task.claim_no
            about = task.error_about
            is_waiting = task.state is TaskState.READY and about is not None
            is_known = about is None or about.code not in WAITING_CODES or attempt in self._ended
            if is_waiting and not is_known:
                self._ended.add(attempt)
                self._say(run, f"{task.type_name} {printable(str(task.error))}")
            if task.state in _ENDED and attempt not in self._ended and task.started_at is not None:
                self._ended.add(attempt)
                seconds = seconds_of(task.started_at, task.finished_at) or 0.0
                parts = [_ENDED[task.state], self._count(task), lasting(seconds)]
                self._say(run, f"{task.type_name} {', '.join(part for part in parts if part)}")

    def _say_under_way(self, runs: Sequence[IndexRun]) -> None:
        running = [
            (run, task) for run in runs for task in run.tasks if task.state is TaskState.RUNNING
        ]
        rates = [self.pace.rate(task) for _run, task in running]
        if not rates or time.monotonic() - self._said_at < SECONDS_BETWEEN_LINES:
            return
        for run, task in running:
            left = self.pace.seconds_left(task)
            parts = [self._count(task), elapsed(run), "" if left is None else about(left)]
            self._say(run, f"{task.type_name} {', '.join(part for part in parts if part)}")

    def _count(self, task: Task) -> str:
        progress = self.pace.progress(task)
        if progress is None or not (progress.current or progress.total):
            return ""
        if progress.total is None or progress.total == progress.current:
            return f"{progress.current}"
        return f"{progress.current} of {progress.total}"

    def _say(self, run: IndexRun, text: str) -> None:
        self._said_at = time.monotonic()
        say(f"[{run.index_id}] {text}".rstrip())
