"""The words of `kodit describe`: a source, a subject, or both."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

_OF_PLACES = frozenset({"overview", "interface", "schema"})
"""Kinds whose subject may be a folder or a file, so that an existing one can be a source."""


def source_and_subject(kind: str, words: Sequence[str]) -> tuple[str | None, str]:
    """The source and the subject; a single word is a source if it is a number, a URL, or an
    existing path, which for a commit or a name must be spelled as one."""
    if len(words) > 2:
        raise typer.BadParameter("takes a source and a subject; put words in quotes")
    if len(words) == 2:
        return words[0], words[1]
    if not words:
        return None, ""
    [word] = words
    is_source = (word.isdecimal() and word.isascii()) or "://" in word or _is_path(kind, word)
    return (word, "") if is_source else (None, word)


def _is_path(kind: str, word: str) -> bool:
    """Whether it exists and is spelled as a path: `/code`, `./code`, `..`, `~/code`, and for a
    place also `code`."""
    is_spelled = word.startswith(("/", "./", "../", "~")) or word in {".", ".."}
    if not is_spelled and kind.lower() not in _OF_PLACES:
        return False
    try:
        return Path(word).expanduser().exists()
    except (OSError, RuntimeError, ValueError):
        return False
