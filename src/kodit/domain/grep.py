"""Lines that match an expression: what is asked, and what is answered."""

from __future__ import annotations

from dataclasses import dataclass

from kodit.domain.search import EVERYTHING, SearchFilter


@dataclass(frozen=True, slots=True)
class Expression:
    """What a line must contain: a regular expression (RE2 syntax) or, with `is_fixed`, the text
    itself; or one of the patterns in `more`. With `whole_words`, what is before and behind it is no
    letter, digit or underscore (of ASCII). With `is_inverted`, the other lines are meant."""

    pattern: str
    is_fixed: bool = False
    ignore_case: bool = False
    whole_words: bool = False
    is_inverted: bool = False
    more: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LineShape:
    """What is wanted of each line that matches: how many lines before and after it; of the line
    itself `only_matching` parts, each on its own; and with `one_per_file` only the first of each
    file."""

    before: int = 0
    after: int = 0
    only_matching: bool = False
    one_per_file: bool = False


@dataclass(frozen=True, slots=True)
class GrepRequest:
    """An expression, the files to look at, and how much of each place is wanted: `limit` is a
    number of lines found, after the first `offset`."""

    expression: Expression
    filter: SearchFilter = EVERYTHING
    shape: LineShape = LineShape()
    limit: int = 100
    offset: int = 0


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
