"""Globs over whole paths, with the rules of `.gitignore` lines, fast enough for all files of an
index.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence

from kodit.infrastructure.folder.patterns import Pattern, byte_text, parse_patterns
from kodit.infrastructure.folder.wildmatch import expression_for

_ANYWHERE = "(?:[^/]*/)*?"
_QUICKLY_ANYWHERE = "(?:.*/)?"

_ONE_BYTE = re.compile(r"[?\[]")
"""Wildcards that match exactly one byte, as in git, and not one character."""

Match = Callable[[str], object]


def glob_matcher(globs: Sequence[str]) -> Callable[[str], bool]:
    """A function that tells whether globs match a path or a folder above it. As with the includes
    of an index, a glob that matches the path itself overrides one that matches its folder, and a
    later glob an earlier one; a negated glob excludes.

    Raises re.error or OverflowError for globs that are too large.
    """
    patterns = [pattern for glob in globs for pattern in parse_patterns(os.fsencode(glob))]
    if not any(pattern.negated for pattern in patterns):
        return _any_of(patterns)
    return _Levels(patterns).matches


def _any_of(patterns: Sequence[Pattern]) -> Callable[[str], bool]:
    """A matcher with one expression for all patterns."""
    alternatives = [
        f"(?:{expression}){'/.*' if pattern.directory_only else '(?:/.*)?'}"
        for pattern in patterns
        if (expression := _expression(pattern)) is not None
    ]
    match = re.compile(f"(?s:{'|'.join(alternatives) or '(?!)'})\\Z").match
    if all(pattern.text.isascii() and not _ONE_BYTE.search(pattern.text) for pattern in patterns):
        return lambda path: match(path) is not None  # bytes or characters, the result is the same
    return lambda path: match(path if path.isascii() else byte_text(path)) is not None


class _Levels:
    """Decides about a path from the path itself upwards, and about each folder once."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._of_files: list[tuple[bool, Match]] = []
        self._of_folders: list[tuple[bool, Match]] = []
        for pattern in reversed(patterns):
            expression = _expression(pattern)
            if expression is None:
                continue
            match = re.compile(f"(?s:{expression})\\Z").match
            self._of_folders.append((not pattern.negated, match))
            if not pattern.directory_only:
                self._of_files.append((not pattern.negated, match))
        self._folders: dict[str, bool] = {"": False}

    def matches(self, path: str) -> bool:
        path = byte_text(path)
        for verdict, match in self._of_files:
            if match(path):
                return verdict
        return self._is_chosen(path.rpartition("/")[0])

    def _is_chosen(self, folder: str) -> bool:
        unknown = []
        while (known := self._folders.get(folder)) is None:
            unknown.append(folder)
            folder = folder.rpartition("/")[0]
        for below in reversed(unknown):
            known = next((verdict for verdict, match in self._of_folders if match(below)), known)
            self._folders[below] = known
        return known


def _expression(pattern: Pattern) -> str | None:
    """An expression for a whole path, from the root; None if the pattern can match nothing."""
    if pattern.whole_path:
        return expression_for(pattern.text, True)
    expression = expression_for(f"**/{pattern.text}", True)
    if expression is None or not expression.startswith(_ANYWHERE):
        return expression
    return _QUICKLY_ANYWHERE + expression.removeprefix(_ANYWHERE)
