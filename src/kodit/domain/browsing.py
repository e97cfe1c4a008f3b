"""What is asked of indexed files themselves, and what is answered: lines, listings, symbols."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kodit.domain.errors import InvalidQueryError
from kodit.domain.index import Index
from kodit.domain.search import SearchFilter, StoredSnippet

LONGEST_LINE = 400
"""Characters of a line that are shown; of a longer one, those around the match."""

EVERYTHING = SearchFilter()


@dataclass(frozen=True, slots=True)
class Expression:
    """What a line must contain: a regular expression (RE2 syntax) or, with `is_fixed`, the text
    itself."""

    pattern: str
    is_fixed: bool = False
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class GrepRequest:
    """An expression, the files to look at, and how much of each place is wanted.

    `context` is a number of lines before and after; `limit` a number of lines found.
    """

    expression: Expression
    filter: SearchFilter = EVERYTHING
    context: int = 0
    limit: int = 100


@dataclass(frozen=True, slots=True)
class IndexedText:
    """A file whose text is in an index: deleted files, and such as are never read, are none.

    `content_hash` is that of the bytes that its snippets were made from (the git blob id).
    """

    id: int
    index_id: int
    path: str
    language: str
    content_hash: str
    size: int


@dataclass(frozen=True, slots=True)
class FoundLine:
    """A line that matches; `line` and `column` count from 1, the column in characters. `text`,
    `before` and `after` are cut to `LONGEST_LINE` characters, with `…` where something is left
    out."""

    line: int
    column: int
    text: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GrepMatch:
    """A found line with its place."""

    index_id: int
    source: str
    path: str
    language: str
    found: FoundLine


@dataclass(frozen=True, slots=True)
class GrepAnswer:
    """Matches by index, path and line. `files` is how many were in the scope; the answer is
    complete when there is no further match. `problems` are sources that could not be read, one
    sentence each."""

    matches: tuple[GrepMatch, ...]
    files: int
    is_complete: bool
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file of an index. `size` is in bytes; `lines` is the last line that holds anything."""

    index_id: int
    source: str
    path: str
    language: str
    size: int
    lines: int
    snippets: int


@dataclass(frozen=True, slots=True)
class FileText:
    """Lines `start_line` to `end_line`, both included and counted from 1, of `lines` in all. An
    empty file has the lines 1 to 0."""

    index_id: int
    source: str
    path: str
    language: str
    start_line: int
    end_line: int
    lines: int
    text: str


@dataclass(frozen=True, slots=True)
class SymbolRequest:
    """A name, plain or qualified (`Scope.name`, also `Scope::name` and `Scope#name`), the files
    and kinds to look at, and how many definitions and references are wanted of each."""

    name: str
    filter: SearchFilter = EVERYTHING
    kinds: tuple[str, ...] = ()
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Definition:
    """A snippet that defines a name, and the line on which it says so: before that may stand a
    comment, a decorator, or what else the snippet holds."""

    snippet: StoredSnippet
    line: int


@dataclass(frozen=True, slots=True)
class Reference:
    """A line on which a name is used, as a word of its own. `snippet` is where it stands."""

    snippet: StoredSnippet
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class SymbolAnswer:
    """Where a name is defined, best first, and where it is used, by place. Complete when neither
    list was cut short."""

    definitions: tuple[Definition, ...]
    references: tuple[Reference, ...]
    is_complete: bool


@dataclass(frozen=True, slots=True)
class FilePlace:
    """A path with the lines asked for; `end_line` None means to the end, both None the whole."""

    path: str
    start_line: int | None = None
    end_line: int | None = None


@dataclass(frozen=True, slots=True)
class IndexedFiles:
    """The files of one index that are to be looked at, in the order of their paths."""

    index: Index
    files: tuple[IndexedText, ...]


_PLACE = re.compile(r"(?P<path>.+?):(?P<start>\d{1,9})(?P<to>-(?P<end>\d{1,9})?)?", re.DOTALL)


def parse_place(text: str) -> FilePlace:
    """`PATH`, `PATH:LINE`, `PATH:START-END` or `PATH:START-`. Raises InvalidQueryError for lines
    that are none."""
    match = _PLACE.fullmatch(text)
    if match is None:
        return FilePlace(text.removeprefix("./"))
    start = int(match["start"])
    end = int(match["end"]) if match["end"] else (None if match["to"] else start)
    if start == 0 or (end is not None and end < start):
        lines = text[match.end("path") + 1 :]
        raise InvalidQueryError(f"there are no lines {lines}: they count from 1, the first first")
    return FilePlace(match["path"].removeprefix("./"), start, end)


def cut_line(line: str, column: int = 1) -> str:
    """At most `LONGEST_LINE` characters of a line, those around `column`."""
    if len(line) <= LONGEST_LINE:
        return line
    start = max(0, min(column - 1 - LONGEST_LINE // 4, len(line) - LONGEST_LINE))
    end = start + LONGEST_LINE
    return ("…" if start else "") + line[start:end] + ("…" if end < len(line) else "")
