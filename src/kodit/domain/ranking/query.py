"""What kind of question a query is, seen from its text alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from kodit.domain.ranking.terms import STOP_WORDS, identifier_terms, identifiers, words

LONGEST_QUERY = 2_000
"""Characters that are looked at: a pasted page asks what its beginning asks."""

MOST_TERMS = 64
"""Distinct terms that are searched for; the first ones, in the order of the query."""


class QueryKind(StrEnum):
    SYMBOL = "symbol"
    """One name: `Mutex`, `create_store()`."""
    QUALIFIED_NAME = "qualified_name"
    """One name with its scope: `Rack::Response`, `std.mem.eql`, `Picker:find`."""
    PATH = "path"
    """A file or folder, or a pattern of them: `lib/core/Axios.js`, `*.toml`."""
    NATURAL_LANGUAGE = "natural_language"
    """Words only."""
    MIXED = "mixed"
    """Words with names of code among them."""

    @property
    def is_name(self) -> bool:
        return self in (QueryKind.SYMBOL, QueryKind.QUALIFIED_NAME)


@dataclass(frozen=True, slots=True)
class QueryUnderstanding:
    """A query as ranking sees it.

    `terms` are the distinct search terms without stop words, in order; `names` what is written like
    an identifier, of qualified ones the last part (`flatMap`, `raw_hash_set`, `eql` of
    `std.mem.eql`); `scopes` the parts before those; `proper_words` the other words with a capital,
    any of which may be the name of a type. All as written.
    """

    text: str
    kind: QueryKind
    terms: tuple[str, ...]
    names: frozenset[str]
    scopes: frozenset[str]
    proper_words: frozenset[str]

    @property
    def is_empty(self) -> bool:
        return not self.terms


_NAME = re.compile(r"[^\W\d][\w$]*[!?]?(?:<[\w, ]*>)?(?:\(\s*\))?")
_SEPARATOR = re.compile(r"::|->|\.|#|:")
_QUALIFIED = re.compile(r"(?:::)?[^\W\d][\w$]*(?:(?:::|->|\.|#|:)[^\W\d][\w$]*[!?]?)+(?:\(\s*\))?")
_PATH = re.compile(r"\.{0,2}/?[\w.@+*?{},\-\[\]!]+(?:/[\w.@+*?{},\-\[\]!]*)+")
_FILE_NAME = re.compile(
    r"[\w.@+*\-]*\.(?:py|pyi|js|jsx|mjs|cjs|ts|tsx|go|java|kt|kts|scala|rb|rs|c|cc|cpp|cxx|h|hh|hpp"
    r"|cs|php|swift|ex|exs|lua|sh|bash|zig|hs|sql|html|css|json|ya?ml|toml|md|rst|txt|xml|ini|cfg)"
)


def understand(query: str) -> QueryUnderstanding:
    """Reads a query; never fails, whatever the text."""
    text = query[:LONGEST_QUERY].strip()
    bare = text.strip("`'\"")
    names, scopes, proper_words = _sort_words(text)
    kind = _kind(bare, bool(names))
    if kind.is_name:
        parts = [part for part in _SEPARATOR.split(_without_call(bare)) if part]
        names = {parts[-1].rstrip("!?")}
        scopes = set(parts[:-1])
        proper_words = set()
    return QueryUnderstanding(
        text=text,
        kind=kind,
        terms=query_terms(text),
        names=frozenset(names),
        scopes=frozenset(scopes),
        proper_words=frozenset(proper_words - names),
    )


def query_terms(text: str) -> tuple[str, ...]:
    """Distinct search terms of a query, stop words left out unless nothing else is there."""
    written = identifiers(text)
    telling = [word for word in written if word.lower() not in STOP_WORDS] or written
    found: dict[str, None] = {}
    for word in telling:
        for term in identifier_terms(word):
            found.setdefault(term)
    return tuple(found)[:MOST_TERMS]


def _kind(bare: str, has_names: bool) -> QueryKind:
    if _PATH.fullmatch(bare) or _FILE_NAME.fullmatch(bare):
        return QueryKind.PATH
    if _NAME.fullmatch(bare):
        return QueryKind.SYMBOL
    if _QUALIFIED.fullmatch(bare):
        return QueryKind.QUALIFIED_NAME
    return QueryKind.MIXED if has_names else QueryKind.NATURAL_LANGUAGE


def _without_call(name: str) -> str:
    return name.partition("(")[0].partition("<")[0]


def _sort_words(text: str) -> tuple[set[str], set[str], set[str]]:
    """Names, scopes and proper words of a text."""
    names: set[str] = set()
    scopes: set[str] = set()
    for match in _QUALIFIED.finditer(text):
        *outer, last = [part for part in _SEPARATOR.split(_without_call(match[0])) if part]
        names.add(last.rstrip("!?"))
        scopes.update(outer)
    proper_words: set[str] = set()
    for word in identifiers(text):
        if word.lower() in STOP_WORDS or word in scopes:
            continue
        if len(words(word)) > 1:
            names.add(word)
        elif word[0].isupper():
            proper_words.add(word)
    return names, scopes, proper_words
