"""The text of an answer, which never grows beyond its budget."""

from __future__ import annotations

from kodit.domain.search import CHARACTERS_PER_TOKEN
from kodit.domain.text import LONGEST_LINE


class Sheet:
    """Lines of an answer. What is reserved stays free for what is known only at the end."""

    def __init__(self, budget: int) -> None:
        """`budget` is in tokens and holds for the whole text."""
        self._left = budget * CHARACTERS_PER_TOKEN
        self._reserved = 0
        self._lines: list[str] = []

    @property
    def left(self) -> int:
        """How many characters may still be added, the end of a line included."""
        return max(0, self._left - self._reserved)

    @property
    def has_lines(self) -> bool:
        """Whether anything has been added."""
        return bool(self._lines)

    def reserve(self, characters: int) -> None:
        """Keep room for a line to come."""
        self._reserved += characters + 1

    def release(self) -> None:
        """Give all reserved room free."""
        self._reserved = 0

    def fits(self, *lines: str) -> bool:
        """Whether all of the lines can still be added."""
        return sum(len(line) + 1 for line in lines) <= self.left

    def add(self, *lines: str) -> bool:
        """Add all of the lines, or none where they do not fit; says which."""
        if not self.fits(*lines):
            return False
        self._left -= sum(len(line) + 1 for line in lines)
        self._lines += lines
        return True

    def force(self, line: str) -> None:
        """Add as much of a line as there is room for."""
        if self.left > 1:
            self.add(shortened(line, self.left - 1))

    def __str__(self) -> str:
        # Bytes of a file that are no text would not survive the journey as JSON.
        return "\n".join(self._lines).encode("utf-8", "replace").decode("utf-8")


def shortened(text: str, longest: int) -> str:
    """At most so many characters, with `…` for what is left out."""
    return text if len(text) <= longest else f"{text[: max(0, longest - 1)]}…"


def one_line(text: str) -> str:
    """A name or sentence from elsewhere on one line, with control characters written out."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or "\ud800" <= character <= "\udfff"
        else character.encode("unicode_escape").decode()
        for character in text
    )


def code_lines(text: str) -> list[str]:
    """The lines of code to show: no blank ones at either end, and none longer than
    `LONGEST_LINE` characters."""
    lines = [line.rstrip().replace("\r", "") for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return [shortened(line, LONGEST_LINE) for line in lines]
