"""Symbols as columns hold them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from kodit.domain.snippet import PlacedSymbol
from kodit.domain.value_objects import Symbol, SymbolKind


def to_symbol(name: str | None, kind: str | None, scope: str) -> Symbol | None:
    """The symbol of three columns, None if there is none."""
    return None if name is None or kind is None else Symbol(name, SymbolKind(kind), scope)


def placed_to_text(placed: Sequence[PlacedSymbol]) -> str | None:
    """Any number of symbols in one column, most often none."""
    if not placed:
        return None
    rows = [[one.name, one.kind, one.scope, first, last] for one, first, last in placed]
    return json.dumps(rows, ensure_ascii=False)


def text_to_placed(text: str | None) -> tuple[PlacedSymbol, ...]:
    """What `placed_to_text` wrote."""
    if text is None:
        return ()
    return tuple(
        PlacedSymbol(Symbol(name, SymbolKind(kind), scope), first, last)
        for name, kind, scope, first, last in json.loads(text)
    )


def names_of_placed(text: str | None) -> list[str]:
    """The names alone."""
    return [] if text is None else [row[0] for row in json.loads(text)]
