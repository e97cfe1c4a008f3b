"""The names of what a file defines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kodit.infrastructure.slicing.limits import NAME_CHARACTERS

if TYPE_CHECKING:
    from tree_sitter import Node

_WHITE_SPACE = re.compile(r"\s+")
_TYPE_ARGUMENTS = re.compile(r"<[^<>]*>")
_SEPARATORS = re.compile(r"::|[.:#\\]")
_OPERATOR = re.compile(r"\boperator\b")
_QUOTES = "\"'`"


def node_text(node: Node, source: bytes) -> str:
    """What stands at a node, white space as single spaces, cut to `NAME_CHARACTERS`."""
    end = min(node.end_byte, node.start_byte + 4 * NAME_CHARACTERS)
    text = source[node.start_byte : end].decode("utf-8", "ignore")
    return _WHITE_SPACE.sub(" ", text).strip()[:NAME_CHARACTERS]


def split_name(text: str) -> tuple[list[str], str]:
    """The qualifiers of a name and the name: `([a, B], c)` of `a.B::c`.

    Type arguments are left out. An operator, as C++ and Ruby define them, is a name as it is, and
    so is the call of a macro.
    """
    if text.isidentifier():
        return [], text
    text = text.strip(_QUOTES)
    if not any(character.isalnum() for character in text) or text.endswith(")"):
        return [], text
    operator = _OPERATOR.search(text)
    head, tail = (text[: operator.start()], text[operator.start() :]) if operator else (text, "")
    while (shorter := _TYPE_ARGUMENTS.sub("", head)) != head:
        head = shorter
    parts = [part for part in map(str.strip, _SEPARATORS.split(head)) if part]
    if tail:
        return parts, tail
    return (parts[:-1], parts[-1]) if parts else ([], text)


def qualifies_method(text: str) -> bool:
    """Whether a qualified name is that of a member (`Type::name`, `Type:name`) and not that of a
    function kept in a table or module (`module.name`)."""
    return ":" in text
