"""Definitions found line by line, where a grammar covers only part of a language.

Dialects of SQL differ more than a grammar can cover: it skips what it does not know, together with
the statements around it. But all dialects begin a definition in the same way. The same holds for
lines that no grammar could parse: most languages declare a class with the word `class`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from kodit.domain.value_objects import SymbolKind
from kodit.infrastructure.slicing.languages import Language
from kodit.infrastructure.slicing.limits import SCOPE_NAMES
from kodit.infrastructure.slicing.naming import split_name
from kodit.infrastructure.slicing.outline import FUNCTIONS, TYPES, Definition

_SPACE = re.compile(r"\s+")

_DECLARED = re.compile(
    r"""
    [ \t]*+ (?:@[\w.]+(?:\([^()]*\))?[ \t]++)*+
    (?:template[ \t]*+<(?:[^<>]|<(?:[^<>]|<[^<>]*+>)*+>)*+>[ \t]*+)?+
    (?:\#[ \t]*+define[ \t]++(?P<macro>[^\W\d]\w*+)
     |using[ \t]++(?P<other>[^\W\d]\w*+)[ \t]*+=
     |(?P<kind>
        class|record|actor|object|interface|protocol|struct|union|enum|trait|module|namespace|mixin
        |func?|fn|def|defp|function|sub|procedure|typealias|type|macro_rules!|val|var|let|const
       )[ \t]++ (?:<[^<>]*>[ \t]*+)?+ (?:[\w<>?,*]+(?:\.|::))*+ (?P<name>[^\W\d]\w*+)
       [?!]?+ [ \t]*+ (?:[({:<=\[;]|(?:extends|implements|where|inherits|get)\b|\r?$)
     |(?P<access>public|private|protected|internal)[ \t]++ (?:[\w<>\[\],.?]++[ \t]++)+?
       (?P<method>[^\W\d]\w*+) [ \t]*+ \(
     |(?!(?:return|else|new|throw|await|yield|using)\b)[a-z][\w()]*+ [ \t]++
     |[A-Z][A-Z0-9_]++ (?:\([^()]*\))?+ [ \t]++  # a macro that stands for modifiers
    )
    """,
    re.VERBOSE,
)
_KINDS = {
    **dict.fromkeys(("class", "record", "actor", "object", "mixin"), SymbolKind.CLASS),
    **dict.fromkeys(("interface", "protocol"), SymbolKind.INTERFACE),
    **dict.fromkeys(("struct", "union"), SymbolKind.STRUCT),
    **dict.fromkeys(("module", "namespace"), SymbolKind.MODULE),
    **dict.fromkeys(("typealias", "type"), SymbolKind.TYPE),
    **dict.fromkeys(("val", "var", "let", "const"), SymbolKind.VARIABLE),
    "enum": SymbolKind.ENUM,
    "trait": SymbolKind.TRAIT,
    "macro_rules!": SymbolKind.MACRO,
}
"""Words that declare something other than a function."""

_TYPED = re.compile(
    r"""
    [ \t]*+ (?:template[ \t]*+<(?:[^<>]|<(?:[^<>]|<[^<>]*+>)*+>)*+>[ \t]*+)?+
    (?!(?:return|else|new|throw|case|goto|delete|using|typedef|co_\w+|await|do)\b)
    (?:[^\W\d][\w:<>,.\[\]]*+ (?:\([^()]*\))?+ [ \t*&]++)+?
    (?:\w+::)*+ (?P<name>[^\W\d]\w*+) [ \t]*+ \(
    """,
    re.VERBOSE,
)
"""A function that begins with the type that it returns, or with macros in place of that."""
_TYPES_FIRST = frozenset(("c", "cpp", "cuda", "objc"))
"""Languages in which functions have no word that declares them."""
_NO_FUNCTION = re.compile(
    r"(?:if|while|for|switch|catch|sizeof|defined|operator|[A-Z][A-Z0-9]*_\w*)\Z"
)
"""Words of statements, and names of macros."""

_MODIFIERS = 6
"""Words allowed before the declaring word."""

_PARTS_OF_LINE = re.compile(r"([{};])")

_LONGEST = 1_000
"""Longer lines hold text or data."""


def defined_by_lines(lines: Sequence[str], language: Language) -> Iterator[Definition]:
    """The matches of the language's pattern in these lines, in order, each a definition of one
    line.
    """
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


def declared_on(
    rows: Iterable[int],
    lines: Sequence[str],
    known: Sequence[Definition],
    language: str = "",
) -> Iterator[Definition]:
    """Definitions on lines that the parser could not read, by the declaring words common to most
    languages.

    `known` are the outermost definitions of the file, which give the scopes. Lines inside a
    function are skipped. In languages like C, a function is known by the type before its name.
    """
    is_typed = language in _TYPES_FIRST
    for row in rows:
        if len(lines[row]) > _LONGEST:
            continue
        around = _around(row, known)
        inside: list[Definition | None] = [around]
        last = around
        parts = _PARTS_OF_LINE.split(lines[row])
        for text, end in zip(parts, [*parts[1:], ""], strict=True):
            if text == "{":
                inside.append(last)
            elif text == "}":
                inside = inside[:-1] or [around]
            if text in "{};":
                last = inside[-1]
                continue
            found = _declaration(text)
            if found is None and is_typed and end != ";":
                found = _typed(text)
            outer = inside[-1]
            if found is not None and (outer is None or outer.kind not in FUNCTIONS):
                last = _declared(row, *found, outer)
                yield last


def _declared(row: int, kind: SymbolKind, name: str, around: Definition | None) -> Definition:
    is_member = around is not None and around.kind in TYPES
    if is_member and kind is SymbolKind.FUNCTION:
        kind = SymbolKind.METHOD
    elif is_member and kind is SymbolKind.VARIABLE:
        kind = SymbolKind.PROPERTY
    return _definition(row, name, kind, list(around.scope_inside) if around else [])


def _declaration(text: str) -> tuple[SymbolKind, str] | None:
    """The kind and name of a declaration, after any number of modifiers, or None."""
    at = 0
    for _ in range(_MODIFIERS):
        match = _DECLARED.match(text, at)
        if match is None:
            return None
        if match["name"]:
            return _KINDS.get(match["kind"], SymbolKind.FUNCTION), match["name"]
        if match["method"]:
            return SymbolKind.FUNCTION, match["method"]
        if match["macro"]:
            return SymbolKind.MACRO, match["macro"]
        if match["other"]:
            return SymbolKind.TYPE, match["other"]
        at = match.end()
    return None


def _typed(text: str) -> tuple[SymbolKind, str] | None:
    """The kind and name of a function that begins with a type."""
    match = _TYPED.match(text)
    if match is None or _NO_FUNCTION.match(match["name"]):
        return None
    return SymbolKind.FUNCTION, match["name"]


def _around(row: int, known: Sequence[Definition]) -> Definition | None:
    """The innermost definition that begins above a row and ends below it."""
    around = None
    while True:
        inner = next((one for one in known if one.declared < row <= one.last), None)
        if inner is None:
            return around
        around, known = inner, inner.children
