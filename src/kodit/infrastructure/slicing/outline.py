"""The definitions of a file, as a tree over its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from kodit.domain.value_objects import Symbol, SymbolKind
from kodit.infrastructure.slicing.languages import Language
from kodit.infrastructure.slicing.leading import with_leading_lines
from kodit.infrastructure.slicing.limits import SCOPE_NAMES
from kodit.infrastructure.slicing.matching import MEMBER, Found, definitions_of, distinct
from kodit.infrastructure.slicing.naming import (
    node_text,
    qualifies_method,
    split_name,
)

if TYPE_CHECKING:
    from kodit.infrastructure.slicing.grammars import Match

_HEADING = "heading."
TYPES = frozenset(
    {
        SymbolKind.CLASS,
        SymbolKind.INTERFACE,
        SymbolKind.ENUM,
        SymbolKind.STRUCT,
        SymbolKind.TRAIT,
        SymbolKind.TABLE,
    }
)
"""Kinds whose functions are methods."""

FUNCTIONS = frozenset({SymbolKind.FUNCTION, SymbolKind.METHOD, SymbolKind.PROPERTY})
"""Kinds whose variables are local to them."""

_NEVER_LOCAL = TYPES | {SymbolKind.FUNCTION, SymbolKind.METHOD, SymbolKind.MACRO}
"""Kinds that are found even inside functions."""

_PARTS = frozenset({SymbolKind.CONSTANT, SymbolKind.TYPE})
_CONTAINERS = TYPES | {SymbolKind.MODULE, SymbolKind.SECTION}


@dataclass(slots=True, eq=False)
class Definition:
    """A definition on rows `first` to `last` (from 0, both included).

    `first` is the first row of its leading comment, `declared` that of the definition itself (of
    the name if it is minor, which means only named), and `named` that of the name. `kind` is None
    for a definition that only encloses others and gives them a scope, as Rust's `impl` does;
    `is_namespace` marks a module that other files may open too, so that this is not the only place
    of its definition.
    """

    first: int
    last: int
    declared: int
    name: str
    kind: SymbolKind | None
    scope: tuple[str, ...] = ()
    is_namespace: bool = False
    is_minor: bool = False
    named: int = -1
    children: list[Definition] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.named < 0:
            self.named = self.declared

    @property
    def is_container(self) -> bool:
        """Whether its parts become snippets even if all of it would fit one."""
        return self.kind is None or self.kind in _CONTAINERS

    @property
    def is_place(self) -> bool:
        """Whether it only holds types and modules, as a namespace does."""
        if self.is_namespace:
            return True
        return (
            self.kind is SymbolKind.MODULE and bool(self.children) and self.children[0].is_container
        )

    @property
    def symbol(self) -> Symbol | None:
        """The symbol; for a mere scope, that of the first method in it."""
        if self.kind is None:
            methods = (child for child in self.children if child.kind is SymbolKind.METHOD)
            first = next(methods, self.children[0] if self.children else None)
            return first.symbol if first else None
        return Symbol(self.name, self.kind, ".".join(self.scope)) if self.name else None

    @property
    def scope_inside(self) -> tuple[str, ...]:
        """The scope of the definitions inside."""
        return ((*self.scope, self.name) if self.name else self.scope)[-SCOPE_NAMES:]


class Outline(NamedTuple):
    """`definitions` are the outermost definitions at which the file is split, each with those
    inside it. `minor` are those named within the pieces, in order.
    """

    definitions: list[Definition]
    minor: list[Definition]


class _OpenDefinition(NamedTuple):
    """A definition that has not ended yet."""

    found: Found
    definition: Definition


def outline(
    matches: Sequence[Match], source: bytes, lines: Sequence[str], language: Language
) -> Outline:
    """The definitions of a file.

    Captures are named `definition.KIND` (a `SymbolKind`, `scope`, `namespace`, or `keyword`, where
    the language table gives the kind of the word captured as `keyword`), `name` and `scope` (names
    that enclose this one without being around it in the text, like a Go receiver), `body` (a
    following node that belongs to it), or `heading.LEVEL` and `name`.

    `named.KIND` marks a minor symbol, which never changes how a file is split; inside a function it
    is ignored, unless it is a `member.KIND` of the type around the function. `operator` instead of
    `name` is the sign of an operator, or the type of a conversion, after the word `operator`. With
    `upper_name` instead of `name`, a constant counts if the name is in capitals, and any other
    capture beside it if not (a predicate of the query would make tree-sitter read the source again
    for each match).

    Of several matches with one name the widest counts, so that a query may match a decorated
    function as well as the function, and a definition before a minor symbol; of several with one
    extent that of the last pattern. Constants and aliases inside a type are minor.
    """
    found = distinct(definitions_of(matches, source, language))
    if not found:
        return Outline(_sections(matches, source, len(lines)), [])
    roots: list[Definition] = []
    minor: list[Definition] = []
    open_ones: list[_OpenDefinition] = []
    open_minor: list[_OpenDefinition] = []
    for item in found:
        _close(open_ones, item)
        _close(open_minor, item)
        outer = open_ones[-1] if open_ones else None
        if item.is_minor:
            parent = _parent_of_minor(item, open_ones, open_minor)
            if not _is_local(item, parent):
                definition = _define(item, parent)
                minor.append(definition)
                open_minor.append(_OpenDefinition(item, definition))
            continue
        parent = outer.definition if outer else None
        definition = _define(item, parent)
        if outer and _is_part(item, definition, outer):
            minor.append(definition)
            open_minor.append(_OpenDefinition(item, definition))
            continue
        siblings = parent.children if parent else roots
        before = siblings[-1] if siblings else None
        floor = before.last + 1 if before else parent.declared + 1 if parent else 0
        definition.first = with_leading_lines(definition.first, floor, lines, language)
        siblings.append(definition)
        open_ones.append(_OpenDefinition(item, definition))
    return Outline(roots, minor)


def _close(open_ones: list[_OpenDefinition], item: Found) -> None:
    """Remove the definitions that end before an item begins."""
    while open_ones and open_ones[-1].found.end <= item.start:
        open_ones.pop()


def _parent_of_minor(
    item: Found, open_ones: Sequence[_OpenDefinition], open_minor: Sequence[_OpenDefinition]
) -> Definition | None:
    """The innermost definition around it, minor or not; for a member the innermost that is not a
    function. Names of one declaration are siblings.
    """
    is_member = item.form == MEMBER or item.kind is SymbolKind.ROUTE
    innermost: _OpenDefinition | None = None
    for stack in (open_ones, open_minor):
        for one in reversed(stack):
            if one.found.extent != item.extent and not (
                is_member and one.definition.kind in FUNCTIONS
            ):
                if innermost is None or one.found.extent >= innermost.found.extent:
                    innermost = one
                break
    return innermost.definition if innermost else None


def _is_local(found: Found, parent: Definition | None) -> bool:
    """Whether it is local to a function, which a route never is."""
    if found.kind is SymbolKind.ROUTE:
        return False
    if parent is None:
        return found.form == MEMBER
    if parent.kind not in FUNCTIONS or (parent.is_minor and parent.kind is SymbolKind.PROPERTY):
        return False
    return found.kind is not None and found.kind not in _NEVER_LOCAL


def _define(found: Found, parent: Definition | None) -> Definition:
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
    outer_scope = parent.scope_inside if parent else ()
    if found.is_minor and parent and parent.kind is None and parent.name == name:
        outer_scope = parent.scope  # a scope with a name of its own
    first = found.node.start_point.row
    end = found.last_node.end_point
    return Definition(
        first=first,
        last=end.row - 1 if end.column == 0 and end.row > first else end.row,
        declared=found.named_row,
        name=name,
        kind=kind,
        scope=(*outer_scope, *qualifiers)[-SCOPE_NAMES:],
        is_namespace=found.is_namespace,
        is_minor=found.is_minor,
        named=found.name_row,
    )


def _is_part(item: Found, inner: Definition, around: _OpenDefinition) -> bool:
    """Whether a definition is only part of a type: its constant, its alias, or a second name for
    it, as in `typedef struct a { ... } b`.
    """
    outer = around.definition
    if outer.kind is not None and outer.kind not in TYPES:
        return False
    if inner.kind in _PARTS:
        return True
    if inner.kind not in TYPES or (outer.declared, outer.last) != (inner.declared, inner.last):
        return False
    if around.found.name_start >= item.end:
        inner.scope = outer.scope
    return True


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
            named=names[0].start_point.row if names else first,
        )
        (parent.children if parent else roots).append(section)
        open_ones.append((level, section))
    return roots
