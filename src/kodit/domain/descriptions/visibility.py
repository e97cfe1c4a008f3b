"""Which definitions of a file are public, by the rules of its language."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from kodit.domain.symbols import Definition

_SCRIPTS = frozenset({"javascript", "typescript", "tsx", "jsx"})
_TYPES = frozenset({"class", "interface", "enum", "struct", "trait", "module", "type"})
_SHOWN = _TYPES | {"function", "method", "constant", "macro", "property", "event"}
"""The kinds of an interface; fields and variables count only where they are exported by name."""

_ALL = re.compile(r"^__all__\s*(?::[^=\n]+)?(?:\+?=)\s*[\[(](.*?)[\])]", re.DOTALL | re.MULTILINE)
_STRING = re.compile(r"[\"']([^\"'\n]+)[\"']")
_EXPORTED = re.compile(r"^export\s*(?:type\s*)?\{([^}]*)\}(?!\s*from)", re.MULTILINE)
_EXPORTED_DEFAULT = re.compile(r"^export\s+default\s+([A-Za-z_$][\w$]*)\s*;?\s*$", re.MULTILINE)
_ASSIGNED = re.compile(
    r"^(?:module\.)?exports(?:\.([\w$]+))?\s*=\s*(?:\{([^}]*)\}|([\w$]+))?", re.MULTILINE
)
_RETURNED = re.compile(r"^return\s+(?:setmetatable\(\s*)?([A-Za-z_]\w*)\s*(?:,.*)?$", re.MULTILINE)
"""The table that a module of Lua returns to those who require it."""
_NAME = re.compile(r"[A-Za-z_$][\w$]*")
_TYPE_VARIABLE = re.compile(r"^\w+\s*=\s*(?:\w+\.)?(?:TypeVar|ParamSpec|TypeVarTuple)\(")
_BARE = re.compile(r"^\s*(public|private|protected|module_function)\s*:?\s*(?:\w+\s*:)?\s*$")
_BODY = re.compile(r"[{;]")
_WORDS = {
    # What makes a declaration public, or private, in languages that say so by a word.
    "java": (("public",), ()),
    "csharp": (("public",), ()),
    "swift": (("public", "open"), ()),
    "rust": (("pub",), ()),
    "zig": (("pub",), ()),
    "kotlin": ((), ("private", "internal", "protected")),
    "scala": ((), ("private", "protected")),
    "php": ((), ("private", "protected")),
    "solidity": ((), ("private", "internal")),
    "lua": ((), ("local",)),
    "c": ((), ("static",)),
    "elixir": ((), ("defp", "defmacrop")),
}
_HEADERS = frozenset({"h", "hpp", "hh", "hxx", "h++", "cuh", "inl", "ipp", "tpp"})
_WITH_SECTIONS = frozenset({"ruby", "cpp", "cuda"})
"""Languages where a bare word makes what follows public or private."""


def public_definitions(
    definitions: Sequence[Definition], lines: Mapping[int, str], language: str, path: str
) -> list[Definition]:
    """The public definitions of a file, outer ones before inner ones."""
    exported = exported_names(lines, language)
    kinds: dict[str, str] = {}
    public: dict[str, Definition] = {}
    found = []
    for one in definitions:
        snippet = one.snippet
        scope, symbol = snippet.scope, snippet.symbol or ""
        name = f"{scope}.{symbol}" if scope else symbol
        kinds.setdefault(name, snippet.kind or "")
        around = kinds.get(scope)
        is_module_table = language == "lua" and scope in (exported or ())
        holds_members = around in _TYPES or is_module_table
        if around is not None and not (holds_members and scope in public):
            continue  # inside a function, or inside something private
        if not _counts(snippet.kind or "", symbol, exported, is_member=around is not None):
            continue
        holder = public.get(scope)
        if _is_public(one, lines, language, path, exported, holder):
            public.setdefault(name, one)
            found.append(one)
    return found


def exported_names(lines: Mapping[int, str], language: str) -> frozenset[str] | None:
    """The names that a file exports by listing them; None if it does not."""
    if language == "python":
        text = _text(lines, "__all__")
        lists = _ALL.findall(text)
        return frozenset(name for one in lists for name in _STRING.findall(one)) if lists else None
    if language in _SCRIPTS:
        text = _text(lines, "export")
        names = {
            part.split(" as ")[0].strip()
            for one in _EXPORTED.findall(text)
            for part in one.split(",")
        }
        names.update(_EXPORTED_DEFAULT.findall(text))
        for named, listed, whole in _ASSIGNED.findall(text):
            names.update(filter(None, (named, whole)), _NAME.findall(listed))
        return frozenset(names - {""})
    if language == "lua":
        return frozenset(_RETURNED.findall(_text(lines, "return"))) or None
    return None


def _text(lines: Mapping[int, str], needed: str) -> str:
    text = "\n".join(lines[number] for number in sorted(lines))
    return text if needed in text else ""


def _counts(kind: str, symbol: str, exported: Collection[str] | None, *, is_member: bool) -> bool:
    if kind in _SHOWN:
        return True
    return kind in {"variable", "field"} and not is_member and symbol in (exported or ())


def _is_public(  # noqa: PLR0911, PLR0917 - one for each rule
    one: Definition,
    lines: Mapping[int, str],
    language: str,
    path: str,
    exported: Collection[str] | None,
    holder: Definition | None,
) -> bool:
    symbol = one.snippet.symbol or ""
    line = lines.get(one.line, "")
    if _TYPE_VARIABLE.search(line):
        return False
    place = re.search(rf"(?<![\w$]){re.escape(symbol)}(?![\w$])", line)
    before = line[: place.start()] if place else ""
    words = set(_NAME.findall(before))
    if language == "python":
        if holder is None and exported is not None:
            return symbol in exported
        return symbol == "__init__" if symbol.startswith("__") else not symbol.startswith("_")
    if language == "lua" and holder is None and symbol in (exported or ()):
        return True
    if language in {"go", "cue"}:
        return symbol[:1].isupper() and _exported_receiver(one.snippet.scope)
    if language in _SCRIPTS:
        if holder is not None:
            is_hidden = before.endswith("#") or not words.isdisjoint({"private", "protected"})
            return not is_hidden and not symbol.startswith("_")
        return "export" in words or symbol in (exported or ())
    if language in {"c", "cpp", "cuda", "objc"} and holder is None:
        return path.rpartition(".")[2] in _HEADERS and "static" not in words
    if language in _WITH_SECTIONS and holder is not None:
        is_shown = _section_at(one, holder, lines, language) in {"public", "module_function"}
        return is_shown and words.isdisjoint({"private", "protected"})
    if language == "solidity":
        words.update(_NAME.findall(_before_body(one, lines)))
    needed, hidden = _WORDS.get(language, ((), ()))
    if needed:
        within = holder.snippet.kind if holder is not None else ""
        if language == "rust" and re.search(rf"\bpub\s*\([^)]*\)[^;]*\b{re.escape(symbol)}", line):
            return False  # within the crate alone
        is_inherited = within in {"interface", "trait", "enum"} and "private" not in words
        return bool(words.intersection(needed)) or is_inherited
    return not words.intersection(hidden) and not symbol.startswith("_")


def _before_body(one: Definition, lines: Mapping[int, str]) -> str:
    """A definition from the line of its name up to its body."""
    numbers = range(one.line, one.snippet.end_line + 1)
    return _BODY.split("\n".join(lines.get(number, "") for number in numbers), maxsplit=1)[0]


def _exported_receiver(scope: str) -> bool:
    return not scope or scope.rpartition(".")[2].lstrip("*")[:1].isupper()


def _section_at(
    one: Definition, holder: Definition, lines: Mapping[int, str], language: str
) -> str:
    """The bare word that rules the line of a member of a class."""
    section = "private" if language != "ruby" and holder.snippet.kind == "class" else "public"
    for number in range(holder.line, one.line):
        bare = _BARE.match(lines.get(number, ""))
        if bare is not None:
            section = bare[1]
    return section
