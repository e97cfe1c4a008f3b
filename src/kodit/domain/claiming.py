"""Which ready tasks a worker may claim, and in what order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kodit.domain.task import Task, TaskType

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
    of another one, and none for the indexes `declined`, whose secrets it does not have."""

    order: QueueOrder = QueueOrder.PRIORITY
    limits: Mapping[TaskType, int] = field(default_factory=dict)
    host: str = field(default="", compare=False)
    reading: tuple[TaskType, ...] = field(default=READING_TYPES, compare=False)
    declined: frozenset[int] = field(default=frozenset(), compare=False)

    def has_capacity_for(self, kind: TaskType | str, running: Mapping[TaskType | str, int]) -> bool:
        """Whether one more task of a type may run beside those already running."""
        limit = self.limits.get(kind) if isinstance(kind, TaskType) else None
        return limit is None or running.get(kind, 0) < limit

    def may_read(self, task: Task, hosts: Mapping[int, str]) -> bool:
        """Whether a task may run on this machine, whatever it reads; `hosts` are those of the
        folders that not every host has, by index."""
        if not self.host or task.index_id is None or task.type not in self.reading:
            return True
        is_here = hosts.get(task.index_id) in (None, self.host)
        return is_here and task.index_id not in self.declined


DEFAULT_RULES = ClaimRules()
