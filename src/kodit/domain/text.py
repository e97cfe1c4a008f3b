"""What counts as text."""

from __future__ import annotations


def is_text(text: str) -> bool:
    """Whether it can be written as UTF-8: Python shows bytes that are no text as half of a
    surrogate pair, in file names and in arguments."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
