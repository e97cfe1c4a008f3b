"""The terminal of standard output: its size, and whether output is coloured and paged."""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import dataclass
from enum import StrEnum

SMALLEST = 20
"""Columns; a terminal that reports fewer reports nothing useful."""

_LEAST_ROOM = 8
"""Columns for the text after a path, however long the path is."""

_STYLE = re.compile(r"\x1b\[[0-9;]*m")


class Color(StrEnum):
    """When output is coloured."""

    AUTO = "auto"
    """On a terminal, unless NO_COLOR is set, and wherever FORCE_COLOR is."""
    ALWAYS = "always"
    NEVER = "never"


@dataclass(slots=True)
class _Options:
    color: Color = Color.AUTO
    pager: bool = True


_options = _Options()
"""The options of the one command that this process runs."""


def configure(color: Color = Color.AUTO, *, pager: bool = True) -> None:
    """Set the colour and pager options of the command line."""
    _options.color, _options.pager = color, pager


def is_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout.isatty()


def may_page() -> bool:
    """Whether output that is longer than the screen goes through a pager."""
    return _options.pager and is_terminal() and os.environ.get("TERM") != "dumb"


def has_color(stream_is_terminal: bool | None = None) -> bool:
    """Whether to write colours: to standard output, or to a stream that is a terminal or not."""
    if _options.color is not Color.AUTO:
        return _options.color is Color.ALWAYS
    if os.environ.get("NO_COLOR"):
        return False
    forced = os.environ.get("FORCE_COLOR")
    if forced:
        return forced.lower() not in ("0", "false")
    if os.environ.get("TERM") == "dumb":
        return False
    return is_terminal() if stream_is_terminal is None else stream_is_terminal


def size() -> tuple[int, int]:
    """Columns and rows."""
    columns, rows = shutil.get_terminal_size((80, 24))
    return max(columns, SMALLEST), rows


def rows_of(line: str, columns: int) -> int:
    """How many rows a line takes, ignoring colours."""
    return max(1, -(-len(_STYLE.sub("", line)) // columns))


def room_beside(*parts: str) -> int | None:
    """How many columns of a terminal row are left beside plain texts, at least a few; None if
    standard output is not a terminal, so that there is no limit."""
    if not is_terminal():
        return None
    return max(size()[0] - sum(map(len, parts)), _LEAST_ROOM)


def cut(text: str, room: int | None) -> str:
    """A plain text, cut to this many columns."""
    return text if room is None or len(text) <= room else f"{text[: room - 1]}…"
