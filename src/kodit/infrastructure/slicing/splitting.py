"""Splitting a run of lines that is too long for one snippet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from kodit.infrastructure.slicing.pieces import Text

CutCost = Callable[[int], int]
"""The cost of starting a snippet at a row; lower is better."""


_SHORTEST_REST = 8
"""A split that leaves fewer rows than this for the last snippet is avoided if another costs about
the same.
"""

_SHORT_REST_COST = 3
_UNDERLINE = re.compile(r"([=\-~^\"#*+`])\1{2,}\s*")


def split(text: Text, first: int, last: int, cost: CutCost) -> Iterator[tuple[int, int]]:
    """Rows `first` to `last` as runs that each fit one snippet, split where it costs least.

    Splits are considered in the second half of the longest run that fits, so that only the last
    snippet may be shorter than half of the limit; of equal costs the later row wins. A single line
    that is too long stays whole.
    """

    def cost_with_rest(row: int) -> int:
        return cost(row) + (_SHORT_REST_COST if last - row < _SHORTEST_REST else 0)

    while not text.fits(first, last):
        end = text.last_that_fits(first) + 1
        if end > last:
            break
        earliest = first + max(1, (end - first) // 2)
        is_near_end = last - end < _SHORTEST_REST
        best = min(range(end, earliest - 1, -1), key=cost_with_rest if is_near_end else cost)
        yield first, best - 1
        first = best
    yield first, last


def line_cost(text: Text) -> CutCost:
    """The cost of splitting text of unknown structure: lowest before an underlined heading, then
    after a blank line, then at the least indentation.
    """
    lines = text.lines

    def cost(row: int) -> int:
        line = lines[row]
        rest = line.lstrip()
        if not rest:
            return 1_000
        if row + 1 < len(lines) and _UNDERLINE.fullmatch(lines[row + 1]):
            return -10
        indentation = min(len(line) - len(rest), 100)
        before = lines[row - 1]
        return indentation * 2 + (0 if not before or before.isspace() else 41)

    return cost
