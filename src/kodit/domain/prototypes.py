"""Declarations of functions that are defined elsewhere, as in headers."""

from __future__ import annotations

from collections.abc import Iterable

from kodit.domain.search import StoredSnippet
from kodit.domain.snippet import SymbolKind

_CALLABLE = frozenset({SymbolKind.FUNCTION, SymbolKind.METHOD})
_WITH_PROTOTYPES = frozenset({"c", "cpp", "cuda", "objc"})
"""Languages that declare functions in headers and define them elsewhere."""


def is_declaration(snippet: StoredSnippet) -> bool:
    """Whether the snippet only declares a function that is defined elsewhere."""
    return snippet.is_minor and snippet.kind in _CALLABLE and snippet.language in _WITH_PROTOTYPES


def without_declarations(snippets: Iterable[StoredSnippet]) -> list[StoredSnippet]:
    """The snippets without declarations of functions that another snippet defines."""
    some = list(snippets)
    defined = {one.defined_symbol for one in some if not is_declaration(one)}
    return [one for one in some if not is_declaration(one) or one.defined_symbol not in defined]
