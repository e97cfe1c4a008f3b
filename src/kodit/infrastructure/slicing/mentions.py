"""Where a file uses names: what the patterns of `queries/mentions/` capture.

Captures are named by a `MentionKind` (the node is the name with what qualifies it), beside which
may stand `module` (what qualifies an imported name) and `alias` (see `Mention`).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from kodit.domain.mentions import Mention, MentionKind, encode_mentions
from kodit.infrastructure.slicing.pieces import Piece

if TYPE_CHECKING:
    from tree_sitter import Node

    from kodit.infrastructure.slicing.grammars import Match

LONGEST_NAME = 120
"""Characters of a name; what is longer is no name that somebody asks for."""

LONGEST_QUALIFIER = 120
"""Characters of what qualifies it; of more only the end is looked at."""

MOST_OF_A_PIECE = 2_000
"""Mentions that are kept of one piece: a table of a million names tells nothing by each."""

_KINDS = {
    kind.value: (2 * rank, kind)
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

_NAME = re.compile(r"(?:[^\W\d]|\$)[\w$]*[!?]?$")
_SEPARATOR = re.compile(r"\s*(?:\?\.|!!\.|::|->|\\|[.:#/])\s*$")
_CHAIN = re.compile(r"[\w$@.:\\>?#/-]+$")
_CALLED = re.compile(r"([\w$.:]+)\((?:[^()]|\([^()]*\))*\)$")
_WHITE_SPACE = re.compile(r"\s+")
_QUOTES = "\"'`<>"

_Found = tuple[int, MentionKind, "Node", dict[str, list["Node"]]]


def place_mentions(pieces: Sequence[Piece], matches: Iterable[Match], source: bytes) -> None:
    """Give each piece what is mentioned on its rows, in order."""
    found = _distinct(matches)
    starts = [piece.first for piece in pieces]
    by_piece: dict[int, list[Mention]] = {}
    for end in sorted(found):
        _, kind, node, captures = found[end]
        name, qualifier = _named(kind, node, source)
        if not name or len(name) > LONGEST_NAME:
            continue
        alias = ""
        if len(captures) > 1:
            if modules := captures.get("module"):
                qualifier = _text(modules[0], source).strip(_QUOTES)
            if aliases := captures.get("alias"):
                alias = _text(aliases[0], source)
        row = node.end_point[0]
        number = bisect_right(starts, row) - 1
        if number >= 0:
            mention = Mention(kind, name, row + 1, qualifier, alias)
            by_piece.setdefault(number, []).append(mention)
    for number, mentions in by_piece.items():
        piece = pieces[number]
        piece.mentions = encode_mentions(mentions[:MOST_OF_A_PIECE], piece.first + 1)


def _distinct(matches: Iterable[Match]) -> dict[int, _Found]:
    """What was captured, by the byte at which the name ends: once for each name."""
    found: dict[int, _Found] = {}
    for _, captures in matches:
        for capture, nodes in captures.items():
            ranked = _KINDS.get(capture)
            if ranked is None:
                continue
            rank, kind = ranked
            if len(captures) > 1:
                rank -= 1  # it says more than a pattern that captures the name alone
            for node in nodes:
                end = node.end_byte
                known = found.get(end)
                if known is None or rank < known[0]:
                    found[end] = rank, kind, node, captures
    return found


def _named(kind: MentionKind, node: Node, source: bytes) -> tuple[str, str]:
    """The name that a node ends with, and what qualifies it."""
    end = node.end_byte
    start = max(node.start_byte, end - LONGEST_NAME - LONGEST_QUALIFIER)
    text = source[start:end].decode("utf-8", "ignore")
    if text.isidentifier():
        return text, ""
    if kind is MentionKind.IMPORT:
        text = text.strip(_QUOTES)
        if text == "*":
            return text, ""
    before, _, name = text.rpartition(".")
    if name.isidentifier() and before.replace(".", "_").isidentifier():
        return name, before
    match = _NAME.search(text)
    return (match[0], _qualifier(text[: match.start()])) if match else ("", "")


def _qualifier(before: str) -> str:
    """What qualifies a name, of the text before it: a chain of names, `name()` for what a call
    returns, `?` for what else it is."""
    if not before:
        return ""
    before = _WHITE_SPACE.sub("", _SEPARATOR.sub("", before))
    if not before:
        return "."
    if before[-1] == ")":
        called = _CALLED.search(before)
        return f"{called[1]}()" if called else "?"
    chain = _CHAIN.search(before)
    return chain[0] if chain and chain.start() == 0 else "?"


def _text(node: Node, source: bytes) -> str:
    start = node.start_byte
    text = source[start : min(node.end_byte, start + LONGEST_QUALIFIER)].decode("utf-8", "ignore")
    return text if text.isidentifier() else _WHITE_SPACE.sub("", text)
