"""Finds where a name is defined and used."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from kodit.application.services.known_files import KnownFiles
from kodit.application.services.loose_symbols import LooseLookup
from kodit.application.services.snapshots import read_together
from kodit.application.services.use_lookup import UseLookup
from kodit.domain.entities import StoredSnippet
from kodit.domain.errors import InvalidQueryError
from kodit.domain.prototypes import is_declaration, without_declarations
from kodit.domain.ranking.languages import is_code
from kodit.domain.ranking.paths import path_facts
from kodit.domain.search import choose
from kodit.domain.spelling import fold_case
from kodit.domain.symbols import (
    AskedUses,
    Definition,
    RequestedName,
    SymbolAnswer,
    SymbolRequest,
    Use,
    merge_pieces,
    naming_line,
    naming_lines,
    parse_name,
    parts_of,
    rarest_terms,
)
from kodit.domain.text import is_text
from kodit.domain.value_objects import Scope, SymbolKind

# Imported where used, so that a command loads only what it needs.
if TYPE_CHECKING:
    from kodit.domain.ports.catalogue import Catalogue, OpenCatalogue
    from kodit.domain.ports.database import Database, Transaction
    from kodit.domain.ports.engines import KeywordIndex, KeywordReader

LONGEST_NAME = 300
MOST_CANDIDATES = 1_000
"""How many snippets are searched for uses of a name, the best by BM25."""
_VALUES = frozenset({SymbolKind.FIELD, SymbolKind.VARIABLE})
"""Kinds that rank after others of the same name: there may be hundreds of fields called `name`."""
MOST_SPELLINGS = 4
"""How many spellings are tried of a name asked for in the wrong case."""


_USES = {use: place for place, use in enumerate(Use)}
"""The order of uses in an answer."""


_USE_ASKED = {
    AskedUses.CALLERS: Use.CALL,
    AskedUses.IMPLEMENTATIONS: Use.INHERITS,
    AskedUses.IMPORTS: Use.IMPORT,
}
MOST_CALLING = 20
"""For how many definitions callees are listed, the best ones."""


class SymbolService:
    """Synchronous: a few reads of the database, in one transaction, and of the keyword index."""

    def __init__(
        self, *, database: Database, catalogue: Catalogue, keyword_index: KeywordIndex
    ) -> None:
        self._database = database
        self._catalogue = catalogue
        self._keyword_index = keyword_index

    def find(self, request: SymbolRequest) -> SymbolAnswer:
        """Definitions, exact spellings first, and references. Fields and variables come after other
        definitions; tests, examples, documents and generated code after other code. Raises
        InvalidQueryError and NotFoundError."""
        name = parse_name(request.name)
        if not name.plain:
            raise InvalidQueryError("the name is empty; enter the name of a symbol")
        if len(name.whole) > LONGEST_NAME:
            raise InvalidQueryError(
                f"the name has {len(name.whole)} characters; at most {LONGEST_NAME} are allowed"
            )
        kinds = {choose(SymbolKind, "kind", kind) for kind in request.kinds}
        asked = choose(AskedUses, "uses", request.uses) if request.uses else None

        def answer(transaction: Transaction, keyword: KeywordReader, scope: Scope) -> SymbolAnswer:
            lookup = _Lookup(self._catalogue.within(transaction), keyword, scope)
            page = slice(request.offset, request.offset + request.limit)
            return lookup.answer(name, kinds, asked, page)

        return read_together(self._database, self._keyword_index, request.filter, answer)


class _Lookup:
    """One lookup, within one state of the database and of the keyword index."""

    def __init__(self, catalogue: OpenCatalogue, keyword: KeywordReader, scope: Scope) -> None:
        self._catalogue = catalogue
        self._keyword = keyword
        self._scope = scope

    def answer(
        self, name: RequestedName, kinds: set[SymbolKind], asked: AskedUses | None, page: slice
    ) -> SymbolAnswer:
        called = self._catalogue.definitions(set(name.names), self._scope, set())
        defining, saw_defining = self._defining(name)
        if not name.whole.isascii():
            called = _with_other_spellings(called, defining)
        definitions = merge_pieces(
            snippet
            for snippet in called
            if name.is_defined_by(snippet) and (not kinds or snippet.kind in kinds)
        )
        parts = [part for one in defining for part in parts_of(one) if _is_called(part, name)]
        shared = [part for part in parts if name.is_defined_by(part)]
        is_defined = bool(definitions or shared)
        if not is_defined and name.is_pattern:
            return self._matching(name, kinds, page)
        if not is_defined and name.scopes and not name.is_loose:
            definitions = self._loosely.inherited(name)
            if not definitions:
                return self.answer(replace(name, is_loose=True), kinds, asked, page)
        names = _spellings(name, [*definitions, *shared])
        using, saw_using = self._using(names)
        candidates = self._newest({one.id: one for one in (*defining, *using)}, definitions)
        shared = [part for part in shared if part.id in candidates]
        own_lines = _own_lines([*definitions, *shared], candidates)
        definitions = merge_pieces(
            [*definitions, *(one for one in shared if not kinds or one.kind in kinds)]
        )
        definitions.sort(
            key=lambda one: (
                not name.is_spelled_by(one),
                one.kind in _VALUES,
                is_declaration(one),
                *_rank(one),
            )
        )
        known = KnownFiles(self._catalogue, self._keyword, self._scope)
        lookup = UseLookup(
            self._catalogue,
            known,
            names,
            without_declarations([*called, *parts]),
            without_declarations(definitions),
        )
        if asked is AskedUses.CALLEES:
            references = lookup.callees(definitions[:MOST_CALLING], self._all_called)
        else:
            references = [
                one
                for one in lookup.references(candidates.values())
                if (one.snippet.file_id, one.line) not in own_lines
                and (asked is None or one.use is _USE_ASKED[asked])
            ]
            references.sort(key=lambda one: (_USES[one.use], *_rank(one.snippet)[:-1], one.line))
        return SymbolAnswer(
            tuple(self._complete(definitions[page])),
            tuple(references[page]),
            not self._keyword.leaves_out
            and saw_defining
            and saw_using
            and max(len(definitions), len(references)) <= page.stop,
            max(len(definitions), len(references)) > page.stop,
            # Names from elsewhere, such as those of a library, are common.
            self._loosely.near(name)
            if not (definitions or page.start) and (name.scopes or not references)
            else (),
        )

    def _all_called(self, names: Collection[str]) -> list[StoredSnippet]:
        """The definitions of some names, including the members of small types."""
        found = self._catalogue.definitions(names, self._scope, ())
        for name in names:
            asked = parse_name(name)
            defining, _ = self._defining(asked)
            found += [
                part
                for one in defining
                for part in parts_of(one)
                if part.symbol in asked.plain_names
            ]
        return without_declarations(merge_pieces(found))

    def _matching(self, name: RequestedName, kinds: set[SymbolKind], page: slice) -> SymbolAnswer:
        """The definitions of all names that a pattern matches, without uses."""
        definitions, are_all = self._loosely.matching(name, kinds)
        definitions.sort(key=_rank)
        has_more = len(definitions) > page.stop
        return SymbolAnswer(
            tuple(self._complete(definitions[page])), (), are_all and not has_more, has_more
        )

    @cached_property
    def _loosely(self) -> LooseLookup:
        return LooseLookup(self._catalogue, self._scope)

    def _defining(self, name: RequestedName) -> tuple[list[StoredSnippet], bool]:
        """Snippets that define the name, ignoring case, and whether these are all."""
        names = dict.fromkeys(one for one in name.names if is_text(one))
        return self._snippets(
            [
                self._keyword.definitions(one, (), self._scope, MOST_CANDIDATES, minor=minor)
                for one in names
                for minor in (False, True)
            ]
            if _holds_files(self._scope)
            else []
        )

    def _using(self, names: list[str]) -> tuple[list[StoredSnippet], bool]:
        """Snippets that may use a name, and whether these are all."""
        terms = [found for name in names if (found := rarest_terms(name))]
        return self._snippets(
            [self._keyword.candidates(some, self._scope, MOST_CANDIDATES) for some in terms]
            if _holds_files(self._scope)
            else []
        )

    def _snippets(self, found: list[set[int]]) -> tuple[list[StoredSnippet], bool]:
        """The snippets that were found, and whether no search was cut short."""
        saw_all = all(len(some) < MOST_CANDIDATES for some in found)
        return self._catalogue.snippets(sorted(set[int]().union(*found))), saw_all

    def _newest(
        self, candidates: dict[int, StoredSnippet], definitions: list[StoredSnippet]
    ) -> dict[int, StoredSnippet]:
        """The candidates without those of an earlier version of a file whose later version is in
        the answer."""
        files = sorted({one.file_id for one in candidates.values()})
        outdated = self._catalogue.transaction.search.superseded(files)
        new = [one for one in (*candidates.values(), *definitions) if one.id not in outdated]
        in_both = {one.file_id for one in new}
        return {
            snippet_id: one
            for snippet_id, one in candidates.items()
            if snippet_id not in outdated or one.file_id not in in_both
        }

    def _complete(self, definitions: list[StoredSnippet]) -> Iterator[Definition]:
        """The definitions with their texts and the lines of their names."""
        wanted = [snippet.id for snippet in definitions if not snippet.text]
        pieces = {piece.id: piece for piece in self._catalogue.snippets(wanted)}
        for snippet in definitions:
            whole = snippet
            if not snippet.text and (piece := pieces.get(snippet.id)) is not None:
                lines = piece.text.split("\n")[snippet.start_line - piece.start_line :]
                whole = replace(
                    snippet, text="\n".join(lines[: snippet.end_line - snippet.start_line + 1])
                )
            yield Definition(whole, naming_line(whole))


def _holds_files(scope: Scope) -> bool:
    return bool(scope.index_ids) and scope.file_ids != frozenset()


def _spellings(name: RequestedName, definitions: list[StoredSnippet]) -> list[str]:
    """The name as code spells it: as requested, unless only other cases are defined."""
    if not definitions or any(name.is_spelled_by(snippet) for snippet in definitions):
        return [name.plain]
    symbols = dict.fromkeys(snippet.symbol or "" for snippet in definitions)
    return [parse_name(symbol).plain for symbol in list(symbols)[:MOST_SPELLINGS]]


def _with_other_spellings(
    called: Sequence[StoredSnippet], defining: Iterable[StoredSnippet]
) -> list[StoredSnippet]:
    """Add definitions in equivalent spellings, which the keyword index finds: the database folds
    the case of ASCII only."""
    found = {one.id: one for one in defining if one.symbol is not None}
    return list({**found, **{one.id: one for one in called}}.values())


def _is_called(snippet: StoredSnippet, name: RequestedName) -> bool:
    """Whether its symbol is the name without its scopes, ignoring case."""
    return fold_case(snippet.symbol or "") in map(fold_case, name.names)


def _own_lines(
    definitions: Iterable[StoredSnippet], candidates: Mapping[int, StoredSnippet]
) -> set[tuple[int, int]]:
    """File and line of the lines that belong to a definition itself, and so are not references."""
    # For an older extractor, only the text tells the line.
    known = (one if one.extents else candidates.get(one.id, one) for one in definitions)
    return {(one.file_id, line) for one in known for line in naming_lines(one)}


def _rank(snippet: StoredSnippet) -> tuple[bool, str, str, int]:
    facts = path_facts(snippet.path)
    aside = (
        facts.is_test
        or facts.is_example
        or facts.is_derived
        or not is_code(snippet.language, facts.extension)
    )
    return aside, snippet.source, snippet.path, snippet.start_line
