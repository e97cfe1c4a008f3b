"""Where a file uses names: what the patterns of `queries/mentions/` capture.

A capture named by a `MentionKind` is a name with what qualifies it. Beside it, or alone, stand

* `qualifier`: what qualifies the name where the grammar has no node for both;
* `module`: what qualifies an imported name;
* `namespace`: the variable that stands for all of `module`, or a star where all of it is taken;
* `alias`: the name by which the file goes on, or to which a value or a type is given;
* `field`: the same of a parameter that is a field as well;
* `returns`: the function whose result has the type;
* `annotation`: a type as it is written: each type in it is said of the alias;
* `value`: an expression: what its head calls is said of the alias;
* `declares`: a name that the patterns would take for a use, where it is declared;
* `component`: a call if it begins with a capital, as that of a component does beside tags of HTML;
* `function`: a call unless it is a word by which the language defines or imports;
* one of `_WORDS`: the pattern counts only where it is a certain word.

The source is asked here and not by predicates of the queries: to these, tree-sitter would have to
read it again, and from a tree that was read through a callback it cannot.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from kodit.domain.mentions import Mention, MentionKind, encode_mentions
from kodit.infrastructure.slicing.pieces import Piece

if TYPE_CHECKING:
    from tree_sitter import Node

    from kodit.infrastructure.slicing.grammars import Match

LONGEST_NAME = 120
"""Characters of a name; what is longer is no name that somebody asks for."""

LONGEST_QUALIFIER = 400
"""Bytes of what qualifies it; of more only the end is looked at."""

LONGEST_CHAIN = 120
"""Characters of what is kept of that."""

MOST_OF_A_PIECE = 2_000
"""Mentions that are kept of one piece: a table of a million names tells nothing by each."""

MOST_ALIASES = 4
"""Names that are said to have one type."""

_RANKED = {
    kind.value: (rank, kind)
    for rank, kind in enumerate(
        (
            MentionKind.IMPORT,
            MentionKind.INHERITS,
            MentionKind.CALL,
            MentionKind.TYPE,
            MentionKind.WRITE,
            MentionKind.READ,
        )
    )
}
"""Of several patterns that capture one name, the kind that comes first here counts."""

_COMPONENT = "component"
_FUNCTION = "function"
for _capture in (_COMPONENT, _FUNCTION):
    _RANKED[_capture] = _RANKED[MentionKind.CALL.value]

_DEFINING = frozenset(
    "def defp defmacro defmacrop defmodule defprotocol defimpl defstruct defdelegate defguard"
    " defguardp alias import require use".split()
)
_SPECIAL = frozenset("case cond for if quote receive try unless unquote with".split())
"""The words of Elixir that look like calls."""
_WORDS = {
    "required": frozenset({"require"}),
    "importing": frozenset({"@import"}),
    "sourcing": frozenset({"source", "."}),
    "including": frozenset({"include", "extend", "prepend"}),
    "aliasing": frozenset({"alias", "import", "require", "use"}),
    "behaving": frozenset({"behaviour"}),
    "implementing": frozenset({"defimpl"}),
    "defining": frozenset(word for word in _DEFINING if word.startswith("def")),
}
"""Patterns with such a capture count only where it is one of these words."""

_NAME = re.compile(r"(?:[^\W\d]|[$@])[\w$]*[!?]?$")
_SEPARATOR = re.compile(r"(?:\?\.|!!\.|!\.|::|\?->|->|\\|[.:#/])$")
_CHAIN = re.compile(r"[\w$@.:\\>?!/#()\[\]-]+$")
_KEYWORD = re.compile(r"^(?:\(?(?:await|new|co_await|yield|return|not|try)\s+)+|^[&*!(]+(?=[\w$])")
_CAST = re.compile(
    r"^\(\(?([A-Z]\w*)\)[^()]*\)|\([\w.]+(?:\(\))?\s+as[?!]?\s+([A-Z]\w*)\)|[\w.]+\.\(\*?([A-Z]\w*)\)"
)
"""`((Type) name)`, `(name as Type)`, `name.(Type)`: an object of the type, as a call gives it."""
_TYPE_ARGUMENTS = re.compile(r"<[\w$., <>?\[\]]*>(?=\(|\.|::|$)")
_LAST = re.compile(r"::|\.")
_WHITE_SPACE = re.compile(r"\s+")
_BUILT_IN = frozenset(
    "any bool boolean byte char comparable complex128 complex64 dict double error float float32"
    " float64 i16 i32 i64 i8 int int16 int32 int64 int8 isize list long number object rune short"
    " str string tuple u16 u32 u64 u8 uint uint16 uint32 uint64 uint8 uintptr usize var void"
    " f32 f64 None auto self Self".split()
)
"""Names of types of which nothing is asked."""
_QUOTES = "\"'`<>"


class _Found(NamedTuple):
    """A name that was captured, by bytes."""

    rank: tuple[int, int, int]
    """What comes first counts: the kind, the number of captures beside it, where it starts."""
    end: int
    kind: MentionKind
    node: Node
    captures: dict[str, list[Node]]

    @property
    def start(self) -> int:
        return self.rank[2]


class _Said(NamedTuple):
    """What is said of an alias, from byte to byte."""

    start: int
    end: int
    alias: str
    is_value: bool


def place_mentions(pieces: Sequence[Piece], matches: Iterable[Match], source: bytes) -> None:
    """Give each piece what is mentioned on its rows, in order."""
    found, said, stars = _sorted_out(matches, source)
    aliases = _aliases(found, said)
    starts = [piece.first for piece in pieces]
    by_piece: dict[int, list[Mention]] = {}

    def place(row: int, mention: Mention) -> None:
        number = bisect_right(starts, row) - 1
        if number >= 0:
            by_piece.setdefault(number, []).append(mention)

    for row, module, alias in stars:
        place(row, Mention(MentionKind.IMPORT, "*", row + 1, module, alias))
    for one in found:
        name, qualifier = _named(one, source)
        if (
            not name
            or len(name) > LONGEST_NAME
            or (name in _BUILT_IN and one.kind is MentionKind.TYPE)
        ):
            continue
        captures, own = one.captures, ""
        if len(captures) > 1:
            if qualifiers := captures.get("qualifier"):
                qualifier = qualifier_of(_end_of(qualifiers[0], source))
            if modules := captures.get("module"):
                qualifier = _text(modules[0], source).strip(_QUOTES)
            if given := captures.get("alias"):
                own = _text(given[0], source)
        row = one.node.end_point[0]
        for alias in (own,) if own else aliases.get(one.end, ("",)):
            place(row, Mention(one.kind, name, row + 1, qualifier, alias))
    for number, mentions in by_piece.items():
        piece = pieces[number]
        piece.mentions = encode_mentions(mentions[:MOST_OF_A_PIECE], piece.first + 1)


def _sorted_out(
    matches: Iterable[Match], source: bytes
) -> tuple[list[_Found], list[_Said], list[tuple[int, str, str]]]:
    """The names that were captured, each once and in order; what is said of others; and where all
    of a module is imported: row, module, and the variable that stands for it."""
    by_end: dict[int, _Found] = {}
    said: list[_Said] = []
    stars: list[tuple[int, str, str]] = []
    declared: set[int] = set()
    for _, captures in matches:
        if len(captures) > 1 and not _are_words(captures, source):
            continue
        for capture, nodes in captures.items():
            ranked = _RANKED.get(capture)
            if ranked is not None:
                rank, kind = ranked
                for node in nodes:
                    if not _is_called(capture, node, source):
                        continue
                    end = node.end_byte
                    found = _Found(
                        (rank, -len(captures), _start(node, captures)), end, kind, node, captures
                    )
                    known = by_end.get(end)
                    if known is None or found.rank < known.rank:
                        by_end[end] = found
            elif capture == "declares":
                declared.update(node.end_byte for node in nodes)
            elif capture in ("annotation", "value"):
                alias = _given(captures, source)
                is_value = capture == "value"
                said += [_Said(one.start_byte, one.end_byte, alias, is_value) for one in nodes]
            elif capture == "namespace":
                module = _text(captures["module"][0], source).strip(_QUOTES)
                alias = _text(nodes[0], source)
                is_name = alias.isidentifier() and "sourcing" not in captures
                stars.append((nodes[0].end_point[0], module, alias if is_name else ""))
    found = [by_end[end] for end in sorted(by_end.keys() - declared)]
    return found, said, stars


def _are_words(captures: dict[str, list[Node]], source: bytes) -> bool:
    return all(
        _text(captures[capture][0], source) in _WORDS[capture]
        for capture in captures.keys() & _WORDS.keys()
    )


def _is_called(capture: str, node: Node, source: bytes) -> bool:
    if capture == _COMPONENT:
        return source[node.start_byte : node.start_byte + 1].isupper()
    return capture != _FUNCTION or _text(node, source) not in _DEFINING | _SPECIAL


def _given(captures: dict[str, list[Node]], source: bytes) -> str:
    if aliases := captures.get("alias"):
        return _text(aliases[0], source)
    if fields := captures.get("field"):
        return f"this.{_text(fields[0], source)}"
    return f"{_LAST.split(_text(captures['returns'][0], source))[-1]}()"


def _aliases(found: Iterable[_Found], said: Iterable[_Said]) -> dict[int, list[str]]:
    """The aliases of names, by the byte at which the name ends: of all types in an annotation, and
    of what begins a value."""
    aliases: dict[int, list[str]] = {}
    places = sorted((one.start, -one.end, one.kind) for one in found)
    for start, end, alias, is_value in said:
        number = bisect_left(places, (start,))
        while number < len(places) and places[number][0] < end:
            _, negative_end, kind = places[number]
            if is_value or kind is MentionKind.TYPE:
                given = aliases.setdefault(-negative_end, [])
                if len(given) < MOST_ALIASES and alias not in given:
                    given.append(alias)
            if is_value:
                break
            number += 1
    return aliases


def _named(found: _Found, source: bytes) -> tuple[str, str]:
    """The name that a node ends with, and what qualifies it."""
    end = found.end
    start = max(found.start, end - LONGEST_NAME - LONGEST_QUALIFIER)
    text = source[start:end].decode("utf-8", "ignore")
    if text.isidentifier():
        return text, ""
    if found.kind is MentionKind.IMPORT:
        text = text.strip(_QUOTES)
    before, _, name = text.rpartition(".")
    if name.isidentifier() and before.replace(".", "_").isidentifier():
        return name, before
    match = _NAME.search(text)
    return (match[0], qualifier_of(text[: match.start()])) if match else ("", "")


def qualifier_of(before: str) -> str:
    """What qualifies a name, of the text before it: a chain of names, calls without their
    arguments (`pool.get()`), `?` for what else it is."""
    if not before:
        return ""
    bare = _KEYWORD.sub("", without_arguments(_CAST.sub(r"\1\2\3()", before.strip())))
    bare = _SEPARATOR.sub("", _TYPE_ARGUMENTS.sub("", _WHITE_SPACE.sub("", bare)))
    if not bare:
        return "."
    chain = _CHAIN.search(bare)
    if chain is None:
        return "?"
    if chain.start() > 0 or len(chain[0]) > LONGEST_CHAIN:
        rest = chain[0][-LONGEST_CHAIN:]
        for separator in (".", "::", "->"):
            if separator in rest:
                return "?." + rest.partition(separator)[2]
        return "?"
    return chain[0]


def without_arguments(text: str) -> str:
    """Without what stands between brackets, the outermost pairs kept; a bracket that opens before
    the text begins takes along what is before its end."""
    kept: list[str] = []
    depth = 0
    for character in text:
        if character in "([{":
            if depth == 0:
                kept.append(character)
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth < 0:
                kept, depth = [], 0
            if depth == 0:
                kept.append(character)
        elif depth == 0:
            kept.append(character)
    return "".join(kept)


def _start(node: Node, captures: dict[str, list[Node]]) -> int:
    qualifiers = captures.get("qualifier") if len(captures) > 1 else None
    return qualifiers[0].start_byte if qualifiers else node.start_byte


def _end_of(node: Node, source: bytes) -> str:
    end = node.end_byte
    return source[max(node.start_byte, end - LONGEST_QUALIFIER) : end].decode("utf-8", "ignore")


def _text(node: Node, source: bytes) -> str:
    start = node.start_byte
    text = source[start : min(node.end_byte, start + LONGEST_CHAIN)].decode("utf-8", "ignore")
    return text if text.isidentifier() else _WHITE_SPACE.sub("", text)
