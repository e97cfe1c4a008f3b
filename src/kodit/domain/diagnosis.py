"""Problems of a data directory, and their repairs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kodit.domain.errors import Field


class Area(StrEnum):
    """The areas that are examined, in the order of repair: each one relies on those before it."""

    DATABASE = "database"
    QUEUE = "queue"
    LEFTOVERS = "leftovers"
    CREDENTIALS = "credentials"
    FILES = "files"
    CLONES = "clones"
    ENRICHMENTS = "enrichments"
    VECTORS = "vectors"
    KEYWORD = "keyword index"
    ENDPOINTS = "endpoints"


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem in one line, and in another line what its repair does. If the user has to act,
    `code` and `fields` identify it, as in an error.

    `repair` may run twice, and checks again what is still wrong before it changes anything; it is
    None where only the user can help, as `remedy` explains. After the repair, the indexes in
    `relog` have keyword changes to apply, and those in `refresh` have stages to run.
    """

    area: Area
    what: str
    remedy: str
    index_id: int | None = None
    repair: Callable[[], Awaitable[None]] | None = field(default=None, repr=False, compare=False)
    relog: frozenset[int] = frozenset()
    refresh: frozenset[int] = frozenset()
    code: str | None = None
    fields: Mapping[str, Field] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The problems that an examination found and, if a repair followed, those that remain.
    `freeable` is how many unused bytes of the database could be released, which is not a
    problem."""

    found: tuple[Problem, ...]
    remaining: tuple[Problem, ...]
    freeable: int = 0

    @property
    def is_healthy(self) -> bool:
        return not self.remaining
