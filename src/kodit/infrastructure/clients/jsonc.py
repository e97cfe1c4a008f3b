"""JSON with comments and trailing commas, as editors write their settings: parsing it, and editing
one place without changing the rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from kodit.infrastructure.clients.edits import Edit, UneditableError, UnreadableError

_SPACE = re.compile(r"(?:[ \t\r\n\ufeff]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_SCALAR = re.compile(r"true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_SCALARS = {"true": True, "false": False, "null": None}


@dataclass(slots=True)
class Node:
    """A value with its position in the text, `end` exclusive."""

    start: int
    end: int
    value: Any
    members: list[Member] = field(default_factory=list)


@dataclass(slots=True)
class Member:
    """A key of an object with its value; `start` is where the key begins."""

    start: int
    key: str
    node: Node


def parse(text: str) -> Node:
    """The value of a text; for an empty text, an empty object at its end. Raises
    UnreadableError.
    """
    reader = _Reader(text)
    start = reader.skip(0)
    if start == len(text):
        return Node(start, start, {})
    try:
        node = reader.value(start)
    except RecursionError:
        raise UnreadableError("it is nested too deeply") from None
    if reader.skip(node.end) != len(text):
        raise reader.error(reader.skip(node.end), "there is text after the end")
    return node


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text

    def skip(self, at: int) -> int:
        """The position after white space and comments."""
        match = _SPACE.match(self._text, at)
        return at if match is None else match.end()

    def error(self, at: int, what: str) -> UnreadableError:
        line = self._text.count("\n", 0, at) + 1
        return UnreadableError(f"line {line}: {what}")

    def value(self, at: int) -> Node:
        character = self._text[at : at + 1]
        if character == "{":
            return self._object(at)
        if character == "[":
            return self._array(at)
        if character == '"':
            value, end = self._string(at)
            return Node(at, end, value)
        match = _SCALAR.match(self._text, at)
        if match is None:
            raise self.error(at, "a value is missing")
        word = match.group()
        return Node(at, match.end(), _SCALARS[word] if word in _SCALARS else json.loads(word))

    def _string(self, at: int) -> tuple[str, int]:
        match = _TEXT.match(self._text, at)
        if match is None:
            raise self.error(at, "a string is not closed")
        try:
            return str(json.loads(match.group())), match.end()
        except ValueError:
            raise self.error(at, "this is not a JSON string") from None

    def _object(self, at: int) -> Node:
        node = Node(at, at, {})
        here = self.skip(at + 1)
        while self._text[here : here + 1] != "}":
            if self._text[here : here + 1] != '"':
                raise self.error(here, "a name in quotes is missing")
            key, end = self._string(here)
            colon = self.skip(end)
            if self._text[colon : colon + 1] != ":":
                raise self.error(colon, "a colon is missing")
            value = self.value(self.skip(colon + 1))
            node.members.append(Member(here, key, value))
            node.value[key] = value.value
            here = self._past_comma(value.end, "}")
        node.end = here + 1
        return node

    def _array(self, at: int) -> Node:
        node = Node(at, at, [])
        here = self.skip(at + 1)
        while self._text[here : here + 1] != "]":
            value = self.value(here)
            node.value.append(value.value)
            here = self._past_comma(value.end, "]")
        node.end = here + 1
        return node

    def _past_comma(self, at: int, closing: str) -> int:
        here = self.skip(at)
        if self._text[here : here + 1] == ",":
            return self.skip(here + 1)
        if self._text[here : here + 1] != closing:
            raise self.error(here, f"a comma or {closing} is missing")
        return here


def find(text: str, keys: Sequence[str]) -> Any:
    """The value below these keys; None if there is none."""
    node: Node | None = parse(text)
    for key in keys:
        node = _member(node, key) if node is not None else None
    return None if node is None else node.value


def edits_to_set(text: str, keys: Sequence[str], value: Any) -> list[Edit]:
    """Edits that set the value below these keys. Raises UnreadableError, and UneditableError if
    something other than an object is in the way.
    """
    root = parse(text)
    if root.start == root.end:
        whole = json.dumps(_nested(keys, value), indent=2, ensure_ascii=False)
        gap = "\n" if text.strip("\ufeff") and not text.endswith("\n") else ""
        return [Edit(root.start, root.end, f"{gap}{whole}\n")]
    writer = _Writer(text, root)
    node = root
    for depth, key in enumerate(keys):
        if not isinstance(node.value, dict):
            where = ".".join(keys[:depth]) or "the content of the file"
            raise UneditableError(f"{where} is not a JSON object")
        inner = _member(node, key)
        if inner is None:
            return writer.insertion(node, key, _nested(keys[depth + 1 :], value))
        node = inner
    return [] if node.value == value else [writer.replacement(node, value)]


def edits_to_remove(text: str, keys: Sequence[str]) -> list[Edit]:
    """Edits that remove a value and its key from the text; none if it has none."""
    node = parse(text)
    for key in keys[:-1]:
        inner = _member(node, key)
        if inner is None:
            return []
        node = inner
    return _Writer(text, node).removal(node, keys[-1])


def _member(node: Node, key: str) -> Node | None:
    # Of several with one name, readers take the last.
    return next((one.node for one in reversed(node.members) if one.key == key), None)


def _nested(keys: Sequence[str], value: Any) -> Any:
    for key in reversed(keys):
        value = {key: value}
    return value


class _Writer:
    """Writes in the formatting of the surrounding text."""

    def __init__(self, text: str, root: Node) -> None:
        self._text = text
        self._newline = "\r\n" if "\r\n" in text else "\n"
        first = self._indentation(root.members[0].start) if root.members else None
        self._unit = first or "  "

    def replacement(self, node: Node, value: Any) -> Edit:
        return Edit(node.start, node.end, self._written(value, self._line_indentation(node.start)))

    def insertion(self, node: Node, key: str, value: Any) -> list[Edit]:
        """A new last member."""
        closing = node.end - 1
        content = len(self._text[:closing].rstrip())
        outer = self._line_indentation(node.start)
        if not node.members:
            inner = outer + self._unit
            member = self._member(key, value, inner)
            return [
                Edit(
                    content,
                    closing,
                    f"{self._newline}{inner}{member}{self._newline}{outer}",
                )
            ]
        last = node.members[-1].node.end
        comma = _Reader(self._text).skip(last)
        has_comma = self._text[comma] == ","
        if "\n" not in self._text[node.start : closing]:
            member = f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}"
            end = comma + 1 if has_comma else last
            if not has_comma:
                return [Edit(last, last, f", {member}")]
            return [Edit(end, end, f" {member},")]
        inner = self._indentation(node.members[-1].start) or outer + self._unit
        member = self._member(key, value, inner) + ("," if has_comma else "")
        tail = "" if "\n" in self._text[content:closing] else f"{self._newline}{outer}"
        place = max(content, comma + 1 if has_comma else last)
        written = f"{self._newline}{inner}{member}{tail}"
        if has_comma:
            return [Edit(place, place, written)]
        if place == last:
            return [Edit(last, last, f",{written}")]
        return [Edit(last, last, ","), Edit(place, place, written)]

    def removal(self, node: Node, key: str) -> list[Edit]:
        position = next((number for number, one in enumerate(node.members) if one.key == key), None)
        if position is None:
            return []
        member = node.members[position]
        start, end = member.start, member.node.end
        comma = _Reader(self._text).skip(end)
        edits = []
        if self._text[comma] == ",":
            end = comma + 1
        elif position:
            before = node.members[position - 1].node.end
            place = _Reader(self._text).skip(before)
            edits.append(Edit(place, place + 1, ""))
        line_start = self._text.rfind("\n", 0, start) + 1
        line_end = self._text.find("\n", end)
        if (
            not self._text[line_start:start].strip()
            and line_end >= 0
            and not self._text[end:line_end].strip()
        ):
            start, end = line_start, line_end + 1
        return [*edits, Edit(start, end, "")]

    def _member(self, key: str, value: Any, indentation: str) -> str:
        return f"{json.dumps(key, ensure_ascii=False)}: {self._written(value, indentation)}"

    def _written(self, value: Any, indentation: str) -> str:
        lines = json.dumps(value, indent=self._unit, ensure_ascii=False).split("\n")
        return f"{self._newline}{indentation}".join(lines)

    def _indentation(self, at: int) -> str | None:
        """The white space before a position on its line; None if there is anything else before
        it.
        """
        before = self._text[self._text.rfind("\n", 0, at) + 1 : at]
        return None if before.strip() or "\n" not in self._text[:at] else before

    def _line_indentation(self, at: int) -> str:
        line = self._text[self._text.rfind("\n", 0, at) + 1 : at]
        return line[: len(line) - len(line.lstrip())]
