"""Checking whether a process has file descriptors left."""

from __future__ import annotations

import os

NEEDED = 4
"""An event loop takes three, a database two more than it has."""


def check_descriptors() -> None:
    """Raises OSError if a few more files cannot be opened. Some libraries leave an object half-made
    when they run out, or do not report the reason.
    """
    taken: list[int] = []
    try:
        for _ in range(NEEDED):
            taken.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))  # noqa: PERF401 - kept
    finally:
        for descriptor in taken:
            os.close(descriptor)
