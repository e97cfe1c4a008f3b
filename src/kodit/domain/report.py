"""How work that takes long reports its progress."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[int, int | None], None]
"""Called with how much is done and the total, None while it is not known."""


def ignore_report(_done: int, _total: int | None) -> None:
    """The report of a caller who does not ask for progress."""
