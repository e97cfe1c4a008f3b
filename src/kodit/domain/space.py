"""The disk usage of a data directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes in bytes, as allocated on the disk: the database with its log, the keyword index, the
    packs of vectors, and the clones of git sources. `by_index` maps an identifier to the size of
    the index's packs and clone; the rest is shared."""

    database: int = 0
    keyword: int = 0
    vectors: int = 0
    clones: int = 0
    by_index: Mapping[int, int] = field(default_factory=dict)
