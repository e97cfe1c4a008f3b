"""The map of a repository: its most important definitions, within a token budget."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_BUDGET = 1_500
LEAST_BUDGET = 100
MOST_BUDGET = 20_000
LONGEST_LINE = 120
"""The maximum length of a definition's line, in characters."""


@dataclass(frozen=True, slots=True)
class MappedDefinition:
    """A definition and the line that names it."""

    symbol: str
    kind: str
    scope: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class MappedFile:
    """A file with its most important definitions, by line; `importance` is its share of the total,
    0 to 1."""

    path: str
    language: str
    importance: float
    definitions: tuple[MappedDefinition, ...]


@dataclass(frozen=True, slots=True)
class RepositoryMap:
    """The most important files of an index, best first; `total` is the number of all its files."""

    index_id: int
    source: str
    files: tuple[MappedFile, ...]
    total: int


def cost_of(path: str) -> int:
    """The characters that a file's line takes in an answer."""
    return len(path) + 2


def cost_of_line(text: str) -> int:
    """The characters that a definition's line takes, with its line number."""
    return min(len(text), LONGEST_LINE) + 8
