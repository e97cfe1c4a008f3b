"""Progress reports that nobody asked for."""

from __future__ import annotations


def ignore_report(_done: int, _total: int | None) -> None:
    """The report of a caller who does not ask for progress."""
