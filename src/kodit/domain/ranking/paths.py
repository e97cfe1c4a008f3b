"""Facts about a file that its path tells."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache

from kodit.domain.ranking.stemming import stem
from kodit.domain.ranking.terms import folded_words, identifiers

_TEST = re.compile(
    r"(^|/)(tests?|specs?|testing|testdata|test[-_]?utils?|__tests__|fixtures?|mocks?|e2e)/"
    r"|(^|/)(tests|mocks|conftest|test_[^/]*"
    r"|[^/]*([_.-](tests?|specs?|unittest)|Tests?|TestCase|Specs?))\.[^/.]+$"
)
_EXAMPLE = re.compile(
    r"(^|/)(examples?|samples?|demos?|tutorials?|docs?|docs[-_]src|benchmarks?|bench|benches)/"
    r"|[_.-](example|benchmark|bench)\.[^/.]+$",
    re.IGNORECASE,
)
_DERIVED = re.compile(
    r"(^|/)(vendor|vendored|third[-_]party|node_modules|generated|dist)/"
    r"|(_pb2|_pb2_grpc|\.pb|\.generated|\.gen|\.g|\.min)\.[^/.]+$",
    re.IGNORECASE,
)
_COMPATIBILITY = re.compile(
    r"(^|/)_?(compat|compatibility|legacy|deprecated|polyfills?|backports?)(/|\.[^/.]+$)",
    re.IGNORECASE,
)
_DECLARATIONS = re.compile(r"\.pyi$|\.d\.[cm]?ts$", re.IGNORECASE)
_ENTRANCE = re.compile(
    r"(^|/)(__init__\.py|(index|main)\.[cm]?[jt]sx?|(mod|lib)\.rs|package\.scala)$"
)

SHORTEST_PART = 3
"""The shortest word that counts within a longer one: `form` in `formparsers`."""


@dataclass(frozen=True, slots=True)
class PathFacts:
    """`file_words` and `folder_words` are the stemmed words of the file's name without extension
    and of its folders."""

    file_words: tuple[str, ...]
    folder_words: tuple[str, ...]
    extension: str
    """In lower case, without the dot; empty if there is none."""
    depth: int
    is_test: bool
    is_example: bool
    is_derived: bool
    """Generated, bundled, or third-party."""
    is_compatibility: bool
    is_declarations: bool
    """A stub: it repeats for a type checker what another file defines."""
    is_entrance: bool
    """By its name, the entry file of a package or folder; many only re-export definitions of other
    files."""


@lru_cache(maxsize=32_768)
def path_facts(path: str) -> PathFacts:
    """Parses a path relative to its source, with `/`."""
    *folders, base = path.split("/")
    stem_of_name, _dot, extension = base.rpartition(".")
    name = stem_of_name or base
    return PathFacts(
        file_words=name_words(name),
        folder_words=tuple(word for folder in folders for word in name_words(folder)),
        extension=extension.lower() if stem_of_name else "",
        depth=len(folders),
        is_test=_TEST.search(path) is not None,
        is_example=_EXAMPLE.search(path) is not None,
        is_derived=_DERIVED.search(path) is not None,
        is_compatibility=_COMPATIBILITY.search(path) is not None,
        is_declarations=_DECLARATIONS.search(path) is not None,
        is_entrance=_ENTRANCE.search(path) is not None,
    )


def is_of_program(path: str) -> bool:
    """Whether the path tells of none of tests, examples and derived files; a tenth of the work of
    `path_facts`."""
    return not any(one.search(path) for one in (_TEST, _EXAMPLE, _DERIVED))


def named_share(path_words: Collection[str], query_terms: tuple[str, ...]) -> float:
    """How much of a name the query contains: the share of its letters, 0 to 1.

    A word counts whole when it is a query term or starts one (`auth`, `authentic`); in a word with
    query terms at its ends (`formparser` for *form* and *parser*), their letters count.
    """
    named, letters, said = _named_letters_of(query_terms), 0, 0
    for word in path_words:
        letters += len(word)
        said += named[word]
    return said / letters if letters else 0.0


def named_shares(query_terms: tuple[str, ...]) -> Callable[[str], float]:
    """A function that returns the same for a name in code. A search asks it several times for the
    name of a snippet."""
    return _named_letters_of(query_terms).shares.__getitem__


class _NamedLetters(dict[str, int]):
    """How many letters of each word the query contains; a cache, because the same words come up
    again and again."""

    def __init__(self, query_terms: tuple[str, ...]) -> None:
        super().__init__()
        self.shares = _NamedShares(query_terms)
        self._terms = frozenset(query_terms)
        self._parts = tuple(term for term in self._terms if len(term) >= SHORTEST_PART)
        # One search in one text instead of a loop over the terms, since most words of paths contain
        # none: this runs for every new word of every file found.
        self._beginnings = "\n" + "\n".join(query_terms)

    def __missing__(self, word: str) -> int:
        count = self[word] = self._count(word)
        return count

    def _count(self, word: str) -> int:
        begins_a_term = len(word) >= SHORTEST_PART and "\n" + word in self._beginnings
        if begins_a_term or word in self._terms:
            return len(word)
        if not (word.startswith(self._parts) or word.endswith(self._parts)):
            return 0
        return min(len(word), sum(len(part) for part in self._parts if _has_at_end(word, part)))


class _NamedShares(dict[str, float]):
    """The shares of names in code."""

    def __init__(self, query_terms: tuple[str, ...]) -> None:
        super().__init__()
        self._terms = query_terms

    def __missing__(self, name: str) -> float:
        share = self[name] = named_share(name_words(name), self._terms)
        return share


@lru_cache(maxsize=64)
def _named_letters_of(query_terms: tuple[str, ...]) -> _NamedLetters:
    return _NamedLetters(query_terms)


def _has_at_end(word: str, part: str) -> bool:
    return word.startswith(part) or word.endswith(part)


@lru_cache(maxsize=32_768)
def name_words(name: str) -> tuple[str, ...]:
    """The stemmed words of a name in code."""
    return tuple(
        stem(word) for identifier in identifiers(name) for word in folded_words(identifier)
    )
