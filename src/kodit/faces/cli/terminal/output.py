"""Writes data to standard output, and messages to standard error."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from typing import Any, TextIO

_STEERING = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


_OPENINGS = frozenset("A An At Did It No Nothing One Several That The There This What".split())
"""Words that start sentences and are not names."""


class ReaderLeftError(Exception):
    """The reader of standard output has stopped reading, as in `| head`. Not an OSError, which
    typer would take for the end of the program."""


def print_json(view: Any) -> None:
    """A view as one JSON document."""
    print_as_it_is(json_text(view, indent=2))


def print_json_lines(views: Iterable[Any]) -> None:
    """Each view as JSON on a line of its own."""
    for view in views:
        print_as_it_is(json_text(view))


def json_text(view: Any, indent: int | None = None) -> str:
    """A view as JSON without terminal control: DEL, the controls beyond it, and characters that
    change the direction of text are escaped as well."""
    import json  # noqa: PLC0415 - not needed for help

    from kodit.application.views.serialization import to_json  # noqa: PLC0415 - likewise

    text = json.dumps(to_json(view), indent=indent, ensure_ascii=False)
    return _STEERING.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def print_line(text: str = "") -> None:
    """A line of data. Terminal control characters, and characters that cannot be encoded, are
    escaped, even if the code that builds the line has not escaped them."""
    print_as_it_is(printable(text, keep="\n\t"))


def print_as_it_is(text: str) -> None:
    """A line of data that contains no terminal control other than Kodit's own. Raises
    ReaderLeftError."""
    try:
        sys.stdout.write(_encodable(text, sys.stdout.encoding) + "\n")
    except BrokenPipeError:
        raise ReaderLeftError from None


def finish_output() -> None:
    """Flush the output. Raises ReaderLeftError."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise ReaderLeftError from None


def discard_output() -> None:
    """Discard further output after the reader has left, also at the end of the program, when Python
    would complain."""
    _discard(sys.stdout)


def _discard(stream: TextIO) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def say(text: str) -> None:
    """A message line, escaped like a data line. It is lost if nobody reads it: it is not the
    purpose of the command."""
    text = printable(text, keep="\n\t")
    try:
        sys.stderr.write(_encodable(text, sys.stderr.encoding) + "\n")
        sys.stderr.flush()
    except BrokenPipeError:
        _discard(sys.stderr)


def complain(sentence: str) -> None:
    """Print an error after the program's name: as a single sentence, it starts with a small letter
    and has no full stop."""
    say(f"kodit: {printable(as_complaint(sentence))}")


def as_complaint(sentence: str) -> str:
    """A sentence in the form that follows a colon. Names keep their capitals."""
    first, space, rest = sentence.partition(" ")
    if first in _OPENINGS:
        first = first.lower()
    whole = f"{first}{space}{rest}"
    return whole[:-1] if whole.endswith(".") and not whole.endswith("..") else whole


def _encodable(text: str, encoding: str | None) -> str:
    encoding = encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def printable(text: str, *, keep: str = "") -> str:
    """Text from a repository without terminal control: control characters (except those in `keep`)
    are shown as escapes."""
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
