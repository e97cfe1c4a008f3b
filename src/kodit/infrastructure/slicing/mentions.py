"""Where a file uses names: the captures of the patterns in `queries/mentions/`.

A capture named by a `MentionKind` is a name with its qualifier. With it, or alone, may come

* `qualifier`: the qualifier, where the grammar has no node for both;
* `module`: the module of an imported name; `from`: the whole import, where the module is the text
  between its first word and the name;
* `namespace`: the variable that stands for all of `module`, or a star where all of it is imported;
* `bare`: an imported module that no name stands for;
* `alias`: the name under which the file uses it, or that is given a value or a type;
* `field`: the same for a parameter that is also a field;
* `returns`: the function whose result has the type;
* `annotation`: a type as written: each type in it applies to the alias;
* `value`: an expression: whatever its head calls applies to the alias;
* `declares`: a name at its declaration, where the patterns would take it for a use;
* `component`: a call if it begins with a capital, as a component does among HTML tags;
* `function`: a call unless it is a word by which the language defines or imports;
* `token`: a call if a bracket follows, qualified by the text before it, where the grammar has no
  expressions;
* one of `WORDS`: the pattern counts only if the captured text is one of those words.

These conditions are checked here and not by predicates of the queries: for those, tree-sitter would
have to read the source again, which it cannot do for a tree parsed through a callback.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from kodit.domain.idleness import empty_when_idle
from kodit.domain.mentions import LETTERS, MentionKind, mention_row, mention_tail
from kodit.infrastructure.slicing.mention_words import BUILT_IN, DEFINING, SPECIAL, WORDS
from kodit.infrastructure.slicing.pieces import Piece
from kodit.infrastructure.slicing.qualifiers import (
    LONGEST_CHAIN,
    LONGEST_QUALIFIER,
    qualifier_before,
    qualifier_of,
)

if TYPE_CHECKING:
    from tree_sitter import Node

    from kodit.infrastructure.slicing.grammars import Match

LONGEST_NAME = 120
"""Characters of a name; anything longer is not a name to search for."""

_LONGEST_TEXT = LONGEST_NAME + LONGEST_QUALIFIER
"""Bytes before the end of a name that are read for it and its qualifier."""

_MOST_TEXTS = 16_384
"""Names, with their qualifiers, whose rows a process caches: code repeats them."""

MOST_OF_A_PIECE = 2_000
"""Mentions kept per piece: in a table of a million names, a single name means little."""

MOST_ALIASES = 4
"""Names that may be given one type."""

MOST_TYPES = 24
"""Types of one annotation that apply to its alias."""

_END_BITS = 32
_MOST_BYTES = (1 << _END_BITS) - 1
"""Files that are parsed are smaller."""

_NONE = ("",)
_NO_MENTION = ("", "")

_RANKED = {
    kind.value: (8 * rank, LETTERS[kind])
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
"""The rank and the letter of the kind by capture: if several patterns capture one name, the lowest
rank wins. Letters, because a member of an enumeration is slow as a key.
"""

_IMPORT = LETTERS[MentionKind.IMPORT]
_TYPE = LETTERS[MentionKind.TYPE]

_COMPONENT = "component"
_FUNCTION = "function"
_BY_TEXT = "token"
for _capture in (_COMPONENT, _FUNCTION, _BY_TEXT):
    _RANKED[_capture] = _RANKED[MentionKind.CALL.value]

_JUDGED = frozenset({_COMPONENT, _FUNCTION, _BY_TEXT})
_ALONE = {
    capture: (rank - 1, letter)
    for capture, (rank, letter) in _RANKED.items()
    if capture not in _JUDGED
}
"""The rank and the letter of a name that is the only capture of its match."""

_NAME = re.compile(r"(?:[^\W\d]|[$@])[\w$]*[!?]?$")
NO_NAME = "."
"""The alias of an imported module that no name stands for."""

_LAST = re.compile(r"::|\.")
_FROM = re.compile(r"\s*\w+\s+([\w.]*\w)\.?\s*(?:\{.*)?$", re.DOTALL)
_QUOTES = "\"'`<>"


_Found = tuple[int, int, int, str, "dict[str, list[Node]] | None"]
"""A captured name: its rank, its first byte and the one after its last, the letter of its kind, and
the captures of its match if there are others. A plain tuple, because there are hundreds of
thousands.
"""


_Aliased = tuple[int, int, str, bool]
"""A type or value that applies to an alias: its byte range, the alias, and whether it is a value. A
plain tuple for the same reason.
"""


class _Star(NamedTuple):
    """An import of all of a module: the byte of its name, the row, the module, and the variable
    that stands for it.
    """

    place: int
    row: int
    module: str
    alias: str


def place_mentions(pieces: Sequence[Piece], matches: Iterable[Match], source: bytes) -> None:
    """Give each piece the mentions on its rows, in order."""
    found, said, stars = _sort_captures(matches, source)
    aliases = _aliases(found, said) if said else {}
    starts = [piece.first for piece in pieces]
    rows: list[list[str]] = [[] for _ in pieces]
    for _, row, module, alias in stars:
        number = bisect_right(starts, row) - 1
        if number >= 0:
            line = row - starts[number]
            rows[number].append(mention_row(MentionKind.IMPORT, line, "*", module, alias))
    number, first, following = -1, 0, starts[0] if starts else sys.maxsize
    row = counted = 0
    for _, start, end, letter, captures in found:
        row += source.count(b"\n", counted, end)  # cheaper than the row of the node
        counted = end
        while row >= following:
            number, first = number + 1, following
            following = starts[number + 1] if number + 1 < len(starts) else sys.maxsize
        if number < 0:
            continue
        text = source[start if end - start <= _LONGEST_TEXT else end - _LONGEST_TEXT : end]
        if captures is None and end not in aliases:
            if tail := _tail(letter, text):
                rows[number].append(f"{letter}{row - first}{tail}")
            continue
        name, qualifier = _named(letter, text)
        if not name:
            continue
        own = ""
        if captures is not None:
            qualifier, own = _qualifier_and_alias(captures, start, qualifier, source)
        for alias in (own,) if own else aliases.get(end, _NONE):
            tail = mention_tail(name, qualifier, alias)
            rows[number].append(f"{letter}{row - first}{tail}")
    for piece, some in zip(pieces, rows, strict=True):
        piece.mentions = "\n".join(some[:MOST_OF_A_PIECE])


def _qualifier_and_alias(
    captures: dict[str, list[Node]], start: int, qualifier: str, source: bytes
) -> tuple[str, str]:
    """The qualifier and the alias of a name, from the other captures of the match."""
    if _BY_TEXT in captures:
        qualifier = qualifier_before(start, source)
    if qualifiers := captures.get("qualifier"):
        qualifier = qualifier_of(_end_of(qualifiers[0], source))
    if module := _module(captures, start, source):
        qualifier = module
    given = captures.get("alias")
    return qualifier, _text(given[0], source) if given else ""


def _sort_captures(
    matches: Iterable[Match], source: bytes
) -> tuple[list[_Found], list[_Aliased], list[_Star]]:
    """The captured names, each once and in order; types and values that apply to aliases; and the
    imports of a whole module.
    """
    by_end: dict[int, _Found] = {}
    said: list[_Aliased] = []
    stars: dict[int, _Star] = {}
    declared: set[int] = set()
    for _, captures in matches:
        size = len(captures)
        if size == 1:
            ((capture, nodes),) = captures.items()
            if ranked := _ALONE.get(capture):
                _add_names(by_end, ranked, nodes)
                continue
        if size == 2 and "value" in captures and "alias" in captures:  # many: every assignment
            alias = _text(captures["alias"][0], source)
            said += [(one.start_byte, one.end_byte, alias, True) for one in captures["value"]]
            continue
        if size > 1 and not _are_words(captures, source):
            continue
        for capture, nodes in captures.items():
            if capture in _RANKED:
                _add(by_end, capture, captures, source)
            elif capture == "declares":
                declared.update(node.end_byte for node in nodes)
            elif capture in ("annotation", "value"):
                alias = _alias_of(captures, source)
                is_value = capture == "value"
                said += [(one.start_byte, one.end_byte, alias, is_value) for one in nodes]
            elif capture == "namespace":
                star = _star(nodes[0], captures, source)
                stars[star.place] = star
            elif capture == "bare":
                star = _star(nodes[0], captures, source)
                stars.setdefault(star.place, star._replace(alias=NO_NAME))
    ordered = [by_end[end] for end in sorted(by_end.keys() - declared)]
    return ordered, said, [stars[place] for place in sorted(stars)]


def _add_names(by_end: dict[int, _Found], ranked: tuple[int, str], nodes: list[Node]) -> None:
    """Add names that are all that a match captures, as most are."""
    rank, letter = ranked
    for node in nodes:
        end = node.end_byte
        known = by_end.get(end)
        if known is None:
            by_end[end] = rank, node.start_byte, end, letter, None
        elif known[0] >= rank:
            start = node.start_byte
            if (rank, start) < known[:2]:
                by_end[end] = rank, start, end, letter, None


def _add(
    by_end: dict[int, _Found], capture: str, captures: dict[str, list[Node]], source: bytes
) -> None:
    """Add the names that one capture of a match has to those found so far, by their last byte."""
    rank, letter = _RANKED[capture]
    size = len(captures)
    rank -= size  # more specific than a pattern that captures only the name
    others = None if size == 1 and capture != _BY_TEXT else captures
    is_judged = capture in _JUDGED
    for node in captures[capture]:
        end = node.end_byte
        known = by_end.get(end)
        if known is not None and known[0] < rank:
            continue
        if is_judged and not _is_called(capture, node, source):
            continue
        start = node.start_byte if size == 1 else _start(node, captures)
        if known is None or (rank, start) < known[:2]:
            by_end[end] = rank, start, end, letter, others


def _star(node: Node, captures: dict[str, list[Node]], source: bytes) -> _Star:
    """The import of all of a module, and the variable that stands for it, if there is one."""
    alias = _text(node, source)
    modules = captures.get("module", [node])
    is_module = modules[0].start_byte == node.start_byte
    if is_module or not alias.isidentifier() or "sourcing" in captures:
        alias = ""
    module = _module(captures, node.start_byte, source)
    return _Star(modules[0].start_byte, node.end_point[0], module, alias)


def _module(captures: dict[str, list[Node]], end: int, source: bytes) -> str:
    """The module of an import whose imported name ends before a byte."""
    if modules := captures.get("module"):
        return _text(modules[0], source).strip(_QUOTES)
    if imports := captures.get("from"):
        start = imports[0].start_byte
        text = source[start : min(end, start + LONGEST_QUALIFIER)].decode("utf-8", "ignore")
        if match := _FROM.match(text):
            return match[1]
    return ""


def _are_words(captures: dict[str, list[Node]], source: bytes) -> bool:
    return captures.keys().isdisjoint(WORDS) or all(
        _text(nodes[0], source) in WORDS[capture]
        for capture, nodes in captures.items()
        if capture in WORDS
    )


def _is_called(capture: str, node: Node, source: bytes) -> bool:
    if capture == _BY_TEXT:
        after = source[node.end_byte : node.end_byte + 1]
        before = source[max(0, node.start_byte - 8) : node.start_byte].split()
        return after == b"(" and before[-1:] != [b"fn"]
    if capture == _COMPONENT:
        return source[node.start_byte : node.start_byte + 1].isupper()
    return capture != _FUNCTION or _text(node, source) not in DEFINING | SPECIAL


def _alias_of(captures: dict[str, list[Node]], source: bytes) -> str:
    if aliases := captures.get("alias"):
        return _text(aliases[0], source)
    if fields := captures.get("field"):
        return f"this.{_text(fields[0], source)}"
    return f"{_LAST.split(_text(captures['returns'][0], source))[-1]}()"


def _aliases(found: Iterable[_Found], said: Iterable[_Aliased]) -> dict[int, list[str]]:
    """The aliases of names, by the last byte of the name: of all types in an annotation, and of the
    head of a value.
    """
    aliases: dict[int, list[str]] = {}
    # Each as one number, by start and then the widest first: numbers are sorted faster than tuples.
    places = sorted([(start << _END_BITS) - end for _, start, end, _, _ in found])
    types = {end for _, _, end, letter, _ in found if letter == _TYPE}
    for start, end, alias, is_value in said:
        first = bisect_left(places, (start << _END_BITS) - _MOST_BYTES)
        for place in places[first : first + (1 if is_value else MOST_TYPES)]:
            place_end = -place & _MOST_BYTES
            if (place + place_end) >> _END_BITS >= end:
                break
            if is_value or place_end in types:
                given = aliases.setdefault(place_end, [])
                if len(given) < MOST_ALIASES and alias not in given:
                    given.append(alias)
    return aliases


@lru_cache(_MOST_TEXTS)
def _tail(letter: str, text: bytes) -> str:
    """The row of a mention after its line number, "" if there is no name worth a mention."""
    name, qualifier = _named(letter, text)
    return mention_tail(name, qualifier) if name else ""


empty_when_idle(_tail.cache_clear)


@lru_cache(_MOST_TEXTS)
def _named(letter: str, source: bytes) -> tuple[str, str]:
    """The last name in a part of the source, and its qualifier; ("", "") if none is worth a
    mention.
    """
    text = source.decode("utf-8", "ignore")
    if letter == _IMPORT:
        text = text.strip(_QUOTES)
    name, qualifier = text, ""
    if not text.isidentifier():
        before, _, name = text.rpartition(".")
        if name.isidentifier() and before.replace(".", "_").isidentifier():
            qualifier = before
        elif match := _NAME.search(text):
            name, qualifier = match[0], qualifier_of(text[: match.start()])
        else:
            return _NO_MENTION
    if len(name) > LONGEST_NAME or (letter == _TYPE and name in BUILT_IN):
        return _NO_MENTION
    return name, qualifier


empty_when_idle(_named.cache_clear)


def _start(node: Node, captures: dict[str, list[Node]]) -> int:
    qualifiers = captures.get("qualifier") if len(captures) > 1 else None
    return qualifiers[0].start_byte if qualifiers else node.start_byte


def _end_of(node: Node, source: bytes) -> str:
    end = node.end_byte
    return source[max(node.start_byte, end - LONGEST_QUALIFIER) : end].decode("utf-8", "ignore")


def _text(node: Node, source: bytes) -> str:
    start = node.start_byte
    text = source[start : min(node.end_byte, start + LONGEST_CHAIN)].decode("utf-8", "ignore")
    return text if text.isidentifier() else "".join(text.split())
