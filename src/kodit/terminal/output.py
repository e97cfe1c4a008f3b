"""Data to standard output, talk to standard error."""

from __future__ import annotations

import json
import sys
from typing import Any


def print_json(value: Any) -> None:
    """One JSON document."""
    print_line(json.dumps(value, indent=2, ensure_ascii=False))


def print_line(text: str = "") -> None:
    """A line of data. What the terminal cannot show is written as an escape."""
    stream = sys.stdout
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def say(text: str) -> None:
    """A line of talk."""
    encoding = sys.stderr.encoding or "utf-8"
    sys.stderr.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    sys.stderr.flush()


def printable(text: str, *, keep: str = "") -> str:
    """Text from a repository without what would steer the terminal: control characters (but for
    those in `keep`) are shown as escapes."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character in keep
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def is_interactive() -> bool:
    """Whether somebody looks at standard error."""
    return sys.stderr.isatty()
