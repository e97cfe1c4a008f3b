"""What counts as text, and how much of a line is shown."""

from __future__ import annotations


def is_text(text: str) -> bool:
    """Whether it can be written as UTF-8: Python shows bytes that are no text as half of a
    surrogate pair, in file names and in arguments."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


LONGEST_LINE = 400
"""Characters of a line that are shown; of a longer one, those around the match."""


def cut_line(line: str, column: int = 1) -> str:
    """At most `LONGEST_LINE` characters of a line, those around `column`."""
    if len(line) <= LONGEST_LINE:
        return line
    start = max(0, min(column - 1 - LONGEST_LINE // 4, len(line) - LONGEST_LINE))
    end = start + LONGEST_LINE
    return ("…" if start else "") + line[start:end] + ("…" if end < len(line) else "")
