"""What a file defines, as a tree over its rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kodit.domain.snippet import Symbol, SymbolKind
from kodit.infrastructure.slicing.languages import Language
from kodit.infrastructure.slicing.limits import NAME_CHARACTERS, SCOPE_NAMES

if TYPE_CHECKING:
    from tree_sitter import Node

    from kodit.infrastructure.slicing.grammars import Match

_DEFINITION = "definition."
_HEADING = "heading."
_SCOPE_ONLY = "scope"
_TYPES = frozenset(
    {SymbolKind.CLASS, SymbolKind.INTERFACE, SymbolKind.ENUM, SymbolKind.STRUCT, SymbolKind.TRAIT}
)
_CONTAINERS = _TYPES | {SymbolKind.MODULE, SymbolKind.SECTION}
_SEPARATORS = re.compile(r"::|[.:#\\]")
_WHITE_SPACE = re.compile(r"\s+")


@dataclass(slots=True, eq=False)
class Definition:
    """Something that is defined on rows `first` to `last` (from 0, both included).

    `kind` is None for what only encloses others and gives them a scope, as Rust's `impl` does.
    """

    first: int
    last: int
    name: str
    kind: SymbolKind | None
    outer_scope: str = ""
    scope_names: tuple[str, ...] = ()
    is_container: bool = False
    children: list[Definition] = field(default_factory=list)
    declared_at: int = 0

    @property
    def symbol(self) -> Symbol | None:
        if self.kind is None or not self.name:
            return None
        return Symbol(self.name, self.kind, ".".join(self.scope_names[-SCOPE_NAMES:]))


@dataclass(slots=True)
class _Found:
    """A match of a definition pattern, by bytes."""

    start: int
    end: int
    node: Node
    kind: SymbolKind | None
    name: str
    scope: str


def outline(
    matches: Sequence[Match], source: bytes, lines: Sequence[str], language: Language
) -> list[Definition]:
    """The definitions of a file, outermost ones, each with those inside it.

    Captures are named `definition.KIND` (a `SymbolKind`, or `scope`), `name` and `scope` (names
    that enclose this one without being around it in the text, as a Go receiver does), or
    `heading.LEVEL` and `name`. With `upper_name` in place of `name`, it counts only if the name
    is in capitals, as those of constants are (a predicate of the query would make tree-sitter
    read the source anew for each match). Of several matches with one name the widest counts, so
    that a query may name a decorated function as well as the function.
    """
    found = _definitions(matches, source)
    if not found:
        return _sections(matches, source, len(lines))
    roots: list[Definition] = []
    open_ones: list[tuple[int, Definition]] = []
    for item in found:
        while open_ones and open_ones[-1][0] <= item.start:
            open_ones.pop()
        parent = open_ones[-1][1] if open_ones else None
        definition = _define(item, parent)
        siblings = parent.children if parent else roots
        floor = siblings[-1].last + 1 if siblings else parent.declared_at + 1 if parent else 0
        definition.first = _with_leading_lines(definition.first, floor, lines, language)
        siblings.append(definition)
        open_ones.append((item.end, definition))
    return roots


def _definitions(matches: Sequence[Match], source: bytes) -> list[_Found]:
    by_name: dict[int, _Found] = {}
    for captures in matches:
        for capture, nodes in captures.items():
            if not capture.startswith(_DEFINITION):
                continue
            node = nodes[0]
            names = captures.get("name") or captures.get("upper_name")
            if "upper_name" in captures and not _text(captures["upper_name"][0], source).isupper():
                continue
            start, end = node.start_byte, node.end_byte
            key = names[0].start_byte if names else start
            known = by_name.get(key)
            if known is not None and known.start <= start and known.end >= end:
                continue
            kind = capture[len(_DEFINITION) :]
            by_name[key] = _Found(
                start,
                end,
                node,
                None if kind == _SCOPE_ONLY else SymbolKind(kind),
                _text(names[0], source) if names else "",
                ".".join(_text(scope, source) for scope in captures.get("scope", ())),
            )
    return sorted(by_name.values(), key=lambda item: (item.start, -item.end))


def _define(item: _Found, parent: Definition | None) -> Definition:
    *qualifiers, name = [part for part in _SEPARATORS.split(item.name) if part] or [""]
    scope = [part for part in _SEPARATORS.split(item.scope) if part] + qualifiers
    outer: tuple[str, ...] = ()
    if parent is not None:
        outer = (*parent.scope_names, parent.name) if parent.name else parent.scope_names
        outer = outer[-SCOPE_NAMES:]
    kind = item.kind
    if kind is SymbolKind.FUNCTION and (scope or (parent and _gives_methods(parent))):
        kind = SymbolKind.METHOD
    first = item.node.start_point.row
    end = item.node.end_point
    return Definition(
        first=first,
        last=end.row - 1 if end.column == 0 and end.row > first else end.row,
        name=name,
        kind=kind,
        scope_names=(*outer, *scope),
        is_container=kind is None or kind in _CONTAINERS,
        declared_at=first,
    )


def _gives_methods(parent: Definition) -> bool:
    return parent.kind is None or parent.kind in _TYPES


def _with_leading_lines(first: int, floor: int, lines: Sequence[str], language: Language) -> int:
    """The first row of the comments and attributes right above row `first`, not before `floor`."""
    while first > floor:
        line = lines[first - 1].strip()
        if not line:
            break
        if language.leading and line.startswith(language.leading):
            first -= 1
            continue
        opened = _opening_row(first - 1, floor, line, lines, language)
        if opened is None:
            break
        first = opened
    return first


def _opening_row(
    row: int, floor: int, line: str, lines: Sequence[str], language: Language
) -> int | None:
    """The row at which the comment that ends on `row` begins a line; None when there is none."""
    for opening, closing in language.enclosing:
        if line.endswith(closing):
            for candidate in range(row, floor - 1, -1):
                if lines[candidate].lstrip().startswith(opening):
                    return candidate
    return None


def _sections(matches: Sequence[Match], source: bytes, row_count: int) -> list[Definition]:
    """Headings as sections that last until the next heading of the same or a higher level."""
    roots: list[Definition] = []
    open_ones: list[tuple[int, Definition]] = []
    headings = [
        (nodes[0].start_point.row, int(capture[len(_HEADING) :]), captures.get("name"))
        for captures in matches
        for capture, nodes in captures.items()
        if capture.startswith(_HEADING)
    ]
    for first, level, names in sorted(headings, key=lambda heading: heading[0]):
        while open_ones and open_ones[-1][0] >= level:
            open_ones.pop()[1].last = first - 1
        parent = open_ones[-1][1] if open_ones else None
        section = Definition(
            first=first,
            last=row_count - 1,
            name=_text(names[0], source) if names else "",
            kind=SymbolKind.SECTION,
            scope_names=(*parent.scope_names, parent.name) if parent else (),
            is_container=True,
            declared_at=first,
        )
        (parent.children if parent else roots).append(section)
        open_ones.append((level, section))
    return roots


def _text(node: Node, source: bytes) -> str:
    end = min(node.end_byte, node.start_byte + 4 * NAME_CHARACTERS)
    text = source[node.start_byte : end].decode("utf-8", "ignore")
    return _WHITE_SPACE.sub(" ", text).strip()[:NAME_CHARACTERS]
