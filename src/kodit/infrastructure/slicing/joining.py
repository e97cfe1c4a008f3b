"""Joining pieces that are too small to stand alone."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kodit.domain.snippet import Symbol, SymbolKind
from kodit.infrastructure.slicing.limits import (
    JOINED_CHARACTERS,
    JOINED_LINES,
    TINY_CHARACTERS,
    TINY_LINES,
)
from kodit.infrastructure.slicing.pieces import Piece, Text

_CLOSERS = re.compile(r"(?:[\s\])}>;,]|\bend\b)*")
_NOTHING, _PLACE, _VALUE, _DEFINITION = range(4)


def join(pieces: Iterable[Piece], text: Text) -> list[Piece]:
    """The pieces with tiny neighbours of one owner put together.

    A line of closing brackets always stays with what it closes. What is tiny and defines nothing
    goes to a neighbour that fits; what is tiny and defines something is joined only with its
    like, up to `JOINED_LINES`, and the first of them gives the symbol.
    """
    joined: list[Piece] = []
    for piece in pieces:
        before = joined[-1] if joined else None
        if before is not None:
            if _closes(piece, text):
                before.last = piece.last
                continue
            if _belong_together(before, piece, text):
                before.symbol = _common_symbol(before, piece)
                before.last = piece.last
                before.owner = piece.owner
                continue
        joined.append(piece)
    return joined


def _belong_together(before: Piece, after: Piece, text: Text) -> bool:
    if before.owner != after.owner or not text.fits(before.first, after.last):
        return False
    before_is_tiny, after_is_tiny = _is_tiny(before, text), _is_tiny(after, text)
    if not (before_is_tiny or after_is_tiny):
        return False
    before_weight, after_weight = _weight(before.symbol), _weight(after.symbol)
    if min(before_weight, after_weight) < _VALUE:
        return (before_is_tiny and before_weight < _VALUE) or (
            after_is_tiny and after_weight < _VALUE
        )
    if before_weight != after_weight or _is_type(before.symbol) or _is_type(after.symbol):
        return False
    return (
        after_is_tiny
        and after.last - before.first < JOINED_LINES
        and text.characters(before.first, after.last) <= JOINED_CHARACTERS
    )


def _common_symbol(before: Piece, after: Piece) -> Symbol | None:
    before_weight, after_weight = _weight(before.symbol), _weight(after.symbol)
    if before_weight == after_weight == _VALUE:
        return None
    return before.symbol if before_weight >= after_weight else after.symbol


def _is_tiny(piece: Piece, text: Text) -> bool:
    return (
        piece.last - piece.first < TINY_LINES
        and text.characters(piece.first, piece.last) <= TINY_CHARACTERS
    )


def _closes(piece: Piece, text: Text) -> bool:
    return piece.last - piece.first < TINY_LINES and all(
        _CLOSERS.fullmatch(text.lines[row]) for row in range(piece.first, piece.last + 1)
    )


def _weight(symbol: Symbol | None) -> int:
    if symbol is None:
        return _NOTHING
    if symbol.kind is SymbolKind.MODULE:
        return _PLACE
    return _VALUE if symbol.kind is SymbolKind.CONSTANT else _DEFINITION


def _is_type(symbol: Symbol | None) -> bool:
    return symbol is not None and symbol.kind in {
        SymbolKind.CLASS,
        SymbolKind.INTERFACE,
        SymbolKind.ENUM,
        SymbolKind.STRUCT,
        SymbolKind.TRAIT,
    }
