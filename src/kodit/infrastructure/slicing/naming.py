"""The names of definitions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kodit.infrastructure.slicing.limits import NAME_CHARACTERS

if TYPE_CHECKING:
    from tree_sitter import Node

_WHITE_SPACE = re.compile(r"\s+")
_TYPE_ARGUMENTS = re.compile(r"<[^<>]*>")
_SEPARATORS = re.compile(r"::|[.:#\\]|\[(?=[\"'])")
_OPERATOR = re.compile(r"\boperator\b")
_CONVERSION = re.compile(r"\boperator [\w:]")
_SPACED_OPERATOR = re.compile(r"\boperator\s+(?=[^\w\s])")
_OPERATOR_IN_BRACKETS = re.compile(r"(?:([\w.]+)\.:)?\(\s*([^\w\s()\[\]]+)\s*\)")
"""An operator as Haskell, OCaml and Julia write it where it is not infix."""
_DECLARED = frozenset({"identifier", "field_identifier", "type_identifier", "qualified_identifier"})
_DECLARED_FUNCTIONS = _DECLARED | {"operator_name", "destructor_name", "template_function"}
_WRAPPERS = frozenset({"parenthesized_declarator", "reference_declarator", "attributed_declarator"})
_DEEPEST_DECLARATOR = 32
_QUOTES = "\"'`"
_SURROUNDING = f"{_QUOTES}[] \t"
"""Characters that may surround a part of a name."""


def node_text(node: Node, source: bytes) -> str:
    """The text of a node, white space collapsed to single spaces, cut to `NAME_CHARACTERS`."""
    end = min(node.end_byte, node.start_byte + 4 * NAME_CHARACTERS)
    text = source[node.start_byte : end].decode("utf-8", "ignore")
    if text.isidentifier():
        return text[:NAME_CHARACTERS]
    return _WHITE_SPACE.sub(" ", text).strip()[:NAME_CHARACTERS]


def declared_name(declarator: Node) -> tuple[Node | None, bool]:
    """The name in a C declarator, however deeply nested (`(*names[3])(void)`), or None, and whether
    it names a function.
    """
    node = declarator
    if node.type == "operator_cast":
        return node, True
    is_function = False
    for _ in range(_DEEPEST_DECLARATOR):
        if node.type == "parenthesized_declarator":
            is_function = False
        elif node.type == "function_declarator":
            is_function = True
        inner = node.child_by_field_name("declarator")
        if inner is None and node.type in _WRAPPERS:
            inner = next((child for child in node.named_children if _is_declarator(child)), None)
        if inner is None:
            break
        node = inner
    if node.type not in (_DECLARED_FUNCTIONS if is_function else _DECLARED):
        return None, is_function
    following = node.next_sibling
    if node.type == "qualified_identifier" and following is not None and following.is_error:
        # A macro in front was parsed as the type, and the type as the name.
        return next(iter(following.named_children), node), is_function
    return node, is_function


def without_type(name: str) -> str:
    """The declared name, where a declarator's text begins with the type: `std::atomic<A> a`."""
    if " " not in name or _OPERATOR.search(name):
        return name
    while (shorter := _TYPE_ARGUMENTS.sub("", name)) != name:
        name = shorter
    return name.rpartition(" ")[2].lstrip("*&") or name


def without_type_arguments(name: str) -> str:
    """A name before its type arguments, which may continue beyond the longest name."""
    while (shorter := _TYPE_ARGUMENTS.sub("", name)) != name:
        name = shorter
    return name.partition("<")[0]


def _is_declarator(node: Node) -> bool:
    return node.type.endswith("declarator") or node.type in _DECLARED


def split_name(text: str) -> tuple[list[str], str]:
    """The qualifiers of a name and the name: `([a, B], c)` for `a.B::c`.

    Type arguments are dropped. An operator, as C++ and Ruby define them, is kept whole, and so is a
    macro call.
    """
    if text.isidentifier():
        return [], text
    text = text.strip(_QUOTES)
    text = _SPACED_OPERATOR.sub("operator", text)
    if in_brackets := _OPERATOR_IN_BRACKETS.fullmatch(text):
        return [part for part in (in_brackets[1],) if part], in_brackets[2]
    if _CONVERSION.search(text) and "()" in text:
        text = text[: text.rindex("()")]
    if text.startswith("/"):
        return [], text
    if not any(character.isalnum() for character in text) or text.endswith(")"):
        return [], text
    operator = _OPERATOR.search(text)
    head, tail = (text[: operator.start()], text[operator.start() :]) if operator else (text, "")
    head = without_type_arguments(head)
    parts = [part for one in _SEPARATORS.split(head) if (part := one.strip(_SURROUNDING))]
    if tail:
        return parts, tail
    return (parts[:-1], parts[-1]) if parts else ([], text)


def qualifies_method(text: str) -> bool:
    """Whether a qualified name is that of a member (`Type::name`, `Type:name`) and not of a
    function in a table or module (`module.name`).
    """
    return ":" in text
