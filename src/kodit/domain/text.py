"""Tests for valid text, and shortens lines for display."""

from __future__ import annotations


def is_text(text: str) -> bool:
    """Whether it can be encoded as UTF-8: Python represents undecodable bytes in file names and
    arguments as lone surrogates."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


LONGEST_LINE = 400
"""How many characters of a line are shown; of a longer one, those around the match."""


def cut_line(line: str, column: int = 1) -> str:
    """At most `LONGEST_LINE` characters of a line, those around `column`."""
    if len(line) <= LONGEST_LINE:
        return line
    start = max(0, min(column - 1 - LONGEST_LINE // 4, len(line) - LONGEST_LINE))
    end = start + LONGEST_LINE
    return ("…" if start else "") + line[start:end] + ("…" if end < len(line) else "")
