"""The text of an answer, which never exceeds its budget."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress

from kodit.domain.search import CHARACTERS_PER_TOKEN
from kodit.domain.text import LONGEST_LINE

_BACKTICKS = re.compile("`+")
TITLES_OF_USES = {
    "call": "Called in:",
    "import": "Imported in:",
    "inherits": "Inherited or implemented in:",
    "type": "Used as a type in:",
    "write": "Written in:",
    "read": "Read in:",
    "text": "Mentioned in:",
}
TITLE_OF_CALLEES = "Calls:"

_TITLES = "|".join([*TITLES_OF_USES.values(), TITLE_OF_CALLEES])
_LIKE_OWN = re.compile(rf"\S.*:\d+-\d+|—|…|More:|{_TITLES}|```")
"""Lines that look like the answer's own: the place of a result, the standing, the cursor, and the
titles of parts."""
_PLAIN_PATH = re.compile(r"[\w./@~+(\[{$][\w./@~+()\[\]{}$#%&,=!^'-]*")
_NUMBERED = re.compile(r"\d+[-:]")
_LINE_ENDS = {
    ord(end): end.encode("unicode_escape").decode() for end in "\n\v\f\x1c\x1d\x1e\x85\u2028\u2029"
}


class Sheet:
    """The lines of an answer. Reserved space is kept for lines that are known only at the end."""

    def __init__(self, budget: int) -> None:
        """`budget` is in tokens and holds for the whole text."""
        self._left = budget * CHARACTERS_PER_TOKEN
        self._reserved = 0
        self._lines: list[str] = []

    @property
    def left(self) -> int:
        """How many characters may still be added, including the end of a line."""
        return max(0, self._left - self._reserved)

    @property
    def has_lines(self) -> bool:
        """Whether anything has been added."""
        return bool(self._lines)

    def reserve(self, characters: int) -> None:
        """Keep space for a later line."""
        self._reserved += characters + 1

    def release(self) -> None:
        """Free all reserved space."""
        self._reserved = 0

    def fits(self, *lines: str) -> bool:
        """Whether all of the lines can still be added."""
        return sum(len(line) + 1 for line in lines) <= self.left

    def add(self, *lines: str) -> bool:
        """Add all of the lines, or none if they do not fit; returns whether they were added."""
        if not self.fits(*lines):
            return False
        self._left -= sum(len(line) + 1 for line in lines)
        self._lines += lines
        return True

    def force(self, line: str) -> None:
        """Add as much of a line as fits."""
        if self.left > 1:
            self.add(shortened(line, self.left - 1))

    def __str__(self) -> str:
        # Undecodable bytes of a file cannot be sent as JSON.
        return "\n".join(self._lines).encode("utf-8", "replace").decode("utf-8")


def shortened(text: str, longest: int) -> str:
    """At most this many characters, with `…` for the part that is left out."""
    return text if len(text) <= longest else f"{text[: max(0, longest - 1)]}…"


def one_line(text: str) -> str:
    """An external name or sentence on one line, with control characters escaped."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or "\ud800" <= character <= "\udfff"
        else character.encode("unicode_escape").decode()
        for character in text
    )


def shown_path(path: str) -> str:
    """A path unchanged, or quoted as in JSON if it could be mistaken for more than a path: for a
    line number and text, say, or for a sentence."""
    if _PLAIN_PATH.fullmatch(path) and not _NUMBERED.match(path):
        return path
    return json.dumps(path, ensure_ascii=not path.isprintable())


def parse_shown_path(shown: str) -> str:
    """The inverse of `shown_path`."""
    if len(shown) > 1 and shown[0] == shown[-1] == '"':
        with suppress(ValueError):
            path = json.loads(shown)
            if isinstance(path, str):
                return path
    return shown


def code_lines(text: str) -> list[str]:
    """The lines of code to show: without blank lines at the end, and none longer than
    `LONGEST_LINE` characters."""
    lines = [code_line(line) for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return [shortened(line, LONGEST_LINE) for line in lines]


def code_line(line: str) -> str:
    """A line of code without characters that other programs than Python take for a line end."""
    line = line.rstrip().replace("\r", "")
    return line if line.isascii() and line.isprintable() else line.translate(_LINE_ENDS)


def fenced(lines: Sequence[str]) -> list[str]:
    """Lines of a repository between two fences of backticks, longer than any run of backticks in
    them: whatever the lines say, they cannot be mistaken for the answer's own."""
    longest = max((len(run) for line in lines for run in _BACKTICKS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence, *lines, fence]


def kept_apart(lines: Iterable[str]) -> list[str]:
    """A few lines of a repository without a fence: a line that could be mistaken for one of the
    answer's own starts with a tab, as none of those does."""
    return [f"\t{line}" if _LIKE_OWN.match(line) else line for line in lines]
