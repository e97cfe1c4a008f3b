"""Storage for the counts of answers."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from kodit.domain.savings import Cost, Savings


class SavingsStore(Protocol):
    """Counts on this machine. Synchronous."""

    def load(self) -> Savings:
        """The counts so far; empty if they cannot be read."""
        ...

    def add(self, tool: str, cost: Cost, today: date) -> None:
        """Count an answer. Never fails: a count that cannot be written is dropped."""
        ...
