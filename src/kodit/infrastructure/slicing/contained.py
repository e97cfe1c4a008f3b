"""Naming everything that each piece defines."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from kodit.domain.snippet import Extent, MinorSymbol, PlacedSymbol
from kodit.domain.value_objects import Symbol, SymbolKind
from kodit.infrastructure.decoding import is_blank
from kodit.infrastructure.slicing.language import Language
from kodit.infrastructure.slicing.limits import MOST_SYMBOLS
from kodit.infrastructure.slicing.outline import FUNCTIONS, Definition, Outline
from kodit.infrastructure.slicing.pieces import Piece

_IMPORTS = ("@import(", "require(", 'require "', "require '", "import(", "await import(")
"""How the value of a name begins when the name stands for another module."""

_SET = frozenset({SymbolKind.FIELD, SymbolKind.PROPERTY, SymbolKind.VARIABLE})
_VALUES = frozenset({SymbolKind.CONSTANT, SymbolKind.VARIABLE})


def name_all(
    pieces: Sequence[Piece], outline: Outline, lines: Sequence[str], language: Language
) -> None:
    """Give each piece the extents of its own symbol, then the other symbols declared on its rows,
    in order, and then the minor symbols: those only named, or defined inside a function.
    """
    starts = [piece.first for piece in pieces]
    found: dict[int, dict[tuple[Symbol, int], PlacedSymbol]] = {}
    wholes: dict[tuple[int, Symbol], PlacedSymbol] = {}
    for definition, is_minor in chain(
        _reachable(outline.definitions), ((one, True) for one in outline.minor)
    ):
        symbol = definition.symbol if definition.kind else None
        number = bisect_right(starts, definition.declared) - 1
        if symbol is None or number < 0:
            continue
        piece = pieces[number]
        if symbol == piece.symbol:
            if not definition.is_minor and len(piece.extents) < MOST_SYMBOLS:
                piece.extents += (Extent(*_lines(definition, lines)),)
            continue
        if definition.is_namespace or symbol.kind is SymbolKind.SECTION:
            continue
        if _stands_for_another(symbol, lines[definition.declared], language):
            continue
        symbols = found.setdefault(number, {})
        if is_minor and len(symbols) >= MOST_SYMBOLS:
            continue
        place = MinorSymbol if is_minor else PlacedSymbol
        line, first, last = _lines(definition, lines)
        whole = wholes.get((number, symbol))
        if is_minor and whole is not None and whole.start_line <= line <= whole.end_line:
            continue
        # A conditional definition is defined in several places; a value is set in many.
        key = symbol, 0 if symbol.kind in _SET else line
        placed = symbols.setdefault(key, place(symbol, first, last, line))
        if not is_minor:
            wholes[number, symbol] = placed
    for number, symbols in found.items():
        pieces[number].also_defines = (
            *(one for one in symbols.values() if not isinstance(one, MinorSymbol)),
            *sorted(
                (one for one in symbols.values() if isinstance(one, MinorSymbol)), key=_first_line
            ),
        )


def _lines(definition: Definition, lines: Sequence[str]) -> tuple[int, int, int]:
    """The line of the name, the first line, and the last line that is not blank."""
    last = min(definition.last, len(lines) - 1)
    while last > definition.named and is_blank(lines[last]):
        last -= 1
    return definition.named + 1, definition.first + 1, last + 1


def _first_line(placed: PlacedSymbol) -> int:
    return placed.start_line


def _stands_for_another(symbol: Symbol, line: str, language: Language) -> bool:
    """Whether a line only imports the symbol it names: `std = @import("std")`, `Map = std.Map`."""
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
    """All definitions, each with whether it is inside a function."""
    stack = [(iter(definitions), False)]
    while stack:
        siblings, is_inside = stack[-1]
        definition = next(siblings, None)
        if definition is None:
            stack.pop()
            continue
        yield definition, is_inside
        stack.append((iter(definition.children), is_inside or definition.kind in FUNCTIONS))
