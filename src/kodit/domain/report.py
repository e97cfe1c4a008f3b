"""How a long operation reports its progress."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[int, int | None], None]
"""Called with the amount done and the total, None if it is not known."""


def ignore_report(_done: int, _total: int | None) -> None:
    """The report of a caller who does not ask for progress."""
