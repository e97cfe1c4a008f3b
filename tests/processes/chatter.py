"""Functions of the tests' child processes."""

from __future__ import annotations

from typing import Any


def chatter(times: int, *, report: Any) -> str:
    """Report this many times in a row."""
    for number in range(times):
        report(number, times)
    return "done"
