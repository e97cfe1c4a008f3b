"""What is asked for, and what is answered."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SearchMode(StrEnum):
    """Which engines answer."""

    HYBRID = "hybrid"
    KEYWORD = "keyword"
    CODE = "code"
    TEXT = "text"


class VectorKind(StrEnum):
    """What a vector was made from: the code itself, or the enriched text about it."""

    CODE = "code"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class SearchFilter:
    """What a result must satisfy; empty fields do not restrict.

    `paths` are globs over the relative path (`*` within a folder, `**` across folders); a result
    must match one of them.
    """

    index_ids: tuple[int, ...] = ()
    languages: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A query with its mode, filter, and the number of results wanted."""

    query: str
    mode: SearchMode = SearchMode.HYBRID
    filter: SearchFilter = SearchFilter()
    limit: int = 10


@dataclass(frozen=True, slots=True)
class Scope:
    """A filter as the engines take it: resolved to identifiers, so that it is applied while
    candidates are found and never after.

    `file_ids` None means every file of the indexes; `hidden_file_ids` are deleted files whose
    snippets an engine may still hold.
    """

    index_ids: frozenset[int]
    file_ids: frozenset[int] | None = None
    hidden_file_ids: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Hit:
    """One engine's answer: a snippet and the engine's own score, larger is better."""

    snippet_id: int
    score: float


@dataclass(frozen=True, slots=True)
class StoredSnippet:
    """A snippet as the database holds it, with the keys that join it to the rest."""

    id: int
    index_id: int
    file_id: int
    source: str
    path: str
    start_line: int
    end_line: int
    language: str
    symbol: str | None
    kind: str | None
    scope: str
    text: str


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A snippet with its place in the answer; the score is comparable within one answer only."""

    snippet: StoredSnippet
    score: float
