"""Classifies a query by its text alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum

from kodit.domain.ranking.places import QueryPlace, is_innermost_last, query_places
from kodit.domain.ranking.terms import (
    STOP_WORDS,
    folded_words,
    identifier_terms,
    identifiers,
    words,
)
from kodit.domain.spelling import composed

LONGEST_QUERY = 2_000
"""Only this many characters are read: a pasted page asks what its beginning asks, and a stack trace
what the end asks at which it was taken."""

MOST_TERMS = 64
"""The number of distinct search terms, the first ones in the order of the query."""


SHORTEST_PLURAL = 3
"""A word ending in s must have more letters than this to be read as a plural."""


_QUESTION_WORDS = frozenset("how where what why which when who whose".split())
_DETERMINERS = frozenset("a an the this these those it its".split())
"""Without `that`, which also continues a topic: a pool that runs jobs."""
_PUNCTUATION = ".,;:!?()'\"`"
_QUOTES = "`'\""


class QueryKind(StrEnum):
    """The kind of a query, which selects the weights of its signals."""

    SYMBOL = "symbol"
    """One name: `Mutex`, `create_store()`."""
    QUALIFIED_NAME = "qualified_name"
    """One name with its scope: `Rack::Response`, `std.mem.eql`, `Picker:find`."""
    PATH = "path"
    """A file or folder, or a pattern of them: `lib/core/Axios.js`, `*.toml`."""
    NATURAL_LANGUAGE = "natural_language"
    """Words only."""
    MIXED = "mixed"
    """Words with names from code among them."""

    @property
    def is_name(self) -> bool:
        return self in (QueryKind.SYMBOL, QueryKind.QUALIFIED_NAME)


@dataclass(frozen=True, slots=True)
class QueryUnderstanding:
    """A query as ranking sees it.

    `terms` are the distinct search terms without stop words, in order (`words`), followed by the
    `compounds`: adjacent words, joined as code would name them. `names` are the words written like
    identifiers, of qualified ones the last part (`flatMap`, `raw_hash_set`, `eql` of
    `std.mem.eql`); `scopes` the parts before those; `proper_words` the other capitalised words, any
    of which may be the name of a type; these three are as written. `owner` is the last scope before
    the name, if the query is a name.

    `places` are those of the whole query, from where a stack trace was taken outwards.

    `is_statement` tells a sentence about what one piece of code does (`returns the cookie of a
    session`) from a topic (`session cookies`) and a question (`how are the cookies read`), which a
    whole file answers. Among runs of words, only a sentence has articles or pronouns. A stack trace
    is one too: each of its lines tells of one piece of code.
    """

    text: str
    kind: QueryKind
    terms: tuple[str, ...]
    compounds: tuple[str, ...]
    names: frozenset[str]
    scopes: frozenset[str]
    proper_words: frozenset[str]
    places: tuple[QueryPlace, ...] = ()
    owner: str = ""
    words: tuple[str, ...] = field(init=False)
    is_statement: bool = field(init=False)

    def __post_init__(self) -> None:
        words = self.terms[: len(self.terms) - len(self.compounds)]
        object.__setattr__(self, "words", words)
        is_statement = len(self.places) > 1 or _is_statement(self.text, self.kind)
        object.__setattr__(self, "is_statement", is_statement)

    @property
    def is_empty(self) -> bool:
        return not self.terms

    @property
    def bare(self) -> str:
        """The text without quotes around it."""
        return self.text.strip(_QUOTES)


_NAME = re.compile(r"[^\W\d][\w$]*[!?]?(?:<[\w, ]*>)?(?:\(\s*\))?")
_SEPARATOR = re.compile(r"::|->|[.#:\\]")
_QUALIFIED = re.compile(
    r"(?:::|\\)?[^\W\d][\w$]*(?:(?:::|->|[.#:\\])[^\W\d][\w$]*[!?]?)+(?:\(\s*\))?"
)
_PATH = re.compile(r"\.{0,2}/?[\w.@+*?{},\-\[\]!]+(?:/[\w.@+*?{},\-\[\]!]*)+")
_FILE_NAME = re.compile(
    r"[\w.@+*\-]*\.(?:py|pyi|js|jsx|mjs|cjs|ts|tsx|go|java|kt|kts|scala|rb|rs|c|cc|cpp|cxx|h|hh|hpp"
    r"|cs|php|swift|ex|exs|lua|sh|bash|zig|hs|sql|html|css|json|ya?ml|toml|md|rst|txt|xml|ini|cfg)"
)


_MEMBERS = frozenset("css go html java json lua sh sql swift toml xml yaml yml zig".split())
"""Extensions that are also the names of methods and functions."""


def understand(query: str) -> QueryUnderstanding:
    """Parses a query; never fails, whatever the text."""
    text = query.strip()
    is_cut_before = is_innermost_last(text)  # and ends with the message
    text = composed(text[-LONGEST_QUERY:] if is_cut_before else text[:LONGEST_QUERY])
    text = _with_slashes(text)
    bare = text.strip(_QUOTES)
    names, scopes, proper_words = _sort_words(text)
    kind = _kind(bare, bool(names))
    terms = query_terms(text)[:MOST_TERMS]
    added = () if kind.is_name else _added(text, terms)
    understood = QueryUnderstanding(
        text=text,
        kind=kind,
        terms=(*terms, *added),
        compounds=added,
        names=frozenset(names),
        scopes=frozenset(scopes),
        proper_words=frozenset(proper_words - names),
        places=query_places(query),
    )
    return _about_name(understood, kind) if kind.is_name else understood


def as_member(query: QueryUnderstanding) -> QueryUnderstanding | None:
    """The query as the name of a member: `Request.json` is a file only if there is one. None if it
    cannot be a member."""
    name = query.bare
    is_member = name.rpartition(".")[2].lower() in _MEMBERS and _QUALIFIED.fullmatch(name)
    if query.kind is not QueryKind.PATH or not is_member:
        return None
    return _about_name(query, QueryKind.QUALIFIED_NAME)


def _about_name(query: QueryUnderstanding, kind: QueryKind) -> QueryUnderstanding:
    bare = _without_call(query.bare)
    *scopes, name = [part for part in _SEPARATOR.split(bare) if part]
    return replace(
        query,
        kind=kind,
        terms=query.words,
        compounds=(),
        names=frozenset({name}),
        scopes=frozenset(scopes),
        owner=scopes[-1] if scopes else "",
        proper_words=frozenset(),
    )


def _with_slashes(text: str) -> str:
    """The text, with slashes for the backslashes of a path: other names have these too."""
    slashed = text.replace("\\", "/")
    if slashed == text or not _PATH.fullmatch(slashed.strip(_QUOTES)):
        return text
    return slashed if _FILE_NAME.fullmatch(slashed.strip(_QUOTES).rpartition("/")[2]) else text


def _added(text: str, terms: tuple[str, ...]) -> tuple[str, ...]:
    """Compounds that are not among the terms, up to the maximum number of terms."""
    new = [compound for compound in compounds(text) if compound not in terms]
    return tuple(new[: MOST_TERMS - len(terms)])


def query_terms(text: str) -> tuple[str, ...]:
    """The distinct search terms of a query, without stop words unless nothing else is left."""
    written = identifiers(text)
    telling = [word for word in written if word.lower() not in STOP_WORDS] or written
    found: dict[str, None] = {}
    for word in telling:
        for term in identifier_terms(word):
            found.setdefault(term)
    return tuple(found)


def compounds(text: str) -> list[str]:
    """Pairs of adjacent words with no stop word between them, joined as `identifier_terms` joins
    those of one name; of plurals also the singular: *hash maps* gives hashmaps and hashmap."""
    found: dict[str, None] = {}
    before = ""
    for identifier in identifiers(text):
        for word in folded_words(identifier):
            if word in STOP_WORDS:
                before = ""
                continue
            if before:
                found.setdefault(before + word)
                if len(word) > SHORTEST_PLURAL and word.endswith("s"):
                    found.setdefault(before + word[:-1])
            before = word
    return list(found)


def _kind(bare: str, has_names: bool) -> QueryKind:
    if _PATH.fullmatch(bare) or _FILE_NAME.fullmatch(bare):
        return QueryKind.PATH
    if _NAME.fullmatch(bare) or bare.isidentifier():
        return QueryKind.SYMBOL
    if _QUALIFIED.fullmatch(bare):
        return QueryKind.QUALIFIED_NAME
    return QueryKind.MIXED if has_names else QueryKind.NATURAL_LANGUAGE


def _is_statement(text: str, kind: QueryKind) -> bool:
    if kind.is_name or kind is QueryKind.PATH:
        return False
    # As written between spaces: `a.py` has no article.
    written = [word.strip(_PUNCTUATION) for word in text.lower().split()]
    return not _DETERMINERS.isdisjoint(written) and written[0] not in _QUESTION_WORDS


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
