"""The size of answers, against that of the files they name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from kodit.domain.savings import Cost, Savings
from kodit.domain.search import CHARACTERS_PER_TOKEN


@dataclass(frozen=True, slots=True)
class ToolSavingsView:
    """The answers of one tool, in tokens of four characters."""

    tool: str
    answers: int
    answer_tokens: int
    file_tokens: int

    @classmethod
    def of(cls, tool: str, cost: Cost) -> Self:
        return cls(
            tool=tool,
            answers=cost.answers,
            answer_tokens=cost.answer_characters // CHARACTERS_PER_TOKEN,
            file_tokens=cost.file_bytes // CHARACTERS_PER_TOKEN,
        )


@dataclass(frozen=True, slots=True)
class SavingsView:
    """All answers since a day; null before the first one."""

    since: str | None
    total: ToolSavingsView
    tools: tuple[ToolSavingsView, ...]

    @classmethod
    def of(cls, savings: Savings) -> Self:
        costs = sorted(savings.by_tool.items())
        return cls(
            since=None if savings.since is None else savings.since.isoformat(),
            total=ToolSavingsView.of("all", sum((cost for _tool, cost in costs), Cost())),
            tools=tuple(ToolSavingsView.of(tool, cost) for tool, cost in costs),
        )
