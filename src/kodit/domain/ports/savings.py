"""Where the counts of answers are kept."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from kodit.domain.savings import Cost, Savings


class SavingsStore(Protocol):
    """Counts on this machine. Synchronous."""

    def load(self) -> Savings:
        """What was counted so far; nothing where that cannot be read."""
        ...

    def add(self, tool: str, cost: Cost, today: date) -> None:
        """Count an answer. Counts are no reason to fail: what cannot be written is lost."""
        ...
