"""Lines that are too long for people to read.

A single unreadable line does not make a file unreadable: a page with an embedded picture is still a
page. So a file is minified only if it has little else than long lines, and in all other files they
are stored shortened.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST_RUN = 200
"""Characters without a space from which a run counts as data: base64, a packed array."""
KEPT_OF_RUN = 40
"""Characters that are kept of such a run: they show what it is (`data:image/png;base64,`)."""
KEPT = 300
"""Characters that are kept of a long line of code or data."""
KEPT_OF_PROSE = 10_000
"""The same for a paragraph, all of which may be searched for."""
OMITTED = "…"
"""Stands for omitted text."""

_RUN = re.compile(rf"(\S{{{KEPT_OF_RUN}}})\S{{{LONGEST_RUN - KEPT_OF_RUN},}}")
_WORD = re.compile(r"[^\W\d_]{2,}[,.;:!?]?\s")
_CHARACTERS_PER_WORD = 12
"""Prose has at most this many characters per word that is followed by a space."""
_LONG_PER_READABLE = 10
"""A file with more long lines than this for each readable one is minified."""

_SAYS_SOMETHING = re.compile(r"[^\W\d_]{3,}")
_SAYS_NOTHING = re.compile(
    r"\s*(?:(?://|/\*|\*|<!--|--|;|\#(?!\s*(?:include|define|if|pragma|region)\b)).*"  # comments
    r"|[\"']use strict[\"'];?|[!(+;]*function\s*\(.*|@charset\b.*|<\?xml\b.*|<!doctype\b.*)",
    re.IGNORECASE,
)


def shortened(line: str) -> str:
    """The stored form of a long line: its beginning, or for prose nearly all of it, without runs of
    data.
    """
    shorter = _RUN.sub(rf"\1{OMITTED}", line)
    is_prose = len(_WORD.findall(shorter)) * _CHARACTERS_PER_WORD >= len(shorter)
    kept = KEPT_OF_PROSE if is_prose else KEPT
    return shorter if len(shorter) <= kept else shorter[:kept] + OMITTED


def is_minified(lines: Iterable[str], longest: int, *, is_prose: bool) -> bool:
    """Whether a file has little readable text besides lines of more than `longest` characters. In
    prose any line with a word counts; in code comments do not count, because minified files contain
    their licence.
    """
    long = readable = 0
    for line in lines:
        if len(line) > longest:
            long += 1
        elif _SAYS_SOMETHING.search(line) and (is_prose or not _SAYS_NOTHING.fullmatch(line)):
            readable += 1
    return long > 0 and (readable == 0 or long > readable * _LONG_PER_READABLE)
