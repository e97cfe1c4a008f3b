"""Telling each piece all that is defined in it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from kodit.domain.snippet import PlacedSymbol
from kodit.domain.value_objects import Symbol, SymbolKind
from kodit.infrastructure.slicing.outline import Definition
from kodit.infrastructure.slicing.pieces import Piece

_CLOSED = frozenset({SymbolKind.FUNCTION, SymbolKind.METHOD})
"""What is defined inside these is nobody else's business."""

_IMPORTS = ("@import(", "require(", "import(", "await import(")
"""How the value of a name begins that stands for another module."""


def name_all(
    pieces: Sequence[Piece], definitions: Iterable[Definition], lines: Sequence[str]
) -> None:
    """Give each piece what is declared on its rows beside its own symbol, in order."""
    starts = [piece.first for piece in pieces]
    found: dict[int, dict[Symbol, PlacedSymbol]] = {}
    for definition in _reachable(definitions):
        symbol = definition.symbol if definition.kind else None
        number = bisect_right(starts, definition.declared) - 1
        if symbol is None or number < 0 or symbol == pieces[number].symbol:
            continue
        if _stands_for_another(symbol, lines[definition.declared]):
            continue
        piece = pieces[number]
        first, last = max(definition.first, piece.first), min(definition.last, piece.last)
        placed = PlacedSymbol(symbol, first + 1, last + 1)
        found.setdefault(number, {}).setdefault(symbol, placed)
    for number, symbols in found.items():
        pieces[number].also_defines = tuple(symbols.values())


def _stands_for_another(symbol: Symbol, line: str) -> bool:
    """Whether a line only imports what it names: `std = @import("std")`, `Map = std.Map`."""
    if symbol.kind is not SymbolKind.CONSTANT:
        return False
    value = line.partition("=")[2].strip().rstrip(";,")
    return value.startswith(_IMPORTS) or value.endswith((f".{symbol.name}", f"::{symbol.name}"))


def _reachable(definitions: Iterable[Definition]) -> Iterator[Definition]:
    stack = [iter(definitions)]
    while stack:
        definition = next(stack[-1], None)
        if definition is None:
            stack.pop()
            continue
        if definition.kind is not SymbolKind.SECTION and not definition.is_namespace:
            yield definition
        if definition.kind not in _CLOSED:
            stack.append(iter(definition.children))
