"""Which of the ready tasks a worker may take, and which of them first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kodit.domain.task import TaskType


class QueueOrder(StrEnum):
    """In what order ready tasks are claimed. Neither lets a background task overtake a ready
    user-initiated one."""

    PRIORITY = "priority"
    """`priority DESC`, user-initiated first, `created_at`, `id`."""
    RUN_FIRST = "run_first"
    """User-initiated first, then tasks of runs that have started, then as above: what was started
    is finished before more is started, where very many indexes share one queue."""


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """The order, and how many tasks of a type may run at once over all workers; a type that is
    not named may run as often as there are workers for it."""

    order: QueueOrder = QueueOrder.PRIORITY
    limits: Mapping[TaskType, int] = field(default_factory=dict)

    def has_capacity_for(self, kind: TaskType | str, running: Mapping[TaskType | str, int]) -> bool:
        """Whether one more task of a type may run beside those that do."""
        limit = self.limits.get(kind) if isinstance(kind, TaskType) else None
        return limit is None or running.get(kind, 0) < limit


DEFAULT_RULES = ClaimRules()
