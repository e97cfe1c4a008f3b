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
        raise InvalidQueryError(
            f"there are no lines {lines}: they count from 1, the first first",
            code="lines_invalid",
            lines=lines,
        )
    return FilePlace(match["path"].removeprefix("./"), start, end)
