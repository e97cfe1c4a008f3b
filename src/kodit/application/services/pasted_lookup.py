"""Finds where text pasted into a query comes from: literal text, and lines of files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from kodit.domain.ranking.literals import (
    CONTAINED_IN_STRING,
    OTHER_PUNCTUATION,
    Literal,
    WeighedLiteral,
    literals,
)
from kodit.domain.ranking.places import QueryPlace, snippet_at
from kodit.domain.ranking.query import QueryUnderstanding
from kodit.domain.ranking.signals import share_around
from kodit.domain.ranking.terms import identifier_terms
from kodit.domain.ranking.tokens import Token
from kodit.domain.value_objects import Scope

# Imported where used, so that a command loads only what it needs.
if TYPE_CHECKING:
    from kodit.domain.entities import StoredSnippet
    from kodit.domain.ports.database import Transaction
    from kodit.domain.ports.engines import KeywordReader
    from kodit.domain.search import SnippetLines

MOST_TERMS = 12
"""How many of a literal's rarest terms a snippet must have."""
MOST_SNIPPETS = 200
"""How many snippets with all of the terms are read, the best ones."""
MOST_LOOKED_AT = 40
"""How many snippets with only some of the terms are read."""
MOST_FRAMES = 16
"""How many places, the innermost ones that the indexes have, are results."""
MOST_DEFINITIONS = 20
"""How many definitions of a name are looked at."""
MOST_FILES = 100
"""How many files a place may match: a name that more files have identifies none of them."""


def find_pasted(
    query: QueryUnderstanding, transaction: Transaction, keyword: KeywordReader, scope: Scope
) -> dict[int, float]:
    """By snippet, how likely text in the query comes from it, from above 0 to 1; for a place, how
    many it is from the outermost one, which has 1.

    All files of the indexes are searched, and those in the scope are kept: the number of files read
    must not depend on a filter, or the filter would change the order of results.
    """
    everywhere = scope.of_all_files()
    found = {
        one.id: share
        for one, share in _with_token(query, transaction, keyword, everywhere)
        if scope.has_file(one.file_id)
    }
    if query.kind.is_name:
        return found
    frames = list(islice(_at_places(query.places, transaction, scope), MOST_FRAMES))
    for outwards, snippet_ids in enumerate(frames):
        for snippet_id in snippet_ids:
            found.setdefault(snippet_id, float(len(frames) - outwards))
    if len(query.text.split()) == 1:
        return found
    longest_said = 0
    for literal in literals(query.text):
        if literal.is_short and longest_said > len(literal.words):
            continue  # it is a value in the message, and not what was looked for
        said = list(_having(literal, transaction, keyword, everywhere))
        # If one has it exactly as written, the others merely share its words.
        is_written = any(share > OTHER_PUNCTUATION for _snippet, share in said)
        if any(share >= CONTAINED_IN_STRING for _snippet, share in said):
            longest_said = max(longest_said, len(literal.words))
        for snippet, share in said:
            if share > (OTHER_PUNCTUATION if is_written else 0) and scope.has_file(snippet.file_id):
                found[snippet.id] = max(share, found.get(snippet.id, 0.0))
    return found


def _with_token(
    query: QueryUnderstanding, transaction: Transaction, keyword: KeywordReader, scope: Scope
) -> list[tuple[StoredSnippet, float]]:
    """The snippets that contain a query without spaces as it is written: an option, a key, a type
    of media, a name that is defined elsewhere."""
    token = Token.of(query)
    if token is None or _is_defined(query, transaction, keyword, scope):
        return []
    candidates = keyword.having_all(token.terms, scope, MOST_SNIPPETS)
    texts = transaction.search.texts(sorted(candidates))
    shares = {snippet_id: token.share_in(text) for snippet_id, text in texts.items()}
    having = [snippet_id for snippet_id, share in shares.items() if share]
    return [(one, shares[one.id]) for one in transaction.search.get_many(having)]


def _is_defined(
    query: QueryUnderstanding, transaction: Transaction, keyword: KeywordReader, scope: Scope
) -> bool:
    """Whether the query is a name with a definition in its scopes: mentions say less than that."""
    if not query.kind.is_name:
        return False
    defining = set().union(
        *(
            keyword.definitions(name, query.terms, scope, MOST_DEFINITIONS)
            for name in sorted(query.names)
        )
    )
    return any(
        symbol is not None
        and symbol.name in query.names
        and (not query.scopes or share_around(query, symbol.scope, one.path) >= 1)
        for one in transaction.search.find_many(sorted(defining))
        for symbol in (one.symbol, *one.also_defines)
    )


def _at_places(
    places: Sequence[QueryPlace], transaction: Transaction, scope: Scope
) -> Iterator[list[int]]:
    """For each place that a file has, the snippets with the line: those of several files, if these
    are equally alike."""
    named: dict[str, dict[int, tuple[str, str]]] = {}
    lines: dict[int, list[SnippetLines]] = {}
    for place in places:
        if place.file_name not in named:
            files = transaction.search.files_named(scope.index_ids, place.file_name)
            named[place.file_name] = files
        alike = {one: place.likeness(*where) for one, where in named[place.file_name].items()}
        most = max(alike.values(), default=0)
        meant = [file_id for file_id, likeness in alike.items() if most and likeness == most]
        within = [file_id for file_id in meant if scope.has_file(file_id)]
        if within and len(meant) <= MOST_FILES:
            if unread := [file_id for file_id in within if file_id not in lines]:
                lines.update(transaction.search.lines(unread))
            found = (snippet_at(place, lines.get(file_id, ())) for file_id in within)
            if snippet_ids := [one for one in found if one is not None]:
                yield snippet_ids


def _having(
    literal: Literal, transaction: Transaction, keyword: KeywordReader, scope: Scope
) -> Iterator[tuple[StoredSnippet, float]]:
    """The snippets that contain some of a literal, with their shares of it."""
    statistics = keyword.statistics(literal.terms)
    known = [term for term in literal.terms if statistics.frequencies.get(term)]
    if not known:
        return

    def rarity(word: str) -> float:
        terms = identifier_terms(word)
        is_known = all(statistics.frequencies.get(term) for term in terms)
        return max(map(statistics.rarity, terms), default=0.0) if is_known else 0.0

    known.sort(key=statistics.rarity, reverse=True)
    candidates = keyword.having_all(known[:MOST_TERMS], scope, MOST_SNIPPETS)
    if not candidates and literal.is_marked:
        candidates = keyword.candidates(known, scope, MOST_LOOKED_AT)
    weighed = WeighedLiteral(literal, rarity)
    texts = transaction.search.texts(sorted(candidates))
    shares = {snippet_id: weighed.share_in(text) for snippet_id, text in texts.items()}
    having = [snippet_id for snippet_id, share in shares.items() if share]
    for snippet in transaction.search.get_many(having):
        yield snippet, shares[snippet.id]
