"""Requests for the lines that match an expression, and their answers."""

from __future__ import annotations

from dataclasses import dataclass

from kodit.domain.search import EVERYTHING, SearchFilter


@dataclass(frozen=True, slots=True)
class Expression:
    """What a line must match: a regular expression (RE2 syntax) or, with `is_fixed`, a literal
    text; or one of the patterns in `more`. With `whole_words`, the match must not touch a letter,
    digit or underscore (ASCII). With `is_inverted`, the lines that do not match are found."""

    pattern: str
    is_fixed: bool = False
    ignore_case: bool = False
    whole_words: bool = False
    is_inverted: bool = False
    more: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LineShape:
    """How each matching line is returned: the number of lines before and after it; with
    `only_matching`, each matching part as a result of its own; with `one_per_file`, only the first
    of each file."""

    before: int = 0
    after: int = 0
    only_matching: bool = False
    one_per_file: bool = False


@dataclass(frozen=True, slots=True)
class GrepRequest:
    """An expression, the files to search, and the shape of each result. Returns at most `limit`
    lines, after skipping the first `offset`."""

    expression: Expression
    filter: SearchFilter = EVERYTHING
    shape: LineShape = LineShape()
    limit: int = 100
    offset: int = 0


@dataclass(frozen=True, slots=True)
class FoundLine:
    """A line that matches; `line` and `column` count from 1, the column in characters. `text`,
    `before` and `after` are cut to `LONGEST_LINE` characters, with `…` where text was left out."""

    line: int
    column: int
    text: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GrepMatch:
    """A found line with its index and path."""

    index_id: int
    source: str
    path: str
    language: str
    found: FoundLine


@dataclass(frozen=True, slots=True)
class GrepAnswer:
    """Matches by index, path and line. `files` is the number of files in scope; the answer is
    complete when there is no further match. `problems` has one sentence for each source that could
    not be read."""

    matches: tuple[GrepMatch, ...]
    files: int
    is_complete: bool
    problems: tuple[str, ...] = ()
