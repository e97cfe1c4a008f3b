"""What a data directory takes on the disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sizes:
    """In bytes, as the disk counts them: the database with its log, the keyword index, the packs of
    vectors, and the clones of git sources. `by_index` has, by identifier, what packs and clone of
    one index take; the rest is shared."""

    database: int = 0
    keyword: int = 0
    vectors: int = 0
    clones: int = 0
    by_index: Mapping[int, int] = field(default_factory=dict)
