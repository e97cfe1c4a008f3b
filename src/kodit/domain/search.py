"""Search requests and their results."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from kodit.domain.errors import InvalidQueryError
from kodit.domain.languages import language_named
from kodit.domain.snippet import Extent, MinorSymbol, PlacedSymbol, Symbol, SymbolKind


class SearchMode(StrEnum):
    """Which engines answer."""

    HYBRID = "hybrid"
    KEYWORD = "keyword"
    CODE = "code"
    TEXT = "text"


Choice = TypeVar("Choice", bound=StrEnum)


def choose(choices: type[Choice], what: str, name: str) -> Choice:
    """The choice with this name, in any case. Raises InvalidQueryError, which lists the choices."""
    try:
        return choices(name.lower())
    except ValueError:
        known = ", ".join(choices)
        raise InvalidQueryError(
            f"unknown {what} {name!r}; choose one of {known}",
            code="choice_invalid",
            what=what,
            value=name,
            choices=known,
        ) from None


class VectorKind(StrEnum):
    """What a vector was made from: the code itself, or its enriched text."""

    CODE = "code"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class SearchFilter:
    """What a result must satisfy; empty fields do not restrict.

    `paths` are globs over the relative path with the rules of `.gitignore`; a result must match one
    of them. `authors` are parts of the name or address of a file's last author, in any case.
    `created_after` and `created_before` bound the time of a file's first commit; a file without a
    history passes neither. `kinds` are those of the symbol that a snippet defines. `within`
    restricts indexes to a part: pairs of an index's identifier and the relative path of a folder or
    file. `languages` may have any name that `language_named` accepts.
    """

    index_ids: tuple[int, ...] = ()
    languages: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    created_after: datetime | None = None
    created_before: datetime | None = None
    kinds: tuple[SymbolKind, ...] = ()
    within: tuple[tuple[int, str], ...] = ()

    def __post_init__(self) -> None:
        # For every face: `py` means the language under which files are stored.
        languages = tuple(language_named(language) for language in self.languages)
        object.__setattr__(self, "languages", languages)

    @property
    def chooses_files(self) -> bool:
        """Whether anything but the index restricts the files."""
        return bool(
            self.languages
            or self.paths
            or self.authors
            or self.created_after
            or self.created_before
            or self.within
        )


EVERYTHING = SearchFilter()


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A query with its mode, its filter, and the wanted page of results. `budget` limits the answer
    to about that many tokens of a language model; None means no limit."""

    query: str
    mode: SearchMode = SearchMode.HYBRID
    filter: SearchFilter = SearchFilter()
    limit: int = 10
    offset: int = 0
    budget: int | None = None


class Lagging(NamedTuple):
    """The versions that each engine does not search yet, or no longer: while a file has a new
    version that an engine has not stored completely, that engine searches the former one."""

    keyword: frozenset[int] = frozenset()
    code: frozenset[int] = frozenset()
    text: frozenset[int] = frozenset()

    def of(self, kind: VectorKind | None) -> frozenset[int]:
        """Those of the vectors of a kind, or of the keyword index."""
        if kind is None:
            return self.keyword
        return self.code if kind is VectorKind.CODE else self.text


NONE_LAGS = Lagging()


@dataclass(frozen=True, slots=True)
class Scope:
    """A filter resolved to identifiers, so that the engines apply it while they search and not
    afterwards. Files are identified by their versions.

    `file_ids` None means every file of the indexes; `hidden_file_ids` are versions in the searched
    stores that no file of the indexes has; `kinds` empty means snippets of any kind and of none.

    The snippets of a version are in the store of the index that brought it. `stores` are searched
    as a whole, None for those of the indexes; of `listed_stores`, only the versions in `listed`.
    """

    index_ids: frozenset[int]
    file_ids: frozenset[int] | None = None
    hidden_file_ids: frozenset[int] = frozenset()
    kinds: tuple[SymbolKind, ...] = ()
    stores: frozenset[int] | None = None
    listed_stores: frozenset[int] = frozenset()
    listed: frozenset[int] = frozenset()
    lagging: Lagging = NONE_LAGS

    @property
    def whole_stores(self) -> frozenset[int]:
        """The stores that are searched as a whole."""
        return self.index_ids if self.stores is None else self.stores

    @property
    def store_ids(self) -> frozenset[int]:
        """All stores that are searched."""
        return self.whole_stores | self.listed_stores

    def within(self, store_ids: frozenset[int]) -> Scope:
        """The part of the scope that is in these stores."""
        return replace(
            self,
            stores=self.whole_stores & store_ids,
            listed_stores=self.listed_stores & store_ids,
        )

    def of_all_files(self) -> Scope:
        """The same indexes without a choice of files or kinds."""
        return replace(self, file_ids=None, kinds=())

    def hidden_from(self, kind: VectorKind | None) -> frozenset[int]:
        """The versions that an engine must not find: the vectors of a kind, or the keyword
        index."""
        lagging = self.lagging.of(kind)
        return self.hidden_file_ids | lagging if lagging else self.hidden_file_ids

    def has_file(self, file_id: int, store_id: int | None = None) -> bool:
        """Whether a file of the indexes is in the scope. `store_id` is its store, None if it is
        known to be a file of the indexes."""
        if file_id in self.hidden_file_ids:
            return False
        if self.file_ids is not None:
            return file_id in self.file_ids
        return store_id is None or store_id in self.whole_stores or file_id in self.listed


class Hit(NamedTuple):
    """One engine's result: a snippet and the engine's own score, larger is better; a tuple, as a
    search makes hundreds."""

    snippet_id: int
    score: float


