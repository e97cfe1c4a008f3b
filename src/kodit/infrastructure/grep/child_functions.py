"""The functions that child processes run to search lines."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from kodit.domain.grep import Expression, FoundLine, LineShape
from kodit.infrastructure.grep.matching import compile_expression, lines_of_shape, other_lines
from kodit.infrastructure.grep.ripgrep import worth_reading
from kodit.infrastructure.sources.location import Location
from kodit.infrastructure.sources.text_reader import FileToRead, read_texts

FILES_AT_ONCE = 256
"""Files in memory at the same time; none is larger than a megabyte."""
SECONDS_PER_REPORT = 0.5


class LineSearch(NamedTuple):
    """The expression, the files to search, and the path of ripgrep, if any."""

    location: Location
    files: Sequence[FileToRead]
    expression: Expression
    shape: LineShape
    limit: int
    ripgrep: str | None


def search_lines(search: LineSearch, *, report: Any) -> list[tuple[int, FoundLine]]:
    """The first `limit` matching lines, each after the position of its file, in the order of the
    files. Reports progress every half second, unless a single file takes longer.
    """
    report(0, len(search.files))
    compiled = compile_expression(search.expression)
    find = other_lines if search.expression.is_inverted else lines_of_shape
    positions = _worth_reading(search)
    found: list[tuple[int, FoundLine]] = []
    reported = time.monotonic()
    for start in range(0, len(positions), FILES_AT_ONCE):
        some = positions[start : start + FILES_AT_ONCE]
        texts = read_texts(search.location, [search.files[position] for position in some])
        for position, text in zip(some, texts, strict=True):
            if time.monotonic() - reported > SECONDS_PER_REPORT:
                report(position, len(search.files))
                reported = time.monotonic()
            if text is None:
                continue
            wanted = 1 if search.shape.one_per_file else search.limit - len(found)
            lines = find(text, compiled, search.shape, wanted)
            found += [(position, line) for line in lines]
            if len(found) >= search.limit:
                return found
    return found


def _worth_reading(search: LineSearch) -> Sequence[int]:
    everything = range(len(search.files))
    if search.ripgrep is None or not search.location.is_folder:
        return everything
    paths = [file.path for file in search.files]
    worth = worth_reading(search.ripgrep, search.location.path, paths, search.expression)
    return [position for position in everything if paths[position] in worth]
