"""Symbols as text columns."""

from __future__ import annotations

import json
from collections.abc import Sequence

from kodit.domain.snippet import Extent, MinorSymbol, PlacedSymbol
from kodit.domain.value_objects import Symbol, SymbolKind

_KINDS = {kind.value: kind for kind in SymbolKind}
_encode = json.JSONEncoder(ensure_ascii=False).encode
_decode = json.JSONDecoder().raw_decode
"""Takes half the time of `json.loads` for a short text, and a search parses hundreds."""


def to_symbol(name: str | None, kind: str | None, scope: str) -> Symbol | None:
    """The symbol in three columns, None if there is none."""
    return None if name is None or kind is None else Symbol(name, _KINDS[kind], scope)


def placed_to_text(placed: Sequence[PlacedSymbol], *, minor: bool) -> str | None:
    """The symbols that are minor, or those that are not, as the text of one column."""
    if not placed:
        return None
    rows = [
        [one[0].name, one[0].kind, one[0].scope, *one[1:]]
        for one in placed
        if isinstance(one, MinorSymbol) is minor
    ]
    return _encode(rows) if rows else None


def text_to_placed(text: str | None, *, minor: bool = False) -> tuple[PlacedSymbol, ...]:
    """Parses the output of `placed_to_text`."""
    if text is None:
        return ()
    make = MinorSymbol if minor else PlacedSymbol
    return tuple(
        make(Symbol(name, _KINDS[kind], scope), *lines)  # older rows lack the line of the name
        for name, kind, scope, *lines in _decode(text)[0]
    )


def text_to_symbols(text: str | None) -> tuple[Symbol, ...]:
    """The symbols in the output of `placed_to_text`, without their lines."""
    if text is None:
        return ()
    return tuple(Symbol(name, _KINDS[kind], scope) for name, kind, scope, *_ in _decode(text)[0])


def extents_to_text(extents: Sequence[Extent]) -> str | None:
    """The extents of a snippet's symbol as the text of one column."""
    return _encode(extents) if extents else None


def text_to_extents(text: str | None) -> tuple[Extent, ...]:
    """Parses the output of `extents_to_text`."""
    return () if text is None else tuple(map(Extent._make, _decode(text)[0]))


def names_of_placed(text: str | None) -> list[str]:
    """Only the names."""
    return [] if text is None else [row[0] for row in _decode(text)[0]]
