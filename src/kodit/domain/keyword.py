"""The log of changes that a keyword index follows, and its position in that log.

Sequence numbers alone do not identify a position: a database that was restored from a backup, or
that lost its last transactions in a crash, assigns the same numbers again. So each index has a
`generation`, a random name given when its log was started, and each change a random `token`. A
keyword index matches the database if, and only if, its position is the last acknowledged change or
one that still waits to be acknowledged.
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
    """How far an index was followed: the last change, and the generation of its log."""

    generation: str
    seq: int
    token: int


@dataclass(frozen=True, slots=True)
class KeywordChange:
    """An entry of the log; `seq` only grows within a generation. `snippet` is set for additions
    that still hold."""

    seq: int
    snippet_id: int
    operation: KeywordOperation
    snippet: StoredSnippet | None = None
    token: int = 0


@dataclass(frozen=True, slots=True)
class KeywordLog:
    """The oldest unacknowledged changes of an index. `follows` is the last acknowledged change;
    None if the log was started from nothing."""

    generation: str
    follows: KeywordPosition | None
    changes: Sequence[KeywordChange]


@dataclass(frozen=True, slots=True)
class KeywordBatch:
    """Consecutive changes of one index, folded: first delete, then add, then acknowledge `seq`.
    `tokens` are those of all changes, by `seq`. With `replaces`, the additions are the beginning of
    what an engine holds that could not continue; until it has all of them, `seq` is negative."""

    index_id: int
    seq: int
    deletions: Sequence[int]
    additions: Sequence[StoredSnippet]
    generation: str = ""
    follows: KeywordPosition | None = None
    tokens: Mapping[int, int] = field(default_factory=dict)
    replaces: bool = False

    @property
    def reached(self) -> KeywordPosition:
        """The position of an engine that has applied the batch."""
        return KeywordPosition(self.generation, self.seq, self.tokens[self.seq])

    def continues(self, position: KeywordPosition | None) -> bool:
        """Whether an engine at this position may apply the batch: it is just before the first
        change, or at one of the changes, since a batch may be applied twice."""
        if self.replaces:
            return True
        if position is None or position.generation != self.generation:
            return self.follows is None
        return position == self.follows or self.tokens.get(position.seq) == position.token
