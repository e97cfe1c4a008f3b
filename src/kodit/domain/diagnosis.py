"""What can be wrong with a data directory, and what repairs it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kodit.domain.errors import Field


class Area(StrEnum):
    """What is looked at, in the order of repair: each trusts those before it."""

    DATABASE = "database"
    QUEUE = "queue"
    LEFTOVERS = "leftovers"
    CREDENTIALS = "credentials"
    FILES = "files"
    CLONES = "clones"
    ENRICHMENTS = "enrichments"
    VECTORS = "vectors"
    KEYWORD = "keyword index"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it should be, in one line, and in another what a repair does. Where
    there is something to do for the user, a `code` and `fields` tell it, as those of an error.

    `repair` repairs it, may be run twice, and looks again at what is still wrong before it changes
    anything; None where only the user can help, which `remedy` then tells. Afterwards the keyword
    index of the indexes in `relog` has changes to follow, and those in `refresh` have stages to
    run.
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
    """What an examination found and, where it was followed by a repair, what is still wrong.
    `freeable` is how many bytes of the database are free and could be released, which is not a
    problem."""

    found: tuple[Problem, ...]
    remaining: tuple[Problem, ...]
    freeable: int = 0

    @property
    def is_healthy(self) -> bool:
        return not self.remaining
