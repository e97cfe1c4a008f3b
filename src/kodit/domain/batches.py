"""Size limits of a batch and of a write transaction.

A writer blocks all other writers, so a transaction should take a few tens of milliseconds, and the
memory of a process must stay bounded. Both depend on rows and bytes, never on the number of files
alone. A single item over a limit makes a batch of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Weight(NamedTuple):
    """What an item adds to a batch: database rows, and bytes of text or of vectors."""

    rows: int
    size: int = 0


MOST_PER_TRANSACTION = Weight(rows=512, size=2_000_000)
"""About 15 ms of CPU time: a snippet with its log entries and pending stages takes 25 µs, twice
that on a busy machine."""

MOST_PER_READ = Weight(rows=2048, size=4_000_000)
"""The most that is read for one batch, or that a child process returns at once."""


def size_of(text: str) -> int:
    """The size of a text in UTF-8, in bytes."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def first_batch(items: Iterable[T], most: Weight, weigh: Callable[[T], Weight]) -> list[T]:
    """The first items that together weigh no more than `most`, and at least one. Takes at most one
    more item from an iterator."""
    return next(in_batches(items, most, weigh), [])


def in_batches(items: Iterable[T], most: Weight, weigh: Callable[[T], Weight]) -> Iterator[list[T]]:
    """All items in order, split into such batches."""
    batch: list[T] = []
    rows = size = 0
    for item in items:
        weight = weigh(item)
        if batch and (rows + weight.rows > most.rows or size + weight.size > most.size):
            yield batch
            batch, rows, size = [], 0, 0
        batch.append(item)
        rows += weight.rows
        size += weight.size
    if batch:
        yield batch
