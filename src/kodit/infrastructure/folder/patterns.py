"""The patterns of `.gitignore`, as git itself reads them (gitignore(5) and git's dir.c).

git matches bytes. Patterns and names are therefore handled as text in which each character
stands for one byte (`byte_text`), so that `?` and `[...]` mean the same here as there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from kodit.domain.errors import UserError
from kodit.infrastructure.folder.wildmatch import SPECIAL, compiled

_BACKWARDS = re.compile(r"(?<!\\)\[([^\]\\])-([^\]\\])\]")
"""A bracket that contains only one range."""
_UTF8_BOM = b"\xef\xbb\xbf"


def byte_text(name: str) -> str:
    """`name` with one character per byte of its file-system encoding; ASCII stays unchanged."""
    return name if name.isascii() else os.fsencode(name).decode("latin-1")


def as_text(name: str) -> str:
    """Byte text decoded for display."""
    return name if name.isascii() else name.encode("latin-1").decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line of an ignore file.

    `text` has neither the leading `!` and `/` nor the trailing `/`. `whole_path` patterns contain
    a slash and are matched with the path relative to the ignore file's folder; all others with the
    last component alone. `line` is its number in the file, from 1.
    """

    text: str
    negated: bool
    directory_only: bool
    whole_path: bool
    line: int = field(default=0, compare=False)

    @property
    def written(self) -> str:
        """The line in its canonical form."""
        text = as_text(self.text)
        anchor = "/" if self.whole_path and "/" not in text else ""
        return f"{'!' * self.negated}{anchor}{text}{'/' * self.directory_only}"

    @property
    def literal_prefix(self) -> str:
        """The text before the first special character."""
        for position, character in enumerate(self.text):
            if character in SPECIAL:
                return self.text[:position]
        return self.text

    @property
    def is_literal(self) -> bool:
        return len(self.literal_prefix) == len(self.text)

    @property
    def literal_suffix(self) -> str | None:
        """`.pyc` for `*.pyc`; None unless the pattern is one star and literal text."""
        if self.whole_path or not self.text.startswith("*"):
            return None
        rest = self.text[1:]
        return None if SPECIAL.intersection(rest) else rest

    def matches(self, name: str, path: str, is_directory: bool) -> bool:
        """Whether the pattern matches the file; `name` and `path` are byte text."""
        if self.directory_only and not is_directory:
            return False
        candidate = path if self.whole_path else name
        if self.is_literal:
            return candidate == self.text
        expression = compiled(self.text, self.whole_path)
        return expression is not None and expression.match(candidate) is not None


def parse_patterns(content: bytes) -> tuple[Pattern, ...]:
    """The patterns of an ignore file, in file order (the last match decides)."""
    patterns = []
    for number, raw in enumerate(content.removeprefix(_UTF8_BOM).split(b"\n"), 1):
        line = raw.removesuffix(b"\r").split(b"\0", 1)[0].decode("latin-1")
        if line.startswith("#"):
            continue
        pattern = _parse_line(_trim_trailing_spaces(line), number)
        if pattern is not None:
            patterns.append(pattern)
    return tuple(patterns)


def check_globs(what: str, globs: Sequence[str]) -> None:
    """Raises UserError, which names their purpose `what`, for globs that can match no file."""
    for glob in globs:
        mistake = mistake_of(glob)
        if mistake is not None:
            raise UserError(f"the {what} glob {glob!r} {mistake}", code="glob_invalid", glob=glob)
    if globs and all(glob.startswith("!") for glob in globs):
        raise UserError(
            f"the {what} glob {globs[0]!r} only negates an earlier {what} glob, but none comes "
            "before it",
            code="glob_invalid",
            glob=globs[0],
        )


def mistake_of(glob: str) -> str | None:
    """Why a glob can match no file, worded to follow the glob; None if it can."""
    if any(character < " " or character == "\x7f" for character in glob):
        return "holds a control character"
    if glob.startswith("#"):
        return "is a comment; write \\# for a name that starts with #"
    patterns = parse_patterns(os.fsencode(glob))
    if not patterns:
        return "is empty and matches no file"
    (pattern,) = patterns
    if (backwards := _BACKWARDS.search(pattern.text)) and backwards[1] > backwards[2]:
        return f"matches no file: {backwards[0]!r} is a range in reverse order"
    if pattern.is_literal or compiled(pattern.text, pattern.whole_path) is not None:
        return None
    return "matches no file: its bracket is not closed, or it ends in a backslash"


def _trim_trailing_spaces(line: str) -> str:
    position = len(line)
    while position and line[position - 1] == " ":
        position -= 1
    backslashes = position - len(line[:position].rstrip("\\"))
    if backslashes % 2 and position < len(line):
        position += 1  # the first space is escaped and belongs to the pattern
    return line[:position]


def _parse_line(line: str, number: int) -> Pattern | None:
    negated = line.startswith("!")
    return parse_pattern(line[1:] if negated else line, number, negated=negated)


def parse_pattern(text: str, number: int, *, negated: bool = False) -> Pattern | None:
    """The pattern of a line without its `!`; None if it can match nothing."""
    directory_only = text.endswith("/")
    if directory_only:
        text = text[:-1]
    whole_path = "/" in text
    text = text.removeprefix("/")
    if not text:
        return None
    return Pattern(text, negated, directory_only, whole_path, number)
