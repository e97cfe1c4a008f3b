"""Where a definition may be split, according to the syntax tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kodit.infrastructure.decoding import is_blank
from kodit.infrastructure.slicing.budget import Budget
from kodit.infrastructure.slicing.pieces import Text
from kodit.infrastructure.slicing.splitting import CutCost

if TYPE_CHECKING:
    from tree_sitter import Tree


_SMALLEST_OPENED = 3
"""Nodes with fewer rows are not descended into: splitting them gains nothing."""

_STEPS_PER_CHECK = 1_024
"""Nodes visited between two checks of the budget."""


def tree_cost(tree: Tree, text: Text, first: int, last: int, budget: Budget) -> CutCost:
    """The cost of starting a snippet at each of the rows `first` to `last`: the depth in the tree
    of the node that begins on the row, less after a blank line. Raises GaveUpError.
    """
    depths = _depths(tree, text, first, last, budget)
    lines = text.lines
    nowhere = max(depths.values(), default=0) + 1

    def cost(row: int) -> int:
        return 2 * depths.get(row, nowhere) + (not is_blank(lines[row - 1]))

    return cost


def _depths(tree: Tree, text: Text, first: int, last: int, budget: Budget) -> dict[int, int]:
    """For each row whose line begins with a node, the depth of the outermost such node.

    Walks with a cursor, because the trees of hostile files are deeper than Python's stack.
    """
    lines = text.lines
    depths: dict[int, int] = {}
    cursor = tree.walk()
    depth = 0
    steps = 0
    has_node = cursor.goto_first_child_for_point((first, 0)) is not None
    while has_node:
        steps += 1
        if steps % _STEPS_PER_CHECK == 0:
            budget.check()
        node = cursor.node
        if node is None:
            break
        start = node.start_point
        row = start.row
        if row <= last:
            if first <= row and node.is_named and row not in depths:
                line = lines[row]
                if len(line) - len(line.lstrip()) >= start.column:
                    depths[row] = depth
            if (
                node.end_point.row - row >= _SMALLEST_OPENED
                and cursor.goto_first_child_for_point((max(first, row), 0)) is not None
            ):
                depth += 1
                continue
            if cursor.goto_next_sibling():
                continue
        has_node = False
        while depth and not has_node:
            cursor.goto_parent()
            depth -= 1
            has_node = cursor.goto_next_sibling()
    return depths
