"""The public interface of a module, from its definitions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from kodit.domain.descriptions.description import DescribedItem, DescribedPart
from kodit.domain.descriptions.signatures import (
    docstring_at,
    first_sentence,
    sentence_about,
    signature_of,
)
from kodit.domain.descriptions.visibility import public_definitions
from kodit.domain.symbols import Definition


def interface_of(
    path: str, language: str, definitions: Sequence[Definition], lines: Mapping[int, str]
) -> DescribedPart:
    """The public definitions of a file, with their signatures and the first sentences of their
    documentation."""
    public = public_definitions(definitions, lines, language, path)
    return DescribedPart(
        title=path,
        kind=language,
        text=module_sentence(lines, language),
        path=path,
        items=tuple(items_of(public, lines, language)),
    )


def items_of(
    public: Sequence[Definition],
    lines: Mapping[int, str],
    language: str,
    path: str = "",
    within: str = "",
) -> list[DescribedItem]:
    """An item for each definition, a method after its type; `path` is their file, if it is not that
    of the part. `within` selects one definition and its members."""
    order: list[str] = []
    members: dict[str, list[Definition]] = {}
    by_name: dict[str, Definition] = {}
    for one in public:
        name = _name(one)
        if name in by_name:
            continue  # overloads, and branches that define a name again
        by_name[name] = one
        scope = one.snippet.scope
        if scope in by_name:
            members.setdefault(scope, []).append(one)
        elif name not in order:
            order.append(name)
    items: list[DescribedItem] = []

    def add(one: Definition, depth: int) -> None:
        name = _name(one)
        items.append(
            DescribedItem(
                name=name,
                kind=one.snippet.kind or "",
                text=signature_of(one, lines, language) or name,
                note=sentence_about(one, lines, language),
                path=path,
                line=one.line,
                end_line=one.snippet.end_line,
                depth=depth,
            )
        )
        for member in members.get(name, ()):
            add(member, depth + 1)

    for name in [within] if within in by_name else order:
        add(by_name[name], 0)
    return items


def only_named(items: Sequence[DescribedItem], names: Collection[str]) -> list[DescribedItem]:
    """The items of these top-level names, with their members."""
    kept = []
    is_kept = False
    for one in items:
        if not one.depth:
            is_kept = one.name in names
        if is_kept:
            kept.append(one)
    return kept


def module_sentence(lines: Mapping[int, str], language: str) -> str:
    """The first sentence of a module's own documentation: its docstring, or in Rust, Go and Dart
    the comment about the module."""
    if language == "python":
        first = next((number for number in sorted(lines) if lines[number].strip()), 0)
        while lines.get(first, "").startswith("#"):
            first += 1
        return first_sentence(docstring_at(lines, first))
    marks = {"rust": "//!", "go": "// Package ", "dart": "/// "}
    mark = marks.get(language)
    if mark is None:
        return ""
    found: list[str] = []
    for number in sorted(lines):
        line = lines[number].strip()
        if line.startswith(mark if not found else mark.split(" ", maxsplit=1)[0]):
            found.append(line.removeprefix(mark.split(" ", maxsplit=1)[0]).strip())
        elif found or (line and not line.startswith(("//", "#", "package"))):
            break
    return first_sentence(" ".join(found))


def _name(one: Definition) -> str:
    scope, symbol = one.snippet.scope, one.snippet.symbol or ""
    return f"{scope}.{symbol}" if scope else symbol
