"""What a child process of the tests runs."""

from __future__ import annotations

from typing import Any


def chatter(times: int, *, report: Any) -> str:
    """Report so many times in a row."""
    for number in range(times):
        report(number, times)
    return "done"
