"""Splitting lists into chunks that one statement accepts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

VALUES_PER_STATEMENT = 500
"""SQLite built with the defaults from before 2020 rejects more than 999 values."""


def in_chunks(values: Sequence[T], size: int = VALUES_PER_STATEMENT) -> Iterator[Sequence[T]]:
    """Consecutive chunks of at most `size` values."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
