"""Assigning every row of a file to one piece."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kodit.domain.value_objects import Symbol, SymbolKind
from kodit.infrastructure.slicing.limits import JOINED_CHARACTERS, JOINED_LINES, WHOLE_TYPE_LINES
from kodit.infrastructure.slicing.outline import Definition
from kodit.infrastructure.slicing.pieces import Piece, Text, Weight


@dataclass(slots=True)
class _OpenDefinition:
    """A definition that is being split into its parts."""

    owner: int
    symbol: Symbol | None
    last: int
    children: Iterator[Definition]
    head_weight: Weight = Weight.NOTHING
    head_is_next: bool = True


def cover(definitions: Sequence[Definition], text: Text) -> list[Piece]:
    """Pieces in order that together hold all rows, except blank rows at their ends.

    A definition that fits is one piece. A class is split into its head, its members, and the runs
    of lines between them; so is a function that is too long, around the definitions inside it.
    """
    pieces: list[Piece] = []
    row = 0
    opened = 0

    def add(last: int, symbol: Symbol | None, weight: Weight, owner: int) -> None:
        nonlocal row
        if rows := text.trimmed(row, last):
            pieces.append(Piece(*rows, symbol, weight, owner))
        row = max(row, last + 1)

    def add_between(current: _OpenDefinition, last: int) -> None:
        if row > last:
            return
        is_head = current.head_is_next and current.owner > 0
        weight = current.head_weight if is_head else Weight.NOTHING
        add(last, current.symbol, weight, current.owner)
        if current.head_is_next:
            current.head_is_next = False
            if current.symbol and current.symbol.kind is SymbolKind.MODULE:
                current.symbol = None

    stack = [_OpenDefinition(0, None, len(text.lines) - 1, iter(definitions))]
    while stack:
        current = stack[-1]
        child = next(current.children, None)
        if child is None:
            add_between(current, current.last)
            stack.pop()
            continue
        if child.last < row:
            continue
        add_between(current, child.first - 1)
        last = min(child.last, current.last)
        if _stays_whole(child, row, last, text):
            symbol = child.symbol
            add(last, symbol, _weight(symbol), current.owner)
        else:
            opened += 1
            head = child.symbol if child.kind else None
            weight = Weight.PLACE if child.is_place else _weight(head)
            stack.append(_OpenDefinition(opened, head, last, iter(child.children), weight))
    return pieces


def _stays_whole(definition: Definition, first: int, last: int, text: Text) -> bool:
    if not definition.children:
        return True
    if definition.kind is SymbolKind.SECTION:
        return last - first < JOINED_LINES and text.characters(first, last) <= JOINED_CHARACTERS
    if definition.is_container:
        return last - first < WHOLE_TYPE_LINES and text.fits(first, last)
    return text.fits(first, last)


def _weight(symbol: Symbol | None) -> Weight:
    if symbol is None:
        return Weight.NOTHING
    return Weight.VALUE if symbol.kind is SymbolKind.CONSTANT else Weight.DEFINITION
