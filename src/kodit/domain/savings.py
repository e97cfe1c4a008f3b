"""The size of answers compared with the files they name: counts only, nothing about the queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of some answers: their number, their characters, and the bytes of the files that
    they name, each file once per answer."""

    answers: int = 0
    answer_characters: int = 0
    file_bytes: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.answers + other.answers,
            self.answer_characters + other.answer_characters,
            self.file_bytes + other.file_bytes,
        )


@dataclass(frozen=True, slots=True)
class Savings:
    """Costs by tool, and the day of the first answer; None before it."""

    since: date | None = None
    by_tool: Mapping[str, Cost] = field(default_factory=dict)

    def with_answer(self, tool: str, cost: Cost, today: date) -> Savings:
        """The counts with one more answer."""
        total = self.by_tool.get(tool, Cost()) + cost
        return Savings(self.since or today, {**self.by_tool, tool: total})
