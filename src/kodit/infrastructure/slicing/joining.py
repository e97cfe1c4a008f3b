"""Joining pieces that are too small to be snippets of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from kodit.domain.value_objects import Symbol
from kodit.infrastructure.slicing.limits import (
    JOINED_CHARACTERS,
    JOINED_LINES,
    TINY_CHARACTERS,
    TINY_LINES,
)
from kodit.infrastructure.slicing.outline import TYPES
from kodit.infrastructure.slicing.pieces import Piece, Text, Weight

_CLOSERS = re.compile(r"(?:[\s\])}>;,]|\bend\b)*")
_CONSTRUCTORS = frozenset({"__init__", "__construct", "constructor", "initialize", "init", "new"})


def join(pieces: Iterable[Piece], text: Text) -> list[Piece]:
    """The pieces, with small neighbours joined.

    * The clauses of one function stay together, and so do a function's signature and body.
    * A class takes in its constructor when both are short.
    * A tiny piece that defines nothing is joined with a neighbour.
    * Tiny pieces that define something are joined with pieces of the same kind. The first gives the
      symbol, but several constants become a run of code without a symbol.
    """
    close = _glued(pieces, _continues)
    for piece in close:
        piece.is_small = _is_tiny(piece, text)
    joined: list[Piece] = []
    for piece, following in zip(close, [*close[1:], None], strict=True):
        before = joined[-1] if joined else None
        if (
            before is not None
            and _belong_together(before, piece, text)
            and not _goes_down(before, piece, following)
        ):
            joined[-1] = _joined(before, piece, text)
        else:
            joined.append(piece)
    return joined


def with_closers(pieces: Iterable[Piece], text: Text) -> list[Piece]:
    """The pieces, with each line of closing brackets at the end of the piece it closes, even if
    that makes the piece longer than a snippet should be.
    """
    return _glued(pieces, lambda _, piece: _closes(piece, text))


def _glued(pieces: Iterable[Piece], belongs: Callable[[Piece, Piece], bool]) -> list[Piece]:
    glued: list[Piece] = []
    for piece in pieces:
        if glued and belongs(glued[-1], piece):
            glued[-1].last = piece.last
        else:
            glued.append(piece)
    return glued


def _closes(piece: Piece, text: Text) -> bool:
    return _is_tiny(piece, text) and all(
        _CLOSERS.fullmatch(text.lines[row]) for row in range(piece.first, piece.last + 1)
    )


def _is_tiny(piece: Piece, text: Text) -> bool:
    return (
        piece.last - piece.first < TINY_LINES
        and text.characters(piece.first, piece.last) <= TINY_CHARACTERS
    )


def _continues(before: Piece, piece: Piece) -> bool:
    return (
        before.weight is Weight.DEFINITION
        and before.owner == piece.owner
        and before.symbol == piece.symbol
        and before.last - before.first < TINY_LINES
    )


def _belong_together(before: Piece, after: Piece, text: Text) -> bool:
    if not text.fits(before.first, after.last):
        return False
    lighter, heavier = sorted((before, after), key=lambda piece: piece.weight)
    if lighter.weight < Weight.VALUE:
        return _is_tiny(lighter, text) or (
            after.is_small
            and heavier.weight in (Weight.NOTHING, Weight.VALUE)
            and before.owner == after.owner
        )
    if before.owner != after.owner or before.weight != after.weight:
        return False
    return before.symbol == after.symbol or (
        after.last - before.first < JOINED_LINES
        and text.characters(before.first, after.last) <= JOINED_CHARACTERS
        and _are_alike(before, after)
    )


def _are_alike(before: Piece, after: Piece) -> bool:
    if _is_type(before.symbol) or _is_type(after.symbol):
        return _constructs(after.symbol, before.symbol)
    return before.is_small and after.is_small


def _is_type(symbol: Symbol | None) -> bool:
    return symbol is not None and symbol.kind in TYPES


def _constructs(symbol: Symbol | None, owner: Symbol | None) -> bool:
    return (
        symbol is not None
        and owner is not None
        and symbol.scope == owner.qualified_name
        and symbol.name in {*_CONSTRUCTORS, owner.name}
    )


def _goes_down(before: Piece, piece: Piece, following: Piece | None) -> bool:
    """Whether a piece that defines nothing belongs to the next piece rather than to the previous
    one: nothing separates it from the next, or both are part of the same definition.
    """
    if following is None or piece.weight > Weight.PLACE or not piece.is_small:
        return False
    if before.is_small and before.weight <= Weight.PLACE:
        return False
    if piece.weight is Weight.PLACE:
        return True
    if before.is_small:
        return False
    above, below = piece.first - before.last, following.first - piece.last
    return (below == 1 < above) or before.owner != piece.owner == following.owner


def _joined(before: Piece, after: Piece, text: Text) -> Piece:
    heavier = before if before.weight >= after.weight else after
    if before.weight is after.weight is Weight.PLACE:
        heavier = after  # of nested namespaces the inner name is more specific
    symbol, weight = heavier.symbol, heavier.weight
    if weight is Weight.VALUE and before.symbol != after.symbol:
        all_of_it = text.characters(before.first, after.last)
        is_most = text.characters(heavier.first, heavier.last) * 2 >= all_of_it
        if before.weight == after.weight or not is_most:
            symbol, weight = None, Weight.NOTHING
    is_small = before.is_small and after.is_small
    return Piece(before.first, after.last, symbol, weight, heavier.owner, is_small)
