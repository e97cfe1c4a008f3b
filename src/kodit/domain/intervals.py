"""Parses and formats the interval at which a server refreshes an index."""

from __future__ import annotations

import re
from typing import Literal

from kodit.domain.errors import UserError

SyncEvery = int | Literal["default"]
"""Seconds, 0 for never, or `default`: the server's own interval."""

SHORTEST_SYNC_EVERY = 60
LONGEST_SYNC_EVERY = 366 * 86_400

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_PART = re.compile(r"(\d{1,9})([smhd])")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def parse_sync_every(text: str) -> SyncEvery:
    """Parses `10m`, `1h30m`, `2d`, `600` (seconds), `never` or `default`. Raises UserError."""
    plain = text.strip().lower()
    if plain == "default":
        return "default"
    if plain == "never":
        return 0
    if plain.isdecimal() and plain.isascii() and len(plain) <= 9:
        seconds = int(plain)
    elif _WHOLE.fullmatch(plain):
        seconds = sum(int(count) * _SECONDS[unit] for count, unit in _PART.findall(plain))
    else:
        raise UserError(
            f"{text[:40]!r} is not a valid interval; write 10m, 1h30m or 2d, a number of "
            "seconds, never or default",
            code="sync_every_invalid",
            sync_every=text[:40],
        )
    return check_sync_every(seconds)


def check_sync_every(seconds: int) -> int:
    """Returns the number unchanged. Raises UserError if it is too small or too large."""
    if seconds and not SHORTEST_SYNC_EVERY <= seconds <= LONGEST_SYNC_EVERY:
        raise UserError(
            f"the interval of an index must be {SHORTEST_SYNC_EVERY} to {LONGEST_SYNC_EVERY} "
            f"seconds, or 0 for never, not {seconds}",
            code="sync_every_invalid",
            sync_every=seconds,
        )
    return seconds


def in_words(seconds: int) -> str:
    """`every 10 minutes`, `every hour`, `every 90 seconds` or `never`."""
    if seconds == 0:
        return "never"
    unit, size = next((unit, size) for unit, size in _UNITS if seconds % size == 0)
    count = seconds // size
    return f"every {unit}" if count == 1 else f"every {count} {unit}s"
