"""Bytes of a file as lines of text."""

from __future__ import annotations

import codecs

_UTF16_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decode(data: bytes) -> str | None:
    """The text of `data` with `\\n` as the only line end, or None when it is binary.

    UTF-8 (a byte order mark is dropped), UTF-16 with a byte order mark, and Latin-1 for what is
    neither, as every byte is a character there. A file with a NUL character is binary, the rule
    that git and grep use; so is one of which a tenth is control characters.
    """
    text = _decode(data)
    if text is None or "\0" in text:
        return None
    if "\r" in text:
        text = text.replace("\r\n", "\n")
        if "\n" not in text:
            text = text.replace("\r", "\n")
    return text


def _decode(data: bytes) -> str | None:
    if data.startswith(_UTF16_BOMS):
        return data.decode("utf-16", "replace")
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None if _is_binary(data) else data.decode("latin-1")


_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\v\x1b"))


def _is_binary(data: bytes) -> bool:
    controls = len(data) - len(data.translate(None, _CONTROLS))
    return controls * 10 > len(data)


def is_blank(line: str) -> bool:
    """Whether a line holds nothing but white space."""
    return not line or line.isspace()
