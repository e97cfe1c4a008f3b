"""Symbols as text columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from json.encoder import encode_basestring

from kodit.domain.snippet import Extent, MinorSymbol, PlacedSymbol
from kodit.domain.value_objects import Symbol, SymbolKind

_KINDS = {kind.value: kind for kind in SymbolKind}
_decode = json.JSONDecoder().raw_decode
"""Takes half the time of `json.loads` for a short text, and a search parses hundreds."""


def to_symbol(name: str | None, kind: str | None, scope: str) -> Symbol | None:
    """The symbol in three columns, None if there is none."""
    return None if name is None or kind is None else Symbol(name, _KINDS[kind], scope)


def placed_to_text(placed: Sequence[PlacedSymbol], *, minor: bool) -> str | None:
    """The symbols that are minor, or those that are not, as the text of one column."""
    if not placed:
        return None
    rows = [_row(*one) for one in placed if isinstance(one, MinorSymbol) is minor]
    return f"[{', '.join(rows)}]" if rows else None


def _row(symbol: Symbol, start_line: int, end_line: int, line: int) -> str:
    """As JSON: an encoder takes twice as long."""
    name, scope = encode_basestring(symbol.name), encode_basestring(symbol.scope)
    return f'[{name}, "{symbol.kind.value}", {scope}, {start_line}, {end_line}, {line}]'


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
    if not extents:
        return None
    rows = [f"[{line}, {start_line}, {end_line}]" for line, start_line, end_line in extents]
    return f"[{', '.join(rows)}]"


def text_to_extents(text: str | None) -> tuple[Extent, ...]:
    """Parses the output of `extents_to_text`."""
    return () if text is None else tuple(map(Extent._make, _decode(text)[0]))


def names_of_placed(text: str | None) -> list[str]:
    """Only the names."""
    return [] if text is None else [row[0] for row in _decode(text)[0]]
