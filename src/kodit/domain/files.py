"""Indexed files: their listing and their text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kodit.domain.errors import InvalidQueryError
from kodit.domain.index import Index

WHOLE_LIST = slice(None)
"""The page of a listing that has all its items."""


@dataclass(frozen=True, slots=True)
class IndexedText:
    """A file whose text is in an index; neither a deleted file nor one that is never read.
    `content_hash` is the git blob id of the bytes that its snippets were made from."""

    id: int
    index_id: int
    path: str
    language: str
    content_hash: str
    size: int


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file of an index. `size` is in bytes; `lines` is the number of its last non-empty line."""

    index_id: int
    source: str
    path: str
    language: str
    size: int
    lines: int
    snippets: int


@dataclass(frozen=True, slots=True)
class FileText:
    """Lines `start_line` to `end_line` of a file, counted from 1 and both inclusive; `lines` is the
    total. An empty file has the lines 1 to 0."""

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
    """A path with a range of lines; `end_line` None means up to the end, both None the whole
    file."""

    path: str
    start_line: int | None = None
    end_line: int | None = None

    def __str__(self) -> str:
        """The place as users type it."""
        if self.start_line is None:
            return self.path
        end = "" if self.end_line is None else self.end_line
        to = "" if self.end_line == self.start_line else f"-{end}"
        return f"{self.path}:{self.start_line}{to}"


@dataclass(frozen=True, slots=True)
class IndexedFiles:
    """Files of one index, in the order of their paths."""

    index: Index
    files: tuple[IndexedText, ...]


_NUMBERS = r"[Ll]?(?P<start>\d{1,9})(?:C\d+)?(?P<to>{to}(?:[Ll]?(?P<end>\d{1,9})(?:C\d+)?)?)?"
_LINES = _NUMBERS.replace("{to}", r"(?:-|,|\.\.)")
_PLACES = (
    # With and without a column after the line, each with the optional colon that tools write there.
    re.compile(rf"(?P<path>.+)[:#](?P<lines>{_LINES}):?", re.DOTALL | re.ASCII),
    re.compile(r"(?P<path>.+):(?P<lines>(?P<start>\d{1,9})):\d+:?", re.DOTALL | re.ASCII),
)
_FROM_HERE = re.compile(r"^(!?)(?:\./)+(?=.)")
_SOME_LINES = re.compile(_NUMBERS.replace("{to}", r"\s*(?:-|,|:|\.\.)\s*"), re.ASCII)


def readings_of(text: str) -> Iterator[FilePlace]:
    """The possible meanings of a place as typed, the most literal first: the caller, who knows the
    files, takes the first one whose path exists. Accepts:

    `PATH`; `PATH:10`, and `PATH:10:5` of compilers and grep, where 5 is a column; `PATH:10-20` or
    `PATH:10,20`; `PATH:10-`, up to the end; `PATH#L10` and `PATH#L10-L20`, as in URLs.

    Raises InvalidQueryError at the end for an invalid line range.
    """
    yield FilePlace(tidy_path(text))
    for pattern in _PLACES:
        match = pattern.fullmatch(text)
        if match is not None:
            try:
                yield place_at(tidy_path(match["path"]), match["lines"])
            except InvalidQueryError:
                if pattern is _PLACES[-1] or _PLACES[-1].fullmatch(text) is None:
                    raise


def parse_place(text: str) -> FilePlace:
    """The last of the readings, which takes as much of the text as possible for lines. Raises
    InvalidQueryError for an invalid line range."""
    *_, last = readings_of(text)
    return last


def from_root(glob: str) -> str:
    """Turns `./docs/**`, as a shell completes it, into the glob `/docs/**`, which matches at the
    root."""
    return _FROM_HERE.sub(r"\1/", glob)


def tidy_path(path: str) -> str:
    """A relative path without a leading `./`, a trailing slash or double slashes."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    tidy = "/".join(parts)
    return f"/{tidy}" if path.startswith("/") else tidy or path


def place_at(path: str, lines: str) -> FilePlace:
    """The lines `10`, `10-20` or `10-` of the file of exactly this path; also `10,20`, `10:20`,
    `10..20` and `L10-L20`. Raises InvalidQueryError for an invalid line range."""
    match = _SOME_LINES.fullmatch(lines.strip())
    if match is None:
        raise InvalidQueryError(
            f"invalid line range {lines[:40]!r}; write 10, 10-20 or 10-",
            code="lines_invalid",
            lines=lines[:40],
        )
    start = int(match["start"])
    end = int(match["end"]) if match["end"] else (None if match["to"] else start)
    if start == 0 or (end is not None and end < start):
        raise InvalidQueryError(
            f"invalid line range {lines}: lines are numbered from 1, and the first must not come "
            "after the last",
            code="lines_invalid",
            lines=lines,
        )
    return FilePlace(path, start, end)
