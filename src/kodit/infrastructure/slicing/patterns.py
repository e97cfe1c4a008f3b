"""Definitions that are found line by line, where a grammar knows only some of a language.

Dialects of SQL differ more than any grammar allows for: what it does not know it skips, and the
statements around that with it. How a definition begins is the same in all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kodit.domain.value_objects import SymbolKind
from kodit.infrastructure.slicing.languages import Language
from kodit.infrastructure.slicing.limits import SCOPE_NAMES
from kodit.infrastructure.slicing.naming import split_name
from kodit.infrastructure.slicing.outline import Definition

_SPACE = re.compile(r"\s+")


def defined_by_lines(lines: Sequence[str], language: Language) -> Iterator[Definition]:
    """What the language's pattern finds in these lines, each of one line, in order."""
    if language.line_pattern is None:
        return
    find = language.line_pattern.match
    for row, line in enumerate(lines):
        match = find(line)
        if match is None:
            continue
        word = _SPACE.sub(" ", match["kind"]).lower()
        kind = language.keywords.get(f"line {word}")
        if kind is None:
            continue
        scope, name = split_name(match["name"])
        if name:
            yield _definition(row, name, kind, scope)


def _definition(row: int, name: str, kind: SymbolKind, scope: list[str]) -> Definition:
    return Definition(
        first=row,
        last=row,
        declared=row,
        name=name,
        kind=kind,
        scope=tuple(scope[-SCOPE_NAMES:]),
        is_minor=True,
    )
