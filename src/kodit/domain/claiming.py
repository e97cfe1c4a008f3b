"""Which ready tasks a worker may claim, and in what order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kodit.domain.task import TaskType

READING_TYPES = (TaskType.SYNC, TaskType.EXTRACT, TaskType.ENRICH)
"""The tasks that read the source itself; the last one its commits, to describe them."""


class QueueOrder(StrEnum):
    """The order in which ready tasks are claimed. In neither order does a background task overtake
    a ready user-initiated one."""

    PRIORITY = "priority"
    """`priority DESC`, user-initiated first, `created_at`, `id`."""
    RUN_FIRST = "run_first"
    """User-initiated first, then tasks of runs that have started, then as above: started runs
    finish before others start, for installations where very many indexes share one queue."""


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """The order of claims, and how many tasks of a type may run at once across all workers; a type
    without a limit may use every worker. `host` is the machine of the worker, where several share a
    database: it claims no task of the types `reading`, which read the source itself, for a folder
    of another one."""

    order: QueueOrder = QueueOrder.PRIORITY
    limits: Mapping[TaskType, int] = field(default_factory=dict)
    host: str = field(default="", compare=False)
    reading: tuple[TaskType, ...] = field(default=READING_TYPES, compare=False)

    def has_capacity_for(self, kind: TaskType | str, running: Mapping[TaskType | str, int]) -> bool:
        """Whether one more task of a type may run beside those already running."""
        limit = self.limits.get(kind) if isinstance(kind, TaskType) else None
        return limit is None or running.get(kind, 0) < limit

    def has_source(self, kind: TaskType | str, host: str | None) -> bool:
        """Whether a task of a type may run on this machine for a source of a host; None for one
        that is on every host."""
        return not self.host or host in (None, self.host) or kind not in self.reading


DEFAULT_RULES = ClaimRules()
