"""What a file defines, as a tree over its rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kodit.domain.value_objects import Symbol, SymbolKind
from kodit.infrastructure.slicing.languages import Language
from kodit.infrastructure.slicing.leading import with_leading_lines
from kodit.infrastructure.slicing.limits import SCOPE_NAMES
from kodit.infrastructure.slicing.naming import node_text, qualifies_method, split_name

if TYPE_CHECKING:
    from tree_sitter import Node

    from kodit.infrastructure.slicing.grammars import Match

_DEFINITION = "definition."
_HEADING = "heading."
_SCOPE = "scope"
_NAMESPACE = "namespace"
_KEYWORD = "keyword"
TYPES = frozenset(
    {SymbolKind.CLASS, SymbolKind.INTERFACE, SymbolKind.ENUM, SymbolKind.STRUCT, SymbolKind.TRAIT}
)
"""Kinds whose functions are methods."""

_PARTS = frozenset({SymbolKind.CONSTANT, SymbolKind.TYPE})
_CONTAINERS = TYPES | {SymbolKind.MODULE, SymbolKind.SECTION}


@dataclass(slots=True, eq=False)
class Definition:
    """Something that is defined on rows `first` to `last` (from 0, both included).

    `first` is that of its leading comment, `declared` that of the definition itself. `kind` is
    None for what only encloses others and gives them a scope, as Rust's `impl` does;
    `is_namespace` marks a module that others open too, so that this is not the place of its
    definition.
    """

    first: int
    last: int
    declared: int
    name: str
    kind: SymbolKind | None
    scope: tuple[str, ...] = ()
    is_namespace: bool = False
    children: list[Definition] = field(default_factory=list)

    @property
    def is_container(self) -> bool:
        """Whether its parts are worth a snippet each even when all of it would fit one."""
        return self.kind is None or self.kind in _CONTAINERS

    @property
    def is_place(self) -> bool:
        """Whether it is there for the types and modules in it rather than for itself."""
        if self.is_namespace:
            return True
        return (
            self.kind is SymbolKind.MODULE and bool(self.children) and self.children[0].is_container
        )

    @property
    def symbol(self) -> Symbol | None:
        """The symbol; of a mere scope that of the first method in it."""
        if self.kind is None:
            methods = (child for child in self.children if child.kind is SymbolKind.METHOD)
            first = next(methods, self.children[0] if self.children else None)
            return first.symbol if first else None
        return Symbol(self.name, self.kind, ".".join(self.scope)) if self.name else None

    @property
    def scope_inside(self) -> tuple[str, ...]:
        """The scope of what is defined inside."""
        return ((*self.scope, self.name) if self.name else self.scope)[-SCOPE_NAMES:]


@dataclass(slots=True)
class _Found:
    """A match of a definition pattern, by bytes."""

    start: int
    end: int
    pattern: int
    node: Node
    kind: SymbolKind | None
    name: str
    scope: str
    is_namespace: bool

    @property
    def extent(self) -> tuple[int, int]:
        return self.start, -self.end


def outline(
    matches: Sequence[Match], source: bytes, lines: Sequence[str], language: Language
) -> list[Definition]:
    """The definitions of a file, outermost ones, each with those inside it.

    Captures are named `definition.KIND` (a `SymbolKind`, `scope`, `namespace`, or `keyword`, where
    the kind is what the language's table says of the word captured as `keyword`), `name` and
    `scope` (names that enclose this one without being around it in the text, as a Go receiver
    does), or `heading.LEVEL` and `name`. With `upper_name` in place of `name`, it counts only if
    the name is in capitals, as those of constants are (a predicate of the query would make
    tree-sitter read the source again for each match). Of several matches with one name the widest
    counts, so that a query may name a decorated function as well as the function; of several with
    one extent that of the last pattern. Constants and aliases inside a type are parts of it.
    """
    found = _distinct(_definitions(matches, source, language))
    if not found:
        return _sections(matches, source, len(lines))
    roots: list[Definition] = []
    open_ones: list[tuple[int, Definition]] = []
    for item in found:
        while open_ones and open_ones[-1][0] <= item.start:
            open_ones.pop()
        parent = open_ones[-1][1] if open_ones else None
        definition = _define(item, parent)
        if parent and _is_part(definition, parent):
            continue
        siblings = parent.children if parent else roots
        before = siblings[-1] if siblings else None
        floor = before.last + 1 if before else parent.declared + 1 if parent else 0
        definition.first = with_leading_lines(definition.first, floor, lines, language)
        siblings.append(definition)
        open_ones.append((item.end, definition))
    return roots


def _definitions(
    matches: Iterable[Match], source: bytes, language: Language
) -> Iterator[tuple[int, _Found]]:
    """What the matches define, each with the byte at which its name begins."""
    for pattern, captures in matches:
        capture = next((name for name in captures if name.startswith(_DEFINITION)), None)
        if capture is None:
            continue
        kind_name = capture[len(_DEFINITION) :]
        kind: SymbolKind | None = None
        if kind_name == _KEYWORD:
            word = node_text(captures[_KEYWORD][0], source)
            if word not in language.keywords:
                continue
            kind = language.keywords[word]
        elif kind_name == _NAMESPACE:
            kind = SymbolKind.MODULE
        elif kind_name != _SCOPE:
            kind = SymbolKind(kind_name)
        names = captures.get("name") or captures.get("upper_name")
        name = node_text(names[0], source) if names else ""
        if "upper_name" in captures and not name.isupper():
            continue
        node = captures[capture][0]
        scopes = captures.get(_SCOPE)
        found = _Found(
            start=node.start_byte,
            end=node.end_byte,
            pattern=pattern,
            node=node,
            kind=kind,
            name=name,
            scope=node_text(scopes[0], source) if scopes else "",
            is_namespace=kind_name == _NAMESPACE,
        )
        yield (names[0].start_byte if names else found.start), found


def _distinct(definitions: Iterable[tuple[int, _Found]]) -> list[_Found]:
    """One definition for each name and for each extent, in order, outer ones first."""
    by_name: dict[int, _Found] = {}
    for name_start, found in definitions:
        known = by_name.get(name_start)
        if known is None or (known.start - found.start, found.end - known.end, found.pattern) > (
            0,
            0,
            known.pattern,
        ):
            by_name[name_start] = found
    by_extent: dict[tuple[int, int], _Found] = {}
    for found in by_name.values():
        same = by_extent.get(found.extent)
        if same is None or (bool(found.name), found.pattern) > (bool(same.name), same.pattern):
            by_extent[found.extent] = found
    return sorted(by_extent.values(), key=lambda found: found.extent)


def _define(found: _Found, parent: Definition | None) -> Definition:
    kind = found.kind
    qualifiers, name = split_name(found.name)
    if found.scope:
        outer, inner = split_name(found.scope)
        qualifiers = [*outer, inner, *qualifiers]
    if kind is SymbolKind.FUNCTION and (
        (parent is not None and (parent.kind is None or parent.kind in TYPES))
        or (qualifiers and qualifies_method(found.name))
    ):
        kind = SymbolKind.METHOD
    first = found.node.start_point.row
    end = found.node.end_point
    return Definition(
        first=first,
        last=end.row - 1 if end.column == 0 and end.row > first else end.row,
        declared=first,
        name=name,
        kind=kind,
        scope=(*(parent.scope_inside if parent else ()), *qualifiers)[-SCOPE_NAMES:],
        is_namespace=found.is_namespace,
    )


def _is_part(inner: Definition, outer: Definition) -> bool:
    """Whether a definition is only a part of a type: its constant, its alias, or a second name of
    it, as in `typedef struct a { ... } b`."""
    if outer.kind is not None and outer.kind not in TYPES:
        return False
    return inner.kind in _PARTS or (
        inner.kind in TYPES and (outer.declared, outer.last) == (inner.declared, inner.last)
    )


def _sections(matches: Sequence[Match], source: bytes, row_count: int) -> list[Definition]:
    """Headings as sections that last until the next heading of the same or a higher level."""
    roots: list[Definition] = []
    open_ones: list[tuple[int, Definition]] = []
    headings = [
        (nodes[0].start_point.row, int(capture[len(_HEADING) :]), captures.get("name"))
        for _, captures in matches
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
            declared=first,
            name=node_text(names[0], source) if names else "",
            kind=SymbolKind.SECTION,
            scope=parent.scope_inside if parent else (),
        )
        (parent.children if parent else roots).append(section)
        open_ones.append((level, section))
    return roots
