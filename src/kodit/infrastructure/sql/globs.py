"""Path globs, fast enough for every file of a large index."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from kodit.domain.errors import InvalidQueryError
from kodit.domain.text import is_text
from kodit.infrastructure.folder.globs import glob_matcher
from kodit.infrastructure.folder.patterns import mistake_of

_ESCAPE = "~"
_GLOB_PART = re.compile(r"/?\*\*/?|[*?%_~]")
_MOST_GLOBS = 100
_MOST_WILDCARDS = 4
_LONGEST_GLOB = 4_000
"""SQLite rejects expressions that are too deep and patterns that are too long, and its time
explodes with many wildcards.
"""


def path_matcher(globs: Sequence[str]) -> Callable[[str], bool]:
    """A function that tells whether a path matches any of the globs, which follow the rules of
    `.gitignore` lines.

    Raises InvalidQueryError for an invalid glob.
    """
    for glob in globs:
        if not is_text(glob):
            raise InvalidQueryError(f"the path glob {glob!r} is not valid text")
        if (mistake := mistake_of(glob)) is not None:
            raise InvalidQueryError(f"the path glob {glob!r} {mistake}")
    if globs and all(glob.startswith("!") for glob in globs):
        raise InvalidQueryError(
            f"the path glob {globs[0]!r} only takes away what an earlier one has chosen; to choose "
            "every other file, put '**' before it"
        )
    try:
        return glob_matcher(globs)
    except (OverflowError, RecursionError, re.error):
        raise InvalidQueryError(
            f"{', '.join(map(repr, globs))} cannot be read as path globs, such as src/**/*.py"
        ) from None


def patterns(globs: Sequence[str]) -> list[str]:
    """LIKE patterns, with `~` as the escape character, of which at least one matches every path
    that `path_matcher` accepts, and few others: the database filters paths ten times as fast as
    Python reads them. None if there would be too many patterns.
    """
    return [_like(glob) for glob in globs] if len(globs) <= _MOST_GLOBS else []


def _like(glob: str) -> str:
    """A LIKE pattern for at least the matches of a glob."""
    glob = glob.rstrip()
    if glob.startswith(("!", "#")) or "\\" in glob or len(glob) > _LONGEST_GLOB:
        return "%"
    start = "" if "/" in glob.rstrip("/") else "%"
    until_class, *_rest = glob.split("[")
    body = _GLOB_PART.sub(_like_part, until_class.strip("/"))
    return start + "%".join(body.split("%")[:_MOST_WILDCARDS]) + "%"


def _like_part(part: re.Match[str]) -> str:
    # A slash beside two stars may match nothing, and a question mark half a character.
    return "%" if part[0] == "?" or "*" in part[0] else _ESCAPE + part[0]
