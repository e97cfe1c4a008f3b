"""Requests of callers, in the form that every face builds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from kodit.domain.cursor import Cursor
from kodit.domain.descriptions.kinds import DEFAULT_BUDGET as DESCRIPTION_BUDGET
from kodit.domain.descriptions.kinds import DescriptionKind
from kodit.domain.files import FilePlace
from kodit.domain.repository_map import DEFAULT_BUDGET
from kodit.domain.run import RunState
from kodit.domain.search import SearchMode
from kodit.domain.snippet import SymbolKind

LONGEST_WAIT_SECONDS = 30.0
"""The longest time a request may wait for changes that are not indexed yet."""
WAIT_SECONDS = 2.0
"""How long a search waits for them by default."""


@dataclass(frozen=True, slots=True)
class Where:
    """Selects files.

    `sources` are indexes by identifier or source, or folders below one. Without any, the index that
    holds the caller's folder is selected; if there is none, or with `everywhere`, all indexes. The
    other fields restrict the files as in `SearchFilter`.
    """

    sources: tuple[str, ...] = ()
    everywhere: bool = False
    languages: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    created_after: datetime | None = None
    created_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class SearchQuestion:
    """A search. `wait` is how many seconds it may wait for recent changes to be indexed; `budget`
    is in tokens; a `cursor` continues an earlier answer."""

    query: str
    where: Where = Where()
    mode: SearchMode = SearchMode.HYBRID
    kinds: tuple[SymbolKind, ...] = ()
    limit: int = 10
    offset: int = 0
    budget: int | None = None
    cursor: str | None = None
    explain: bool = False
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class GrepQuestion:
    """Lines that match a regular expression, or a literal text with `fixed_strings`; `Expression`
    and `LineShape` describe the other fields. `before` and `after` override `context`."""

    pattern: str
    where: Where = Where()
    ignore_case: bool = False
    fixed_strings: bool = False
    whole_words: bool = False
    inverted: bool = False
    more_patterns: tuple[str, ...] = ()
    context: int = 0
    before: int | None = None
    after: int | None = None
    only_matching: bool = False
    one_per_file: bool = False
    limit: int = 100
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class SymbolsQuestion:
    """Where a name is defined and used: at most `limit` results of each. `uses` is one of
    `AskedUses`."""

    name: str
    where: Where = Where()
    kinds: tuple[str, ...] = ()
    limit: int = 50
    uses: str = ""
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class FilesQuestion:
    """The indexed files; all of them without a `limit`."""

    where: Where = Where()
    limit: int | None = None
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class ReadQuestion:
    """The text at `PATH`, `PATH:LINE`, `PATH:START-END` or `PATH:START-`, or at a place with the
    exact path of a file, in one index."""

    place: str | FilePlace
    where: Where = Where()


@dataclass(frozen=True, slots=True)
class OutlineQuestion:
    """The definitions in one file of an index."""

    path: str
    where: Where = Where()


@dataclass(frozen=True, slots=True)
class MapQuestion:
    """The most important files and definitions of the selected indexes, within `budget` tokens."""

    where: Where = Where()
    budget: int = DEFAULT_BUDGET


@dataclass(frozen=True, slots=True)
class DescribeQuestion:
    """A description of each selected index, or of a subject in them, within `budget` tokens."""

    kind: DescriptionKind
    subject: str = ""
    where: Where = Where()
    budget: int = DESCRIPTION_BUDGET


@dataclass(frozen=True, slots=True)
class RelatedQuestion:
    """Snippets similar to the one at `PATH:LINE` of one index: in the same index, or with `in_all`
    in all indexes."""

    place: str | FilePlace
    where: Where = Where()
    in_all: bool = False
    limit: int = 10


@dataclass(frozen=True, slots=True)
class LeftOutQuestion:
    """The files and folders of the selected indexes that are left out, and the rules that do so."""

    where: Where = Where()


@dataclass(frozen=True, slots=True)
class ExplainQuestion:
    """Why a file is in an index or not."""

    path: str
    where: Where = Where()


@dataclass(frozen=True, slots=True)
class RunsQuestion:
    """Runs of these indexes and in these states, newest first; empty fields do not restrict."""

    index_ids: tuple[int, ...] = ()
    states: tuple[RunState, ...] = ()
    limit: int = 100
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class IndexesQuestion:
    """The list of indexes, by identifier."""

    limit: int = 500
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class StatusQuestion:
    """The status of one index or of all."""

    source: str | None = None


@dataclass(frozen=True, slots=True)
class QueueQuestion:
    """The running, waiting and failed runs: at most `limit` of each state; or with `everything`,
    the newest `limit` runs in any state."""

    everything: bool = False
    limit: int = 50


@dataclass(frozen=True, slots=True)
class RunQuestion:
    """One run, with all attempts of its tasks."""

    run_id: int


Question = (
    SearchQuestion | GrepQuestion | SymbolsQuestion | FilesQuestion | RunsQuestion | IndexesQuestion
)
"""A request whose answer has pages."""
AnyQuestion = (
    SearchQuestion
    | GrepQuestion
    | SymbolsQuestion
    | FilesQuestion
    | ReadQuestion
    | OutlineQuestion
    | MapQuestion
    | DescribeQuestion
    | RelatedQuestion
    | LeftOutQuestion
    | ExplainQuestion
    | StatusQuestion
    | QueueQuestion
    | RunQuestion
)
"""Any request of the command line."""


def start_of(question: Question) -> int:
    """How many results precede the requested page; for runs and indexes, the identifier of the last
    one before it, 0 for none. Raises InvalidQueryError for a cursor of another request."""
    offset = question.offset if isinstance(question, SearchQuestion) else 0
    if question.cursor is None:
        return offset
    return Cursor.decode(question.cursor, _identity(question)).offset


def cursor_at(question: Question, offset: int) -> str:
    """The cursor that continues this request after so many results, or after the run or index with
    this identifier."""
    return Cursor(offset).encode(_identity(question))


def _identity(question: Question) -> str:
    """The request without the fields that only limit its answer."""
    if isinstance(question, SearchQuestion):
        plain = replace(
            question, limit=1, offset=0, budget=None, cursor=None, explain=False, wait=0.0
        )
        return repr(plain)
    return repr(replace(question, limit=1, cursor=None))
