"""A piece of a file, as it travels between processes."""

from __future__ import annotations

import pickle

from kodit.domain.entities import Snippet
from kodit.domain.snippet import PlacedSymbol
from kodit.domain.value_objects import Symbol, SymbolKind


def test_a_snippet_is_the_same_in_another_process() -> None:
    symbol = Symbol("swing", SymbolKind.METHOD, "Lantern")
    other = PlacedSymbol(Symbol("other", SymbolKind.FUNCTION), 3, 4)
    snippet = Snippet("a.py", 1, 4, "python", symbol, "one", also_defines=(other,))
    travelled: Snippet = pickle.loads(pickle.dumps(snippet))  # noqa: S301 - made here
    assert travelled == snippet
    assert travelled.content_hash == snippet.content_hash
