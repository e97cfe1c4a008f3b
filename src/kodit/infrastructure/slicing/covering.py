"""Giving every row of a file to one piece."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kodit.domain.snippet import Symbol, SymbolKind
from kodit.infrastructure.slicing.limits import WHOLE_TYPE_LINES
from kodit.infrastructure.slicing.outline import Definition
from kodit.infrastructure.slicing.pieces import Piece, Text


@dataclass(slots=True)
class _Open:
    """A definition that is being cut into its parts."""

    owner: int
    symbol: Symbol | None
    last: int
    children: Iterator[Definition]
    repeats_symbol: bool = True


def cover(definitions: Sequence[Definition], text: Text) -> list[Piece]:
    """Pieces that share out all rows but blank ones at their ends, in order.

    A definition that fits is one piece. A class is cut into its head, its members, and the runs
    of lines between them; so is a function that is too long, around those inside it.
    """
    pieces: list[Piece] = []
    row = 0
    opened = 0

    def add(last: int, symbol: Symbol | None, owner: int) -> None:
        nonlocal row
        if rows := text.trimmed(row, last):
            pieces.append(Piece(*rows, symbol, owner))
        row = max(row, last + 1)

    stack = [_Open(0, None, len(text.lines) - 1, iter(definitions))]
    while stack:
        current = stack[-1]
        child = next(current.children, None)
        if child is None:
            add(current.last, current.symbol, current.owner)
            stack.pop()
            continue
        if child.first > row:
            add(child.first - 1, current.symbol, current.owner)
            if not current.repeats_symbol:
                current.symbol = None
        if child.last < row:
            continue
        last = min(child.last, current.last)
        symbol = child.symbol
        if _stays_whole(child, row, last, text):
            add(last, symbol, current.owner)
        else:
            opened += 1
            repeats = child.kind is not SymbolKind.MODULE
            stack.append(_Open(opened, symbol, last, iter(child.children), repeats))
    return pieces


def _stays_whole(definition: Definition, first: int, last: int, text: Text) -> bool:
    if not definition.children:
        return True
    if definition.is_container:
        return last - first < WHOLE_TYPE_LINES and text.fits(first, last)
    return text.fits(first, last)
