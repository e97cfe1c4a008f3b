"""Lines that are too long for people to read.

What is unreadable is the line, not the file: a picture that is written into a page leaves the page
to be read. So a file is minified only if it has next to nothing besides such lines, and in any
other file they are stored shortened.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST_RUN = 200
"""Characters without a space, from which a run is taken for data: base64, a packed array."""
KEPT_OF_RUN = 40
"""Characters that are kept of such a run: they say what it is (`data:image/png;base64,`)."""
KEPT = 300
"""Characters that are kept of a long line of code or data."""
KEPT_OF_PROSE = 10_000
"""The same of a paragraph, all of which somebody may look for."""
OMITTED = "…"
"""Stands for what is left out."""

_RUN = re.compile(rf"(\S{{{KEPT_OF_RUN}}})\S{{{LONGEST_RUN - KEPT_OF_RUN},}}")
_WORD = re.compile(r"[^\W\d_]{2,}[,.;:!?]?\s")
_CHARACTERS_PER_WORD = 12
"""Of prose there are at most so many for each word that a space follows."""
_LONG_PER_READABLE = 10
"""With more long lines than these for each that is readable, a file is minified."""

_SAYS_SOMETHING = re.compile(r"[^\W\d_]{3,}")
_SAYS_NOTHING = re.compile(
    r"\s*(?:(?://|/\*|\*|<!--|--|;|\#(?!\s*(?:include|define|if|pragma|region)\b)).*"  # comments
    r"|[\"']use strict[\"'];?|[!(+;]*function\s*\(.*|@charset\b.*|<\?xml\b.*|<!doctype\b.*)",
    re.IGNORECASE,
)


def shortened(line: str) -> str:
    """What is stored of a long line: its beginning, and of prose nearly all, without runs of
    data."""
    shorter = _RUN.sub(rf"\1{OMITTED}", line)
    is_prose = len(_WORD.findall(shorter)) * _CHARACTERS_PER_WORD >= len(shorter)
    kept = KEPT_OF_PROSE if is_prose else KEPT
    return shorter if len(shorter) <= kept else shorter[:kept] + OMITTED


def is_minified(lines: Iterable[str], longest: int, *, is_prose: bool) -> bool:
    """Whether a file has next to nothing for people besides lines of more than `longest`
    characters. In prose any line with a word counts; in code no comment does, as the licence of a
    minified file stands in one."""
    long = readable = 0
    for line in lines:
        if len(line) > longest:
            long += 1
        elif _SAYS_SOMETHING.search(line) and (is_prose or not _SAYS_NOTHING.fullmatch(line)):
            readable += 1
    return long > 0 and (readable == 0 or long > readable * _LONG_PER_READABLE)
