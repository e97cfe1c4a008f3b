"""Data to standard output, talk to standard error."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from typing import Any, TextIO

_STEERING = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


_OPENINGS = frozenset("A An At Did It No Nothing One Several That The There This What".split())
"""Words with which sentences begin, and no names."""


class ReaderLeftError(Exception):
    """Nobody reads standard output any more, as behind `| head`. It is no OSError, which typer
    would take for the end of the program."""


def print_json(view: Any) -> None:
    """A view as one JSON document."""
    print_as_it_is(json_text(view, indent=2))


def print_json_lines(views: Iterable[Any]) -> None:
    """Each view as JSON on a line of its own."""
    for view in views:
        print_as_it_is(json_text(view))


def json_text(view: Any, indent: int | None = None) -> str:
    """A view as JSON in which nothing steers the terminal: DEL, the controls beyond it, and what
    turns the direction of text are escapes as well."""
    import json  # noqa: PLC0415 - help is shown without

    from kodit.application.views.serialization import to_json  # noqa: PLC0415 - likewise

    text = json.dumps(to_json(view), indent=indent, ensure_ascii=False)
    return _STEERING.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def print_line(text: str = "") -> None:
    """A line of data. What would steer the terminal, or cannot be shown, is written as an escape,
    even if the code that builds the line has not escaped it."""
    print_as_it_is(printable(text, keep="\n\t"))


def print_as_it_is(text: str) -> None:
    """A line of data in which nothing steers the terminal but what Kodit has put there. Raises
    ReaderLeftError."""
    try:
        sys.stdout.write(_encodable(text, sys.stdout.encoding) + "\n")
    except BrokenPipeError:
        raise ReaderLeftError from None


def finish_output() -> None:
    """Write what has been printed so far. Raises ReaderLeftError."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise ReaderLeftError from None


def discard_output() -> None:
    """Let nothing more be written where nobody reads: not at the end of the program either, when
    Python would complain."""
    _discard(sys.stdout)


def _discard(stream: TextIO) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def say(text: str) -> None:
    """A line of talk, likewise escaped. Where nobody reads it, it is lost: it is not what the
    command is for."""
    text = printable(text, keep="\n\t")
    try:
        sys.stderr.write(_encodable(text, sys.stderr.encoding) + "\n")
        sys.stderr.flush()
    except BrokenPipeError:
        _discard(sys.stderr)


def complain(sentence: str) -> None:
    """Say what is wrong, behind the program's name: so one sentence begins with a small letter and
    has no full stop."""
    say(f"kodit: {printable(as_complaint(sentence))}")


def as_complaint(sentence: str) -> str:
    """A sentence as it follows a colon. Names keep their capitals."""
    first, space, rest = sentence.partition(" ")
    if first in _OPENINGS:
        first = first.lower()
    whole = f"{first}{space}{rest}"
    return whole[:-1] if whole.endswith(".") and not whole.endswith("..") else whole


def _encodable(text: str, encoding: str | None) -> str:
    encoding = encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


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
    """Whether standard error is a terminal."""
    return sys.stderr.isatty()
