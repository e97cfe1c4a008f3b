"""Definitions and sections found by line patterns, for languages without a grammar.

Each line of a file `queries/NAME.patterns` is a pattern: a kind, white space, and a regular
expression for the line without its indentation; the first group that matched is the name. `~KIND`
marks a minor symbol, as `named.KIND` does in a query. `section.LEVEL` is a heading, and
`section.underlined` stands for titles underlined with punctuation, as in reStructuredText and plain
text. `!ignorecase` makes the patterns below it ignore case.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from kodit.domain.value_objects import SymbolKind
from kodit.infrastructure.slicing.budget import Budget
from kodit.infrastructure.slicing.language import Language
from kodit.infrastructure.slicing.leading import with_leading_lines
from kodit.infrastructure.slicing.limits import NAME_CHARACTERS, SCOPE_NAMES
from kodit.infrastructure.slicing.naming import split_name
from kodit.infrastructure.slicing.outline import FUNCTIONS, TYPES, Definition, Outline

_UNDERLINED = "underlined"
_UNDERLINE = re.compile(r"([=\-~^\"'`#*+.:_])\1{2,}[ \t]*$")
_TAG = re.compile(r"<[^<>]*>")
_SPACE = re.compile(r"\s+")
_COMMENTS = ("#", "//", "--", ";", "%", "@", "!", "*", "/*")
_LINES_PER_CHECK = 16
_LONGEST_LINE = 300
"""Longer lines are skipped, because a pattern may take time quadratic in the line's length."""

_LONGEST_TITLE = 120


class _Pattern(NamedTuple):
    kind: SymbolKind
    level: int
    is_minor: bool
    expression: re.Pattern[str]


class Patterns(NamedTuple):
    """The parsed contents of a `.patterns` file."""

    patterns: tuple[_Pattern, ...]
    has_underlined: bool


class _Found(NamedTuple):
    row: int
    depth: int
    kind: SymbolKind
    name: str
    is_minor: bool
    named: int = -1
    """The row of the name, if it is another row; -1 if not."""


@cache
def load_patterns(name: str) -> Patterns | None:
    """The patterns of a language; None if it has none."""
    file = files(__package__).joinpath("queries", f"{name}.patterns")
    if not file.is_file():
        return None
    patterns: list[_Pattern] = []
    flags = re.NOFLAG
    has_underlined = False
    for line in file.read_text("utf-8").splitlines():
        word, _, rest = line.partition(" ")
        if not word or word.startswith("#"):
            continue
        kind, _, level = word.removeprefix("~").partition(".")
        if word == "!ignorecase":
            flags = re.IGNORECASE
        elif level == _UNDERLINED:
            has_underlined = True
        else:
            expression = re.compile(rf"[ \t]*+(?:{rest.strip()})", flags)
            patterns.append(
                _Pattern(SymbolKind(kind), int(level or 0), word.startswith("~"), expression)
            )
    return Patterns(tuple(patterns), has_underlined)


def plain_language(name: str) -> Language:
    """A row for a language that is not in the table, with the comment marks of most languages."""
    return Language(name=name, wheel="", module="", extensions=(), leading=_COMMENTS)


def outline_by_patterns(
    lines: Sequence[str], language: Language, patterns: Patterns, budget: Budget
) -> Outline:
    """The definitions and sections that the patterns find. A definition lasts until the next one
    with the same or less indentation, a section until the next of its level or a higher one. Raises
    GaveUpError.
    """
    found = _matches(lines, patterns.patterns, budget)
    if patterns.has_underlined:
        titles = underlined_titles(lines)
        found = sorted([*found, *titles], key=lambda one: one.row) if found else titles
    roots: list[Definition] = []
    minor: list[Definition] = []
    open_ones: list[tuple[int, Definition]] = []
    last_row = len(lines) - 1
    for row, depth, kind, name, is_minor, named in found:
        while open_ones and open_ones[-1][0] >= depth:
            open_ones.pop()
        parent = open_ones[-1][1] if open_ones else None
        if is_minor and parent and parent.kind in FUNCTIONS:
            continue
        definition = _definition(row, last_row, kind, name, parent, is_minor=is_minor)
        definition.named = max(row, named)
        if is_minor:
            minor.append(definition)
            continue
        siblings = parent.children if parent else roots
        floor = siblings[-1].declared + 1 if siblings else parent.declared + 1 if parent else 0
        if kind is not SymbolKind.SECTION:
            definition.first = with_leading_lines(row, floor, lines, language)
        _end_before(siblings, definition.first)
        siblings.append(definition)
        open_ones.append((depth, definition))
    return Outline(roots, minor)


def _end_before(siblings: Sequence[Definition], row: int) -> None:
    """End the last of `siblings`, and the last definition inside it, before `row`."""
    while siblings:
        siblings[-1].last = row - 1
        siblings = siblings[-1].children


def _definition(
    row: int,
    last: int,
    kind: SymbolKind,
    name: str,
    parent: Definition | None,
    *,
    is_minor: bool,
) -> Definition:
    qualifiers: list[str] = []
    if kind is not SymbolKind.SECTION:
        qualifiers, name = split_name(name)
    if kind is SymbolKind.FUNCTION and parent and parent.kind in TYPES:
        kind = SymbolKind.METHOD
    scope = (*(parent.scope_inside if parent else ()), *qualifiers)[-SCOPE_NAMES:]
    last = row if is_minor else last
    return Definition(row, last, row, name, kind, scope, is_minor=is_minor)


def _matches(lines: Sequence[str], patterns: Sequence[_Pattern], budget: Budget) -> list[_Found]:
    found: list[_Found] = []
    for row, line in enumerate(lines):
        if row % _LINES_PER_CHECK == 0:
            budget.check()
        if not line or len(line) > _LONGEST_LINE:
            continue
        for kind, level, is_minor, expression in patterns:
            match = expression.match(line)
            if match is None or not match.lastindex:
                continue
            name = next(group for group in match.groups() if group is not None)
            if kind is SymbolKind.SECTION:
                name = _SPACE.sub(" ", _TAG.sub("", name)).strip()
            if name := name[:NAME_CHARACTERS]:
                depth = level or len(line) - len(line.lstrip())
                found.append(_Found(row, depth, kind, name, is_minor))
            break
    return found


def underlined_titles(lines: Sequence[str]) -> list[_Found]:
    """Titles with a line of punctuation of about their length below, and perhaps above. As in
    reStructuredText, the levels follow the order in which the styles first occur.
    """
    levels: dict[tuple[str, bool], int] = {}
    found: list[_Found] = []
    for row in range(1, len(lines)):
        match = _UNDERLINE.match(lines[row])
        if match is None:
            continue
        title = lines[row - 1].strip()
        if not title or len(title) > _LONGEST_TITLE or not any(map(str.isalnum, title)):
            continue
        is_indented = lines[row - 1][:1].isspace()
        above = lines[row - 2].strip() if row > 1 else ""
        is_overlined = bool(above) and above == lines[row].strip()
        if len(match[0].strip()) * 10 < len(title) * 8 or (above and not is_overlined):
            continue
        if is_indented and not is_overlined:
            continue
        level = levels.setdefault((match[1], is_overlined), len(levels) + 1)
        first = row - 2 if is_overlined else row - 1
        found.append(_Found(first, level, SymbolKind.SECTION, title, is_minor=False, named=row - 1))
    return found
