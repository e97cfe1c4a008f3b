"""The log that a keyword index follows, and how far it has followed it.

Numbers alone do not tell where an engine stands: a database that was restored from an older copy,
or that lost its last transactions with the machine, gives out the same numbers again. So each
index has a `generation`, a random name that its log was started with, and each change a random
`token`. What an engine holds fits the database if, and only if, its position is the last one that
was acknowledged, or is that of a change that still waits to be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from kodit.domain.search import StoredSnippet


class KeywordOperation(StrEnum):
    """What happened to a snippet."""

    ADD = "add"
    REMOVE = "remove"


class KeywordPosition(NamedTuple):
    """How far an index was followed: the last change, and the generation of the log it was in."""

    generation: str
    seq: int
    token: int


@dataclass(frozen=True, slots=True)
class KeywordChange:
    """An entry of the log; within a generation `seq` only grows. `snippet` is there for additions
    that still hold."""

    seq: int
    snippet_id: int
    operation: KeywordOperation
    snippet: StoredSnippet | None = None
    token: int = 0


@dataclass(frozen=True, slots=True)
class KeywordLog:
    """The oldest changes of an index that are not acknowledged. `follows` is the last change that
    was; None where the log was started from nothing."""

    generation: str
    follows: KeywordPosition | None
    changes: Sequence[KeywordChange]


@dataclass(frozen=True, slots=True)
class KeywordBatch:
    """Consecutive changes of one index, folded: first delete, then add, then acknowledge `seq`.
    `tokens` are those of all changes, by `seq`."""

    index_id: int
    seq: int
    deletions: Sequence[int]
    additions: Sequence[StoredSnippet]
    generation: str = ""
    follows: KeywordPosition | None = None
    tokens: Mapping[int, int] = field(default_factory=dict)

    @property
    def reached(self) -> KeywordPosition:
        """Where an engine stands that has applied the batch."""
        return KeywordPosition(self.generation, self.seq, self.tokens[self.seq])

    def continues(self, position: KeywordPosition | None) -> bool:
        """Whether an engine at this position may apply the batch: it stands before the first
        change, or at one of them, since a batch may be applied twice."""
        if position is None or position.generation != self.generation:
            return self.follows is None
        return position == self.follows or self.tokens.get(position.seq) == position.token
