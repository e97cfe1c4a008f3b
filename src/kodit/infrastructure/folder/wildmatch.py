"""Patterns with `*`, `**`, `?` and `[...]` as regular expressions, as in git's wildmatch.c.

Each character of the text stands for one byte. In a pattern matched against a whole path no
wildcard crosses a slash, except `**` between slashes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import groupby

SPECIAL = frozenset("*?[\\")
"""Characters that make a pattern more than literal text."""

_ALL_BYTES = frozenset(range(256))


@lru_cache(maxsize=16384)
def compiled(text: str, whole_path: bool) -> re.Pattern[str] | None:
    """A regular expression for the entire candidate; None if nothing can match."""
    source = expression_for(text, whole_path)
    return None if source is None else re.compile(rf"(?s:{source})\Z")


@lru_cache(maxsize=16384)
def expression_for(text: str, whole_path: bool) -> str | None:
    """Translate a pattern; None if nothing can match. Each star becomes an atomic group up to the
    next star: the leftmost match of the text between is never worse than a later one, so that the
    time for a hostile pattern is bounded by its length times that of the name.
    """
    try:
        tokens = _tokenise(text, whole_path)
    except _MalformedError:
        return None
    segments: list[list[str]] = [[]]  # between two `**/`
    opened_by: list[str] = [""]
    for token in tokens:
        if token in (_DIRECTORIES, _SOME_DIRECTORIES):
            opened_by.append(token)
            segments.append([])
        else:
            segments[-1].append(token)
    last = len(segments) - 1
    source = ""
    for number, (opener, segment) in enumerate(zip(opened_by, segments, strict=True)):
        body = opener + _join_stars(segment, whole_path, is_last=number == last)
        source += body if number == last or not opener else f"(?>{body})"
    return source


_STAR = "*"
_DIRECTORIES = "(?:[^/]*/)*?"
_SOME_DIRECTORIES = "(?:[^/]*/)+?"
_EVERYTHING = ".*"


def _join_stars(tokens: list[str], whole_path: bool, *, is_last: bool) -> str:
    any_character = "[^/]" if whole_path else "."
    runs: list[list[str]] = [[]]
    for token in tokens:
        if token == _STAR:
            runs.append([])
        else:
            runs[-1].append(token)
    source = "".join(runs[0])
    for number, run in enumerate(runs[1:], start=1):
        if is_last and number == len(runs) - 1:
            source += f"{any_character}*{''.join(run)}"
        else:
            source += f"(?>{any_character}*?{''.join(run)})"
    return source


def _tokenise(text: str, whole_path: bool) -> list[str]:
    position = 0
    while position < len(text) and text[position] not in SPECIAL:
        position += 1
    # git compares the literal prefix first and matches the rest separately, so that `**` right
    # after it counts as being at the start.
    tokens = [re.escape(text[:position])] if position else []
    start = position
    any_one = "[^/]" if whole_path else "."
    while position < len(text):
        character = text[position]
        if character == "*":
            position = _tokenise_stars(text, position, start, whole_path, tokens)
        elif character == "?":
            tokens.append(any_one)
            position += 1
        elif character == "[":
            token, position = _tokenise_bracket(text, position, whole_path)
            tokens.append(token)
        elif character == "\\":
            if position + 1 == len(text):
                raise _MalformedError
            tokens.append(re.escape(text[position + 1]))
            position += 2
        else:
            tokens.append(re.escape(character))
            position += 1
    return tokens


def _tokenise_stars(
    text: str, position: int, start: int, whole_path: bool, tokens: list[str]
) -> int:
    end = position
    while end < len(text) and text[end] == "*":
        end += 1
    rest = text[end:]
    bounded_left = position == start or text[position - 1] == "/"
    if not whole_path or end - position == 1 or not bounded_left:
        tokens.append(_STAR)
    elif not rest:
        tokens.append(_EVERYTHING)
    elif rest.startswith("/"):
        tokens.append(_DIRECTORIES)
        return end + 1
    elif rest.startswith("\\/"):
        tokens.append(_SOME_DIRECTORIES)
        return end + 2
    else:
        tokens.append(_STAR)
    return end


_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": " \t",
    "cntrl": "\0-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@[-`{-~",
    "space": " \t-\r",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}


class _MalformedError(Exception):
    """Unclosed brackets or an unknown class; in git such a pattern matches nothing."""


class _Bracket:
    """The text between `[` and `]`, read from `position` on."""

    def __init__(self, text: str, position: int) -> None:
        self._text = text
        self.position = position
        self.members: set[int] = set()

    def read(self) -> None:
        """Fill `members` and leave `position` after the closing bracket."""
        negated = self._text[self.position : self.position + 1] in ("!", "^")
        self.position += negated
        previous = self._read_member("")
        while self._text[self.position : self.position + 1] != "]":
            previous = self._read_member(previous)
        self.position += 1
        if negated:
            self.members = set(_ALL_BYTES - self.members)

    def _next(self) -> str:
        if self.position == len(self._text):
            raise _MalformedError
        self.position += 1
        return self._text[self.position - 1]

    def _read_member(self, previous: str) -> str:
        """Read one member; returns the character that a range may begin with, or an empty
        string.
        """
        character = self._next()
        following = self._text[self.position : self.position + 1]
        if character == "-" and previous and following not in ("", "]"):
            last = self._next()
            if last == "\\":
                last = self._next()
            self.members.update(range(ord(previous), ord(last) + 1))
            return ""
        if character == "[" and following == ":":
            return self._read_class()
        if character == "\\":
            character = self._next()
        self.members.add(ord(character))
        return character

    def _read_class(self) -> str:
        end = self._text.find("]", self.position + 1)
        if end < 0:
            raise _MalformedError
        if end == self.position + 1 or self._text[end - 1] != ":":
            self.members.add(ord("["))
            return "["
        ranges = _CLASSES.get(self._text[self.position + 1 : end - 1])
        if ranges is None:
            raise _MalformedError
        self.members |= {byte for byte in _ALL_BYTES if re.match(f"[{ranges}]", chr(byte))}
        self.position = end + 1
        return ""


def _tokenise_bracket(text: str, position: int, whole_path: bool) -> tuple[str, int]:
    """The expression for the brackets that open at `position`, and the position after them."""
    bracket = _Bracket(text, position + 1)
    bracket.read()
    members = bracket.members - {ord("/")} if whole_path else bracket.members
    if not members:
        return "(?!)", bracket.position
    # As ranges: compiling a pattern full of brackets byte by byte would take a second.
    runs = groupby(enumerate(sorted(members)), lambda numbered: numbered[1] - numbered[0])
    escaped = ""
    for _, run in runs:
        first, *others = [member for _, member in run]
        escaped += f"\\x{first:02x}" + (f"-\\x{others[-1]:02x}" if others else "")
    return f"[{escaped}]", bracket.position
