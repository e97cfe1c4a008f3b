"""Descriptors of files: whether a process has any left."""

from __future__ import annotations

import os

ENOUGH = 4
"""An event loop takes three, a database two beside those that it has."""


def check_descriptors() -> None:
    """Raises OSError where a few more files cannot be opened. Some of those who need them leave
    something half-made behind, or do not say what was missing."""
    taken: list[int] = []
    try:
        for _ in range(ENOUGH):
            taken.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))  # noqa: PERF401 - kept
    finally:
        for descriptor in taken:
            os.close(descriptor)
