"""Telling each piece all that is defined in it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from kodit.domain.snippet import MinorSymbol, PlacedSymbol
from kodit.domain.value_objects import Symbol, SymbolKind
from kodit.infrastructure.slicing.language import Language
from kodit.infrastructure.slicing.limits import MOST_SYMBOLS
from kodit.infrastructure.slicing.outline import FUNCTIONS, Definition, Outline
from kodit.infrastructure.slicing.pieces import Piece

_IMPORTS = ("@import(", "require(", 'require "', "require '", "import(", "await import(")
"""How the value of a name begins that stands for another module."""

_SET = frozenset({SymbolKind.FIELD, SymbolKind.PROPERTY, SymbolKind.VARIABLE})
_VALUES = frozenset({SymbolKind.CONSTANT, SymbolKind.VARIABLE})


def name_all(
    pieces: Sequence[Piece], outline: Outline, lines: Sequence[str], language: Language
) -> None:
    """Give each piece what is declared on its rows beside its own symbol, in order, and behind
    that the minor symbols: what is only named, or defined inside a function."""
    starts = [piece.first for piece in pieces]
    found: dict[int, dict[tuple[Symbol, int], PlacedSymbol]] = {}
    for definition, is_minor in chain(
        _reachable(outline.definitions), ((one, True) for one in outline.minor)
    ):
        symbol = definition.symbol if definition.kind else None
        number = bisect_right(starts, definition.declared) - 1
        if symbol is None or number < 0 or symbol == pieces[number].symbol:
            continue
        if _stands_for_another(symbol, lines[definition.declared], language):
            continue
        symbols = found.setdefault(number, {})
        if is_minor and len(symbols) >= MOST_SYMBOLS:
            continue
        piece = pieces[number]
        first, last = max(definition.first, piece.first), min(definition.last, piece.last)
        place = MinorSymbol if is_minor else PlacedSymbol
        # What depends on conditions is defined in several places; a value is set in many.
        row = 0 if symbol.kind in _SET or not is_minor else definition.declared
        whole = symbols.get((symbol, 0))
        if whole is None or not whole.start_line <= row + 1 <= whole.end_line:
            symbols.setdefault((symbol, row), place(symbol, first + 1, last + 1))
    for number, symbols in found.items():
        pieces[number].also_defines = (
            *(one for one in symbols.values() if not isinstance(one, MinorSymbol)),
            *sorted(
                (one for one in symbols.values() if isinstance(one, MinorSymbol)), key=_first_line
            ),
        )


def _first_line(placed: PlacedSymbol) -> int:
    return placed.start_line


def _stands_for_another(symbol: Symbol, line: str, language: Language) -> bool:
    """Whether a line only imports what it names: `std = @import("std")`, `Map = std.Map`."""
    if symbol.kind not in _VALUES:
        return False
    value = line.partition("=")[2].strip().rstrip(";,")
    if value.startswith(_IMPORTS):
        return True
    return (
        language.imports_by_value
        and not line.startswith("export ")
        and value.endswith((f".{symbol.name}", f"::{symbol.name}"))
    )


def _reachable(definitions: Iterable[Definition]) -> Iterator[tuple[Definition, bool]]:
    """All definitions, each with whether a function encloses it."""
    stack = [(iter(definitions), False)]
    while stack:
        siblings, is_inside = stack[-1]
        definition = next(siblings, None)
        if definition is None:
            stack.pop()
            continue
        if definition.kind is not SymbolKind.SECTION and not definition.is_namespace:
            yield definition, is_inside
        stack.append((iter(definition.children), is_inside or definition.kind in FUNCTIONS))
