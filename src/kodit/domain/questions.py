"""What callers ask of what is indexed, as every face takes it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from kodit.domain.cursor import Cursor
from kodit.domain.files import FilePlace
from kodit.domain.repository_map import DEFAULT_BUDGET
from kodit.domain.run import RunState
from kodit.domain.search import SearchMode
from kodit.domain.snippet import SymbolKind

LONGEST_WAIT_SECONDS = 30.0
"""How long an answer waits at most for changes that are not indexed yet."""
WAIT_SECONDS = 2.0
"""How long a search waits for them unless the caller says otherwise."""


@dataclass(frozen=True, slots=True)
class Where:
    """Which files are meant.

    `sources` are indexes by identifier or source, or folders below one. Without any, the index
    that holds the caller's folder is meant, or, if there is none or with `everywhere`, all. The
    others restrict the files as in `SearchFilter`.
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
    """A search. `wait` is for how many seconds it may wait until changes that were made just now
    are indexed; `budget` is in tokens; a `cursor` of an earlier answer goes on where it ended."""

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
    """Lines that match a regular expression, or the text itself with `fixed_strings`; `Expression`
    and `LineShape` say what the others mean. `before` and `after` go before `context`."""

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
    """Where a name is defined and used: at most `limit` of each. `uses` is one of `AskedUses`."""

    name: str
    where: Where = Where()
    kinds: tuple[str, ...] = ()
    limit: int = 50
    uses: str = ""
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class FilesQuestion:
    """Which files are indexed; all of them without a `limit`."""

    where: Where = Where()
    limit: int | None = None
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class ReadQuestion:
    """The text at `PATH`, `PATH:LINE`, `PATH:START-END` or `PATH:START-`, or at a place whose path
    is exactly that of the file, in one index."""

    place: str | FilePlace
    where: Where = Where()


@dataclass(frozen=True, slots=True)
class OutlineQuestion:
    """What the file of this path defines, in one index."""

    path: str
    where: Where = Where()


@dataclass(frozen=True, slots=True)
class MapQuestion:
    """What matters most in the indexes that are meant, within `budget` tokens."""

    where: Where = Where()
    budget: int = DEFAULT_BUDGET


@dataclass(frozen=True, slots=True)
class RelatedQuestion:
    """Snippets like the one at `PATH:LINE` of one index: in the same index, or with `in_all` in
    all."""

    place: str | FilePlace
    where: Where = Where()
    in_all: bool = False
    limit: int = 10


@dataclass(frozen=True, slots=True)
class LeftOutQuestion:
    """Which files and folders are not in the indexes that are meant, and by which rules."""

    where: Where = Where()


@dataclass(frozen=True, slots=True)
class ExplainQuestion:
    """Why the file of this path is in an index or not."""

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
    """Which indexes there are, by identifier."""

    limit: int = 500
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class StatusQuestion:
    """How one index stands, or all."""

    source: str | None = None


@dataclass(frozen=True, slots=True)
class QueueQuestion:
    """What runs, waits, or has failed: at most `limit` runs of each state; or with `everything` the
    newest `limit` runs, whatever became of them."""

    everything: bool = False
    limit: int = 50


@dataclass(frozen=True, slots=True)
class RunQuestion:
    """One run, and all that happened to its tasks."""

    run_id: int


Question = (
    SearchQuestion | GrepQuestion | SymbolsQuestion | FilesQuestion | RunsQuestion | IndexesQuestion
)
"""One with pages."""
AnyQuestion = (
    SearchQuestion
    | GrepQuestion
    | SymbolsQuestion
    | FilesQuestion
    | ReadQuestion
    | OutlineQuestion
    | MapQuestion
    | RelatedQuestion
    | LeftOutQuestion
    | ExplainQuestion
    | StatusQuestion
    | QueueQuestion
    | RunQuestion
)
"""What the command line asks."""


def start_of(question: Question) -> int:
    """How many results come before the page that is asked for; of runs and indexes, the identifier
    of the last one before it, 0 for none. Raises InvalidQueryError for a cursor of another
    question."""
    offset = question.offset if isinstance(question, SearchQuestion) else 0
    if question.cursor is None:
        return offset
    return Cursor.decode(question.cursor, _identity(question)).offset


def cursor_at(question: Question, offset: int) -> str:
    """What goes on after so many results of this question, or after the run or index of this
    identifier."""
    return Cursor(offset).encode(_identity(question))


def _identity(question: Question) -> str:
    """The question without what only cuts its answer."""
    if isinstance(question, SearchQuestion):
        plain = replace(
            question, limit=1, offset=0, budget=None, cursor=None, explain=False, wait=0.0
        )
        return repr(plain)
    return repr(replace(question, limit=1, cursor=None))
