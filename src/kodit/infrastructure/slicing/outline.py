"""What a file defines, as a tree over its rows."""

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
"""Kinds whose variables are their own business."""

_NEVER_LOCAL = TYPES | {SymbolKind.FUNCTION, SymbolKind.METHOD, SymbolKind.MACRO}
"""Kinds that are found inside functions, too."""

_PARTS = frozenset({SymbolKind.CONSTANT, SymbolKind.TYPE})
_CONTAINERS = TYPES | {SymbolKind.MODULE, SymbolKind.SECTION}


@dataclass(slots=True, eq=False)
class Definition:
    """Something that is defined on rows `first` to `last` (from 0, both included).

    `first` is that of its leading comment, `declared` that of the definition itself, or of its name
    if it is minor, which is to say that it is only named, and `named` that of its name. `kind` is
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
    is_minor: bool = False
    named: int = -1
    children: list[Definition] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.named < 0:
            self.named = self.declared

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


class Outline(NamedTuple):
    """`definitions` are those by which the file is cut, outermost ones, each with those inside it.
    `minor` are named within the pieces, in order."""

    definitions: list[Definition]
    minor: list[Definition]


class _Open(NamedTuple):
    """A definition that has not ended yet."""

    found: Found
    definition: Definition


def outline(
    matches: Sequence[Match], source: bytes, lines: Sequence[str], language: Language
) -> Outline:
    """The definitions of a file.

    Captures are named `definition.KIND` (a `SymbolKind`, `scope`, `namespace`, or `keyword`, where
    the kind is what the language's table says of the word captured as `keyword`), `name` and
    `scope` (names that enclose this one without being around it in the text, as a Go receiver
    does), `body` (a node behind it that belongs to it), or `heading.LEVEL` and `name`. `named.KIND`
    marks what is only named, and never changes how a file is cut; inside a function it counts for
    nothing, unless it is a `member.KIND` of the type around the function. `operator` in place of
    `name` is the sign of an operator, or the type of a conversion, behind the word `operator`.
    With `upper_name` in place of `name`, the capture of a constant counts if the name is in
    capitals, as those of constants are, and any other one beside it if not (a predicate of the
    query would make tree-sitter read the source again for each match). Of several matches with one
    name the widest counts, so that a query may name a decorated function as well as the function,
    and a definition before what is only named; of several with one extent that of the last
    pattern. Constants and aliases inside a type are only named.
    """
    found = distinct(definitions_of(matches, source, language))
    if not found:
        return Outline(_sections(matches, source, len(lines)), [])
    roots: list[Definition] = []
    minor: list[Definition] = []
    open_ones: list[_Open] = []
    open_minor: list[_Open] = []
    for item in found:
        _close(open_ones, item)
        _close(open_minor, item)
        outer = open_ones[-1] if open_ones else None
        if item.is_minor:
            parent = _parent_of_minor(item, open_ones, open_minor)
            if not _is_local(item, parent):
                definition = _define(item, parent)
                minor.append(definition)
                open_minor.append(_Open(item, definition))
            continue
        parent = outer.definition if outer else None
        definition = _define(item, parent)
        if outer and _is_part(item, definition, outer):
            minor.append(definition)
            open_minor.append(_Open(item, definition))
            continue
        siblings = parent.children if parent else roots
        before = siblings[-1] if siblings else None
        floor = before.last + 1 if before else parent.declared + 1 if parent else 0
        definition.first = with_leading_lines(definition.first, floor, lines, language)
        siblings.append(definition)
        open_ones.append(_Open(item, definition))
    return Outline(roots, minor)


def _close(open_ones: list[_Open], item: Found) -> None:
    """Take away what ends before an item begins."""
    while open_ones and open_ones[-1].found.end <= item.start:
        open_ones.pop()


def _parent_of_minor(
    item: Found, open_ones: Sequence[_Open], open_minor: Sequence[_Open]
) -> Definition | None:
    """The innermost around it, minor or not; of a member the innermost that is no function. Names
    of one declaration are beside each other."""
    is_member = item.form == MEMBER or item.kind is SymbolKind.ROUTE
    innermost: _Open | None = None
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
    """Whether it is the business of a function alone, as a route never is."""
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
        outer_scope = parent.scope  # a scope that has a name of its own
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


def _is_part(item: Found, inner: Definition, around: _Open) -> bool:
    """Whether a definition is only a part of a type: its constant, its alias, or a second name of
    it, as in `typedef struct a { ... } b`."""
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
