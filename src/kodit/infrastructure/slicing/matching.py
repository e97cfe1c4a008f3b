"""The definitions that a query's patterns match, each name once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kodit.domain.value_objects import SymbolKind
from kodit.infrastructure.slicing.language import Language
from kodit.infrastructure.slicing.naming import (
    declared_name,
    node_text,
    without_type,
    without_type_arguments,
)

if TYPE_CHECKING:
    from tree_sitter import Node

    from kodit.infrastructure.slicing.grammars import Match

_DEFINITION = "definition."
_NAMED = "named."
MEMBER = "member."
_SCOPE = "scope"
_NAMESPACE = "namespace"
_KEYWORD = "keyword"


@dataclass(slots=True)
class Found:
    """A match of a definition pattern, in bytes. `form` is the first part of its capture's name.
    Sorted by `extent`, enclosing matches come before the ones they enclose.
    """

    start: int
    end: int
    extent: tuple[int, int]
    pattern: int
    node: Node
    last_node: Node
    kind: SymbolKind | None
    name: str
    scope: str
    is_namespace: bool
    form: str
    is_minor: bool
    name_start: int
    named_row: int
    name_row: int


def definitions_of(matches: Iterable[Match], source: bytes, language: Language) -> Iterator[Found]:
    """The definitions among the matches."""
    kinds = _CAPTURES
    for pattern, captures in matches:
        marked = [capture for capture in captures if capture in kinds]
        if not marked:
            continue
        form, kind, kind_name = kinds[marked[0]]
        if kind_name == _KEYWORD:
            word = _keyword(captures, source)
            if word not in language.keywords:
                continue
            kind = language.keywords[word]
        names = captures.get("name")
        if names is None and (names := captures.get("declarator")):
            node, is_function = declared_name(names[0])
            is_prototype = is_function and kind is not SymbolKind.TYPE
            is_extern = source.startswith(b"extern ", captures[marked[0]][0].start_byte)
            if node is None or (is_extern and not is_prototype):
                continue  # a variable that is defined elsewhere
            names = [node]
            kind = SymbolKind.FUNCTION if is_prototype else kind
        elif names is None and (names := captures.get("upper_name")):
            is_upper = node_text(names[0], source).isupper()
            marked = [one for one in marked if (kinds[one][1] is SymbolKind.CONSTANT) is is_upper]
            if not marked:
                continue
            form, kind, kind_name = kinds[marked[0]]
        name = node_text(names[0], source).lstrip(language.sigils) if names else ""
        if "declarator" in captures:
            name = without_type(name)
        elif names is None and (names := captures.get("operator")):
            name = f"operator {node_text(names[0], source)}"
        if form != _DEFINITION and (name in language.no_names or _is_no_route(kind, name)):
            continue
        if kind is SymbolKind.STRUCT and "(" in without_type_arguments(name):
            # A block that stands in for another construct has no name: it is only a scope.
            kind, name = None, ""
        node = captures[marked[0]][0]
        scopes = captures.get(_SCOPE)
        is_minor = form != _DEFINITION
        last_node = captures["body"][0] if "body" in captures else node
        start, end = node.start_byte, last_node.end_byte
        yield Found(
            start=start,
            end=end,
            extent=(start, -end),
            pattern=pattern,
            node=node,
            last_node=last_node,
            kind=kind,
            name=name,
            scope=node_text(scopes[0], source) if scopes else "",
            is_namespace=kind_name == _NAMESPACE,
            form=form,
            is_minor=is_minor,
            name_start=names[0].start_byte if names else start,
            named_row=(names[0] if names and is_minor else node).start_point[0],
            name_row=(names[0] if names else node).start_point[0],
        )


def _is_no_route(kind: SymbolKind | None, name: str) -> bool:
    """Whether a match that looks like a route is another use of the same word."""
    return kind is SymbolKind.ROUTE and not name.lstrip("\"'`").startswith("/")


def _keyword(captures: Mapping[str, list[Node]], source: bytes) -> str:
    """The word that decides the kind, prefixed by its sort if captured as `keyword.SORT`."""
    capture = next(one for one in captures if one.partition(".")[0] == _KEYWORD)
    sort = capture[len(_KEYWORD) + 1 :]
    word = node_text(captures[capture][0], source)
    return f"{sort} {word}" if sort else word


def _capture_kinds() -> dict[str, tuple[str, SymbolKind | None, str]]:
    """By the name of a capture that defines: its form, its kind, and the last part of its name."""
    kinds: dict[str, SymbolKind | None] = {kind.value: kind for kind in SymbolKind}
    kinds |= {_SCOPE: None, _NAMESPACE: SymbolKind.MODULE, _KEYWORD: None}
    return {
        form + name: (form, kind, name)
        for form in (_DEFINITION, _NAMED, MEMBER)
        for name, kind in kinds.items()
    }


_CAPTURES = _capture_kinds()


def distinct(definitions: Iterable[Found]) -> list[Found]:
    """One definition for each name, and one that is not minor for each extent, in order, enclosing
    ones first.
    """
    by_name: dict[tuple[int, bool], Found] = {}
    for found in definitions:
        key = found.name_start, found.is_minor
        known = by_name.get(key)
        if known is None or (known.start - found.start, found.end - known.end, found.pattern) > (
            0,
            0,
            known.pattern,
        ):
            by_name[key] = found
    by_extent: dict[tuple[int, int], Found] = {}
    for found in by_name.values():
        same = by_extent.get(found.extent)
        if found.is_minor or (
            same and (bool(found.name), found.pattern) <= (bool(same.name), same.pattern)
        ):
            continue
        by_extent[found.extent] = found
    named = {found.name_start for found in by_extent.values() if found.kind is not None}
    minor = [
        found for found in by_name.values() if found.is_minor and found.name_start not in named
    ]
    # A minor definition comes after another one with the same extent.
    return sorted([*by_extent.values(), *minor], key=lambda found: found.extent)
