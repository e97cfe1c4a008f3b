"""Tests for valid text, and prepares lines for display."""

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


def as_sentence(text: str) -> str:
    """The sentence of an error with a capital and a full stop. One that starts with an address or
    a name in code keeps it as it is, because it may be copied."""
    first, space, rest = text.partition(" ")
    is_word = first.isalpha() and first.islower()
    start = f"{first[:1].upper()}{first[1:]}" if is_word else first
    sentence = f"{start}{space}{rest}"
    return sentence if sentence.endswith("?") else f"{sentence.removesuffix('.')}."
