"""Lists cut to what one statement takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

VALUES_PER_STATEMENT = 500
"""SQLite built with the defaults of before 2020 refuses more than 999 values."""


def in_chunks(values: Sequence[T], size: int = VALUES_PER_STATEMENT) -> Iterator[Sequence[T]]:
    """Consecutive pieces of at most `size` values."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
