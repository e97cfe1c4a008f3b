"""When files have to be extracted again.

A version is text such as `v1.2/0.26.1/0.25.0`: the version common to all languages, the language's
own, and the versions of tree-sitter and of the grammar, 0 while it is not installed. Versions are
ordered, and only files of an older extractor are extracted again, so that two versions of Kodit on
one data directory do not undo each other's work in turn.
"""

from __future__ import annotations

import re
from functools import cache

from kodit.infrastructure.slicing.languages import LANGUAGES, TEXT_VERSION, is_installed

COMMON_VERSION = 5
"""Raise it when files of several languages get different snippets, or different files are left out
for their content. A test compares snippets with those recorded for this version and for those of
the languages; it fails when a change did not raise one.
"""

_NUMBERS = re.compile(r"\d+")

Order = tuple[tuple[int, ...], ...]


@cache
def extractor_version(language: str | None) -> str:
    """What the snippets of a file in `language` depend on besides its bytes. None stands for a file
    that was left out, whatever its language. Imports no grammar.
    """
    if language is None:
        return f"v{COMMON_VERSION}"
    row = LANGUAGES.get(language)
    if row is None:
        return f"v{COMMON_VERSION}.{TEXT_VERSION}"
    # A scan that finds nothing new needs no version.
    from importlib.metadata import version  # noqa: PLC0415 - it imports what reads e-mail

    grammar = version(row.wheel) if is_installed(row) else "0"
    return f"v{COMMON_VERSION}.{row.version}/{version('tree-sitter')}/{grammar}"


def is_outdated(language: str | None, stored: str) -> bool:
    """Whether this program's extractor is newer than the one that recorded `stored`."""
    return order_of(extractor_version(language)) > order_of(stored)


def order_of(stored: str) -> Order:
    """A sort key of versions, smaller for older ones. Earlier releases stored digests, which have
    no order: they are older than all.
    """
    if not stored.startswith("v"):
        return ()
    return tuple(
        tuple(int(number) for number in _NUMBERS.findall(part)) for part in stored.split("/")
    )
