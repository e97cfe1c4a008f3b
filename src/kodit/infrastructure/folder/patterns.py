"""The patterns of `.gitignore`, as git itself reads them (gitignore(5), dir.c, wildmatch.c).

git matches bytes. Patterns and names are therefore handled as text in which each character
stands for one byte (`byte_text`), so that `?` and `[...]` mean the same here as there.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import lru_cache

_SPECIAL = frozenset("*?[\\")
_UTF8_BOM = b"\xef\xbb\xbf"
_ALL_BYTES = frozenset(range(256))


def byte_text(name: str) -> str:
    """`name` with one character per byte of its file-system encoding; ASCII stays as it is."""
    return name if name.isascii() else os.fsencode(name).decode("latin-1")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line of an ignore file.

    `text` has neither the leading `!` and `/` nor the trailing `/`. `whole_path` patterns contain
    a slash and are matched with the path relative to the ignore file's folder; all others with the
    last component alone.
    """

    text: str
    negated: bool
    directory_only: bool
    whole_path: bool

    @property
    def literal_prefix(self) -> str:
        """What comes before the first special character."""
        for position, character in enumerate(self.text):
            if character in _SPECIAL:
                return self.text[:position]
        return self.text

    @property
    def is_literal(self) -> bool:
        return len(self.literal_prefix) == len(self.text)

    @property
    def literal_suffix(self) -> str | None:
        """`.pyc` of `*.pyc`; None unless the pattern is one star and literal text."""
        if self.whole_path or not self.text.startswith("*"):
            return None
        rest = self.text[1:]
        return None if _SPECIAL.intersection(rest) else rest

    def matches(self, name: str, path: str, is_directory: bool) -> bool:
        """Whether the pattern speaks of the file; `name` and `path` are byte text."""
        if self.directory_only and not is_directory:
            return False
        candidate = path if self.whole_path else name
        if self.is_literal:
            return candidate == self.text
        expression = compiled(self.text, self.whole_path)
        return expression is not None and expression.match(candidate) is not None


def parse_patterns(content: bytes) -> tuple[Pattern, ...]:
    """The patterns of an ignore file, in the order of the file (the last match decides)."""
    patterns = []
    for raw in content.removeprefix(_UTF8_BOM).split(b"\n"):
        line = raw.removesuffix(b"\r").split(b"\0", 1)[0].decode("latin-1")
        if line.startswith("#"):
            continue
        pattern = _parse_line(_trim_trailing_spaces(line))
        if pattern is not None:
            patterns.append(pattern)
    return tuple(patterns)


def _trim_trailing_spaces(line: str) -> str:
    position = len(line)
    while position and line[position - 1] == " ":
        position -= 1
    backslashes = position - len(line[:position].rstrip("\\"))
    if backslashes % 2 and position < len(line):
        position += 1  # the first space is escaped and belongs to the pattern
    return line[:position]


def _parse_line(line: str) -> Pattern | None:
    negated = line.startswith("!")
    text = line[1:] if negated else line
    directory_only = text.endswith("/")
    if directory_only:
        text = text[:-1]
    whole_path = "/" in text
    text = text.removeprefix("/")
    if not text:
        return None
    return Pattern(text, negated, directory_only, whole_path)


@lru_cache(maxsize=16384)
def compiled(text: str, whole_path: bool) -> re.Pattern[str] | None:
    """A regular expression for the entire candidate; None if nothing can match."""
    source = expression_for(text, whole_path)
    return None if source is None else re.compile(rf"(?s:{source})\Z")


@lru_cache(maxsize=16384)
def expression_for(text: str, whole_path: bool) -> str | None:
    """Translate a pattern. Each star is an atomic group up to the next star: the leftmost match
    of what lies between is never worse than a later one, and a hostile pattern costs no more than
    its length times the name's."""
    tokens = _tokenise(text, whole_path)
    if tokens is None:
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


def _tokenise(text: str, whole_path: bool) -> list[str] | None:
    position = 0
    while position < len(text) and text[position] not in _SPECIAL:
        position += 1
    # git compares the literal prefix first and matches the rest on its own, so that `**` right
    # behind it counts as being at the start.
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
            bracket = _tokenise_bracket(text, position, whole_path)
            if bracket is None:
                return None
            token, position = bracket
            tokens.append(token)
        elif character == "\\":
            if position + 1 == len(text):
                return None
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


def _class_members(name: str) -> set[int] | None:
    ranges = _CLASSES.get(name)
    if ranges is None:
        return None
    members: set[int] = set()
    position = 0
    while position < len(ranges):
        first = last = ord(ranges[position])
        if ranges[position + 1 : position + 2] == "-" and position + 2 < len(ranges):
            last = ord(ranges[position + 2])
            position += 2
        members.update(range(first, last + 1))
        position += 1
    return members


def _tokenise_bracket(text: str, position: int, whole_path: bool) -> tuple[str, int] | None:
    """The expression for `[...]` and where it ends; None if it is malformed (matches nothing)."""
    position += 1
    negated = text[position : position + 1] in ("!", "^")
    if negated:
        position += 1
    members: set[int] = set()
    previous = ""
    first = True
    while first or text[position : position + 1] != "]":
        first = False
        character = text[position : position + 1]
        if not character:
            return None
        if character == "\\":
            position += 1
            character = text[position : position + 1]
            if not character:
                return None
            members.add(ord(character))
        elif character == "-" and previous and text[position + 1 : position + 2] not in ("", "]"):
            position += 1
            if text[position] == "\\":
                position += 1
                if position == len(text):
                    return None
            members.update(range(ord(previous), ord(text[position]) + 1))
            character = ""
        elif character == "[" and text[position + 1 : position + 2] == ":":
            end = text.find("]", position + 2)
            if end < 0:
                return None
            if end - 1 < position + 2 or text[end - 1] != ":":
                members.add(ord("["))
            else:
                named = _class_members(text[position + 2 : end - 1])
                if named is None:
                    return None
                members |= named
                position = end
                character = ""
        else:
            members.add(ord(character))
        previous = character
        position += 1
    chosen = (_ALL_BYTES - members) if negated else members
    if whole_path:
        chosen = chosen - {ord("/")}
    if not chosen:
        return "(?!)", position + 1
    return "[" + "".join(f"\\x{member:02x}" for member in sorted(chosen)) + "]", position + 1
