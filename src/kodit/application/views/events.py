"""The content of events, besides runs and the standing of indexes."""

from __future__ import annotations

from dataclasses import dataclass

from kodit.application.views.runs import TaskView


@dataclass(frozen=True, slots=True)
class TaskEventView:
    """A task that has changed, and the run it belongs to."""

    run_id: int
    index_id: int | None
    task: TaskView


@dataclass(frozen=True, slots=True)
class DeletedIndexView:
    """An index that was deleted."""

    index_id: int
    state: str = "deleted"