class SnippetLines(NamedTuple):
    """The lines of a snippet, 1-based and inclusive, the names of what it defines, and the scope
    (`Outer.Inner`) of that."""

    snippet_id: int
    start_line: int
    end_line: int
    names: Collection[str]
    scope: str = ""

    def distance(self, line: int) -> tuple[int, int, int]:
        """A sort key: of two at the same distance, the one that begins later is the inner one."""
        away = max(self.start_line - line, line - self.end_line, 0)
        return away, -self.start_line, self.snippet_id

    def is_of(self, function: str) -> bool:
        """Whether it defines the function, or something in it."""
        return function in self.names or function == self.inner_scope

    @property
    def inner_scope(self) -> str:
        """The last part of the scope."""
        return self.scope.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class StoredSnippet:
    """A snippet as the database holds it, with the keys that join it to other tables. An older
    extractor stored no `extents`."""

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
    also_defines: tuple[PlacedSymbol, ...] = ()
    extents: tuple[Extent, ...] = ()
    is_minor: bool = False
    """For a part of a snippet, whether it is a minor symbol."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Tens of thousands travel between processes, at a third of the cost of the default."""
        return StoredSnippet, _FIELDS(self)

    @property
    def defined_symbol(self) -> Symbol | None:
        """What the snippet defines, if anything."""
        if self.symbol is None or self.kind is None:
            return None
        return Symbol(self.symbol, SymbolKind(self.kind), self.scope)

    @property
    def neighbours(self) -> tuple[str, ...]:
        """The names of other definitions in the snippet, outside its own symbol."""
        return tuple(
            dict.fromkeys(
                one.symbol.name
                for one in self.also_defines
                if not isinstance(one, MinorSymbol)
                and not any(own.start_line <= one.line <= own.end_line for own in self.extents)
            )
        )

    @property
    def named_line(self) -> int:
        """The line of the name of its definition, or else its first line."""
        return self.extents[0].line if self.extents else self.start_line


_FIELDS = attrgetter(*(field.name for field in fields(StoredSnippet)))


def joined(
    shown: StoredSnippet, neighbours: Iterable[StoredSnippet], following: Mapping[int, int]
) -> StoredSnippet:
    """A snippet merged with those of its neighbours that follow one another, where `following` maps
    each snippet to the next one. Only blank lines lie between two consecutive snippets."""
    others = {one.id: one for one in neighbours}
    if not others:
        return shown
    preceding = {after: before for before, after in following.items()}
    row = deque([shown])
    while (above := others.get(preceding.get(row[0].id, 0))) is not None:
        row.appendleft(above)
    while (below := others.get(following.get(row[-1].id, 0))) is not None:
        row.append(below)
    text = row[0].text + "".join(
        "\n" * (below.start_line - above.end_line) + below.text for above, below in pairwise(row)
    )
    return replace(shown, start_line=row[0].start_line, end_line=row[-1].end_line, text=text)


class FoundSnippet(NamedTuple):
    """The fields of a snippet that ranking reads: all but its text. They never change for an
    identifier."""

    id: int
    index_id: int
    file_id: int
    path: str
    start_line: int
    end_line: int
    language: str
    symbol: Symbol | None
    also_defines: tuple[Symbol, ...] = ()
    content_hash: str = ""
    """A hash of the text alone."""


class CopyPlace(NamedTuple):
    """The place of a copy of a result."""

    path: str
    source: str
    start_line: int
    end_line: int
    index_id: int


MOST_COPIES = 100
"""How many copies of a result are listed."""


@dataclass(frozen=True, slots=True)
class SignalPoints:
    """What one signal of the ranking added to a score: `points` is `value` times `weight`."""

    signal: str
    value: float
    weight: float
    points: float


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A snippet with its rank; the score is comparable within one answer only.

    The points of `explanation` sum to it; a search of one engine has none. `is_cut` says that the
    snippet was shortened to fit the budget. `also_in` lists the other places of the same text, by
    path. `is_weak` is set in every result if even the best one matches the query poorly.
    """

    snippet: StoredSnippet
    score: float
    explanation: tuple[SignalPoints, ...] = ()
    is_cut: bool = False
    also_in: tuple[CopyPlace, ...] = ()
    is_weak: bool = False


def with_copy(result: SearchResult, copy: StoredSnippet, *others: CopyPlace) -> SearchResult:
    """The result with one more copy, which is at `others` too, up to `MOST_COPIES`."""
    place = CopyPlace(copy.path, copy.source, copy.start_line, copy.end_line, copy.index_id)
    places = sorted({*result.also_in, place, *others})
    return replace(result, also_in=tuple(places[:MOST_COPIES]))


CHARACTERS_PER_TOKEN = 4
"""The usual rule of thumb for language models; code has slightly fewer."""
TOKENS_PER_PLACE = 30
"""The cost of a result beside its text: its path, lines, symbol and score."""


def within_budget(results: Sequence[SearchResult], tokens: int) -> list[SearchResult]:
    """As many of the results, best first, as fit; the last one is cut at the end of a line, and
    left out if not even one line fits."""
    kept: list[SearchResult] = []
    for result in results:
        tokens -= TOKENS_PER_PLACE
        if tokens <= 0:
            break
        text = result.snippet.text
        if len(text) > tokens * CHARACTERS_PER_TOKEN:
            cut = text[: tokens * CHARACTERS_PER_TOKEN].rpartition("\n")[0].rstrip("\n")
            if cut:
                last = result.snippet.start_line + cut.count("\n")
                snippet = replace(result.snippet, end_line=last, text=cut)
                kept.append(replace(result, snippet=snippet, is_cut=True))
            break
        kept.append(result)
        tokens -= len(text) // CHARACTERS_PER_TOKEN + len(result.also_in) * TOKENS_PER_PLACE
    return kept
