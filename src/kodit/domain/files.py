"""Indexed files themselves: which there are, and what stands in them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kodit.domain.errors import InvalidQueryError
from kodit.domain.index import Index


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
class FilePlace:
    """A path with the lines asked for; `end_line` None means to the end, both None the whole."""

    path: str
    start_line: int | None = None
    end_line: int | None = None

    def __str__(self) -> str:
        """As one types it."""
        if self.start_line is None:
            return self.path
        end = "" if self.end_line is None else self.end_line
        to = "" if self.end_line == self.start_line else f"-{end}"
        return f"{self.path}:{self.start_line}{to}"


@dataclass(frozen=True, slots=True)
class IndexedFiles:
    """The files of one index that are to be looked at, in the order of their paths."""

    index: Index
    files: tuple[IndexedText, ...]


_LINES = r"(?P<start>\d{1,9})(?P<to>-(?P<end>\d{1,9})?)?"
_PLACE = re.compile(rf"(?P<path>.+?):{_LINES}", re.DOTALL | re.ASCII)
_SOME_LINES = re.compile(_LINES, re.ASCII)


def parse_place(text: str) -> FilePlace:
    """`PATH`, `PATH:LINE`, `PATH:START-END` or `PATH:START-`. Raises InvalidQueryError for lines
    that are none."""
    match = _PLACE.fullmatch(text)
    if match is None:
        return FilePlace(text.removeprefix("./"))
    return place_at(match["path"].removeprefix("./"), text[match.end("path") + 1 :])


def place_at(path: str, lines: str) -> FilePlace:
    """`LINE`, `START-END` or `START-` of the file of exactly this path. Raises InvalidQueryError
    for lines that are none."""
    match = _SOME_LINES.fullmatch(lines)
    if match is None:
        raise InvalidQueryError(
            f"lines are written 10, 10-20 or 10-, not {lines[:40]!r}",
            code="lines_invalid",
            lines=lines[:40],
        )
    start = int(match["start"])
    end = int(match["end"]) if match["end"] else (None if match["to"] else start)
    if start == 0 or (end is not None and end < start):
        raise InvalidQueryError(
            f"there are no lines {lines}: lines count from 1, and the first is not after the last",
            code="lines_invalid",
            lines=lines,
        )
    return FilePlace(path, start, end)
