"""A run of lines that will become a snippet."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import accumulate

from kodit.domain.snippet import Extent, PlacedSymbol
from kodit.domain.value_objects import Symbol
from kodit.infrastructure.decoding import is_blank
from kodit.infrastructure.slicing.limits import MAX_CHARACTERS, MAX_LINES


class Weight(IntEnum):
    """How much a piece deserves to be a snippet of its own."""

    NOTHING = 0
    """Defines nothing, or continues the piece above."""
    PLACE = 1
    """The head of a module or namespace."""
    VALUE = 2
    """A constant."""
    DEFINITION = 3


@dataclass(slots=True)
class Piece:
    """Rows `first` to `last` (from 0, both included) and the symbol that they define.

    `owner` is the number of the definition that this is part of (0: the file); `is_small` means
    tiny, or a few tiny pieces joined.
    """

    first: int
    last: int
    symbol: Symbol | None = None
    weight: Weight = Weight.NOTHING
    owner: int = 0
    is_small: bool = False
    also_defines: tuple[PlacedSymbol, ...] = ()
    mentions: str = ""
    extents: tuple[Extent, ...] = ()


class Text:
    """The lines of a file; the size of any run of lines takes constant time."""

    __slots__ = ("_before", "lines")

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self._before = [0, *accumulate(map(len, lines))]

    def characters(self, first: int, last: int) -> int:
        """Characters in rows `first` to `last`, without line ends."""
        return self._before[last + 1] - self._before[first]

    def fits(self, first: int, last: int) -> bool:
        """Whether these rows fit in one snippet."""
        return last - first < MAX_LINES and self.characters(first, last) <= MAX_CHARACTERS

    def last_that_fits(self, first: int) -> int:
        """The last row of the longest run from `first` that fits in one snippet, at least
        `first`.
        """
        limit = self._before[first] + MAX_CHARACTERS
        high = min(first + MAX_LINES, len(self.lines)) + 1
        return max(first, bisect_right(self._before, limit, first, high) - 2)

    def trimmed(self, first: int, last: int) -> tuple[int, int] | None:
        """The rows without blank ones at either end, or None if all are blank."""
        lines = self.lines
        while first <= last and is_blank(lines[first]):
            first += 1
        while last >= first and is_blank(lines[last]):
            last -= 1
        return (first, last) if first <= last else None
