"""Divides SQL into statements and tokens, and walks over them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_TOKEN = re.compile(
    # What is not closed goes to the end, so that no text takes quadratic time.
    r"(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))|(?P<quoted>'(?:[^'\\]|''|\\.)*+(?:'|\Z))"
    r"|(?P<name>\"[^\"]*+(?:\"|\Z)|`[^`]*+(?:`|\Z)|\[[A-Za-z_][^\]\n]*+\])"
    r"|(?P<dollar>\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z))"
    r"|(?P<word>[\w$@#]+(?:\s*\.\s*(?=[\w\"`\[]))?)|(?P<sign>[^\s\w])|(?P<space>\s+)",
    re.DOTALL,
)

Tokens = list[tuple[str, int]]
"""The tokens of a statement, each with its line."""


def statements(text: str, line: int) -> Iterator[Tokens]:
    tokens: Tokens = []
    for match in _TOKEN.finditer(text):
        value = match[0]
        kind = match.lastgroup
        if kind not in {"comment", "space"}:
            if value == ";":
                yield tokens
                tokens = []
            elif kind == "word" and "." in value:
                tokens += [(value.rstrip(". \n\t"), line), (".", line)]
            else:
                tokens.append((value, line))
        line += value.count("\n")
    yield tokens


class Reader:
    """Walks over the tokens of a statement."""

    def __init__(self, tokens: Sequence[tuple[str, int]]) -> None:
        self.tokens = tokens
        self.at = 0

    @property
    def line(self) -> int:
        return self.tokens[min(self.at, len(self.tokens) - 1)][1] if self.tokens else 0

    def peek(self, ahead: int = 0) -> str:
        place = self.at + ahead
        return self.tokens[place][0].lower() if place < len(self.tokens) else ""

    def take(self, *words: str) -> bool:
        """Skip these words if they come next."""
        if all(self.peek(place) == word for place, word in enumerate(words)):
            self.at += len(words)
            return True
        return False

    def next(self) -> str:
        token = self.tokens[self.at][0] if self.at < len(self.tokens) else ""
        self.at += 1
        return token

    def name(self) -> str:
        """A name with its schema, without quotes."""
        name = unquoted(self.next())
        while self.peek() == "." and self.at + 1 < len(self.tokens):
            self.at += 1
            name = f"{name}.{unquoted(self.next())}"
        return name

    def bracketed(self) -> list[Tokens]:
        """The tokens between brackets, divided by commas; none if no bracket comes next."""
        if self.peek() != "(":
            return []
        self.at += 1
        parts: list[Tokens] = [[]]
        depth = 1
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            depth += (token[0] == "(") - (token[0] == ")")
            if not depth:
                break
            if token[0] == "," and depth == 1:
                parts.append([])
            else:
                parts[-1].append(token)
        return [part for part in parts if part]

    def rest(self) -> Tokens:
        return list(self.tokens[self.at :])


def unquoted(name: str) -> str:
    """A name without its quotes."""
    if len(name) > 1 and name[0] in '"`[':
        return name[1:-1]
    return name


_NO_SPACE_BEFORE = frozenset({"(", ")", ",", ".", "[", "]", ":"})


def text_of(tokens: Sequence[tuple[str, int]]) -> str:
    """Tokens as text, names without quotes."""
    text = ""
    for written, _ in tokens:
        token = unquoted(written) if written[:1] in '"`' else written
        is_close = token in _NO_SPACE_BEFORE or text.endswith(("(", ".", "[", ":"))
        text += token if is_close or not text else f" {token}"
    return text.replace(",", ", ").replace(",  ", ", ")
