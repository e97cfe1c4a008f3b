"""Where a name is defined, and where it is used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kodit.domain.entities import StoredSnippet
from kodit.domain.errors import InvalidQueryError
from kodit.domain.ports.catalogue import Catalogue
from kodit.domain.ports.engines import KeywordIndex
from kodit.domain.ranking.languages import is_code
from kodit.domain.ranking.paths import path_facts
from kodit.domain.search import choose
from kodit.domain.symbols import (
    AskedName,
    Definition,
    Reference,
    SymbolAnswer,
    SymbolRequest,
    merge_pieces,
    naming_line,
    parse_name,
    rarest_terms,
    uses,
)
from kodit.domain.text import cut_line, is_text
from kodit.domain.value_objects import Hit, Scope, SymbolKind

LONGEST_NAME = 300
MOST_CANDIDATES = 1_000
"""Snippets that are looked at for uses of a name, the best by BM25."""
MOST_SPELLINGS = 4
"""A name asked for in the wrong case may have several right ones."""


class SymbolService:
    """Synchronous: a few reads of the database and of the keyword index."""

    def __init__(self, *, catalogue: Catalogue, keyword_index: KeywordIndex) -> None:
        self._catalogue = catalogue
        self._keyword_index = keyword_index

    def find(self, request: SymbolRequest) -> SymbolAnswer:
        """Definitions, those spelled as asked first, and references. Tests, examples, documents
        and what is generated come after other code. Raises InvalidQueryError and NotFoundError."""
        name = parse_name(request.name)
        if not name.plain:
            raise InvalidQueryError("the name is empty; say which symbol is meant")
        if len(name.whole) > LONGEST_NAME:
            raise InvalidQueryError(
                f"the name has {len(name.whole)} characters; at most {LONGEST_NAME} are read"
            )
        kinds = {choose(SymbolKind, "kind", kind) for kind in request.kinds}
        scope = self._catalogue.scope(request.filter)
        definitions = merge_pieces(
            snippet
            for snippet in self._catalogue.definitions({name.whole, name.plain}, scope, kinds)
            if name.is_defined_by(snippet)
        )
        defining, saw_defining = self._defining(name, scope)
        shared = [part for one in defining for part in _parts(one, name)]
        names = _spellings(name, [*definitions, *shared])
        using, saw_using = self._using(names, scope)
        candidates = list({one.id: one for one in (*defining, *using)}.values())
        own_lines = _own_lines(shared, candidates, {one.id for one in definitions})
        references = [
            one
            for one in _occurrences(candidates, names)
            if (one.snippet.file_id, one.line) not in own_lines
        ]
        definitions = merge_pieces(
            [*definitions, *(one for one in shared if not kinds or one.kind in kinds)]
        )
        definitions.sort(key=lambda one: (not name.is_spelled_by(one), *_rank(one)))
        references.sort(key=lambda one: (*_rank(one.snippet)[:-1], one.line))
        return SymbolAnswer(
            tuple(self._complete(definitions[: request.limit])),
            tuple(references[: request.limit]),
            saw_defining and saw_using and max(len(definitions), len(references)) <= request.limit,
        )

    def _defining(self, name: AskedName, scope: Scope) -> tuple[list[StoredSnippet], bool]:
        """Snippets that define the name, in any case, and whether these are all."""
        names = dict.fromkeys(one for one in (name.whole, name.plain) if is_text(one))
        return self._snippets(
            [self._keyword_index.definitions(one, (), scope, MOST_CANDIDATES) for one in names]
            if _holds_files(scope)
            else []
        )

    def _using(self, names: list[str], scope: Scope) -> tuple[list[StoredSnippet], bool]:
        """Snippets that may use a name, and whether these are all."""
        terms = [found for name in names if (found := rarest_terms(name))]
        return self._snippets(
            [self._keyword_index.search(some, scope, MOST_CANDIDATES) for some in terms]
            if _holds_files(scope)
            else []
        )

    def _snippets(self, found: list[list[Hit]]) -> tuple[list[StoredSnippet], bool]:
        """The snippets that were hit, and whether no search was cut short."""
        ids = {hit.snippet_id for hits in found for hit in hits}
        saw_all = all(len(hits) < MOST_CANDIDATES for hits in found)
        return self._catalogue.snippets(sorted(ids)), saw_all

    def _complete(self, definitions: list[StoredSnippet]) -> Iterator[Definition]:
        """The definitions with their texts, and the lines on which they name themselves."""
        wanted = [snippet.id for snippet in definitions if not snippet.text]
        texts = {snippet.id: snippet.text for snippet in self._catalogue.snippets(wanted)}
        for snippet in definitions:
            whole = replace(snippet, text=snippet.text or texts.get(snippet.id, ""))
            yield Definition(whole, naming_line(whole))


def _holds_files(scope: Scope) -> bool:
    return bool(scope.index_ids) and scope.file_ids != frozenset()


def _spellings(name: AskedName, definitions: list[StoredSnippet]) -> list[str]:
    """The name as it is written in code: as asked for, unless only other cases are defined."""
    if not definitions or any(name.is_spelled_by(snippet) for snippet in definitions):
        return [name.plain]
    symbols = dict.fromkeys(snippet.symbol or "" for snippet in definitions)
    return [parse_name(symbol).plain for symbol in list(symbols)[:MOST_SPELLINGS]]


def _occurrences(snippets: list[StoredSnippet], names: list[str]) -> list[Reference]:
    """Every line of the snippets with one of the names as a word, each line once."""
    found: dict[tuple[int, int], Reference] = {}
    for snippet in snippets:
        for name in names:
            for number, text in uses(name, snippet.text):
                line = snippet.start_line + number
                found[snippet.file_id, line] = Reference(snippet, line, cut_line(text.strip()))
    return list(found.values())


def _parts(snippet: StoredSnippet, name: AskedName) -> Iterator[StoredSnippet]:
    """What a snippet defines by the name beside its own symbol, each as a snippet of its own."""
    lines = snippet.text.split("\n")
    for symbol, first, last in snippet.also_defines:
        part = replace(
            snippet,
            start_line=first,
            end_line=last,
            symbol=symbol.name,
            kind=symbol.kind.value,
            scope=symbol.scope,
            text="\n".join(lines[first - snippet.start_line : last - snippet.start_line + 1]),
            also_defines=(),
        )
        if name.is_defined_by(part):
            yield part


def _own_lines(
    shared: list[StoredSnippet], candidates: list[StoredSnippet], defining: set[int]
) -> set[tuple[int, int]]:
    """File and line of what is a definition's own, and therefore no reference."""
    whole = [one for one in candidates if one.id in defining]
    return {(one.file_id, naming_line(one)) for one in (*shared, *whole)}


def _rank(snippet: StoredSnippet) -> tuple[bool, int, str, int]:
    facts = path_facts(snippet.path)
    aside = (
        facts.is_test
        or facts.is_example
        or facts.is_derived
        or not is_code(snippet.language, facts.extension)
    )
    return aside, snippet.index_id, snippet.path, snippet.start_line
