"""Alternatives for a name that nothing defines: a pattern, an inherited member, a misspelling. Used
only if a name has no definition, and reads the names of all snippets."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from kodit.domain.entities import StoredSnippet
from kodit.domain.near import near_names
from kodit.domain.ports.catalogue import OpenCatalogue
from kodit.domain.spelling import fold_case
from kodit.domain.symbols import RequestedName, bases_named, merge_pieces, parts_of
from kodit.domain.value_objects import Scope, SymbolKind

MOST_NEAR = 5
MOST_SNIPPETS = 2_000
"""How many snippets a pattern with stars may match, or one name may have."""
MOST_GENERATIONS = 6
TYPES = (
    SymbolKind.CLASS,
    SymbolKind.INTERFACE,
    SymbolKind.STRUCT,
    SymbolKind.TRAIT,
    SymbolKind.ENUM,
)
"""Kinds that may have bases."""


class LooseLookup:
    """Lookups within one state of the database."""

    def __init__(self, catalogue: OpenCatalogue, scope: Scope) -> None:
        self._catalogue = catalogue
        self._named = list(catalogue.named_snippets(scope))

    def matching(
        self, name: RequestedName, kinds: Collection[SymbolKind]
    ) -> tuple[list[StoredSnippet], bool]:
        """The definitions whose names match a pattern, and whether these are all."""
        ids = [snippet_id for snippet_id, names in self._named if any(map(name.matches, names))]
        found = [
            one
            for one in self._defining(ids[:MOST_SNIPPETS])
            if name.matches(one.symbol or "")
            and name.is_within(one.scope, one.path)
            and (not kinds or one.kind in kinds)
        ]
        return merge_pieces(found), len(ids) <= MOST_SNIPPETS

    def inherited(self, name: RequestedName) -> list[StoredSnippet]:
        """The definitions of a type's member in the nearest base that has it."""
        members = list(self._called(set(map(fold_case, name.plain_names))))
        types, seen = {fold_case(name.scopes[-1])}, set[str]()
        for _generation in range(MOST_GENERATIONS if members else 0):
            seen |= types
            types = {
                base
                for head in self._called(types)
                if head.kind in TYPES
                for base in bases_named(head.symbol or "", head.text)
            } - seen
            of_bases = [one for one in members if fold_case(one.scope.rpartition(".")[2]) in types]
            if of_bases or not types:
                return merge_pieces(of_bases)
        return []

    def near(self, name: RequestedName) -> tuple[str, ...]:
        """Names that were probably meant: the same name in other scopes, or similarly spelled
        ones."""
        elsewhere = {
            ".".join(filter(None, (one.scope, one.symbol)))
            for one in self._called(set(map(fold_case, name.plain_names)))
        }
        if elsewhere:
            return tuple(sorted(elsewhere)[:MOST_NEAR])
        names = {one for _, names in self._named for one in names}
        return tuple(near_names(name.plain, names, MOST_NEAR))

    def _called(self, keys: set[str]) -> Iterator[StoredSnippet]:
        """The definitions of these names, which are case-folded."""
        ids = [
            snippet_id
            for snippet_id, names in self._named
            if any(fold_case(name) in keys for name in names)
        ]
        for one in self._defining(ids[:MOST_SNIPPETS]):
            if fold_case(one.symbol or "") in keys:
                yield one

    def _defining(self, snippet_ids: list[int]) -> Iterator[StoredSnippet]:
        for snippet in self._catalogue.snippets(snippet_ids):
            yield snippet
            yield from parts_of(snippet)
