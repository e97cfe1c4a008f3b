"""How much goes into one batch, and into one write transaction.

A writer blocks all other writers: a transaction takes a few tens of milliseconds, and what a
process holds in memory is bounded too. Both follow from rows and bytes, never from the number of
files alone. A single item that is over a limit makes a batch of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Weight(NamedTuple):
    """What something adds to a batch: rows of the database, and bytes of text or of vectors."""

    rows: int
    size: int = 0


MOST_PER_TRANSACTION = Weight(rows=512, size=2_000_000)
"""Some 15 ms of a core: a snippet with its entries in the log and for later stages takes 25 µs, on
a busy machine twice that."""

MOST_PER_READ = Weight(rows=2048, size=4_000_000)
"""What is read for one batch, or handed over by a child process at once."""


def size_of(text: str) -> int:
    """The size of a text in UTF-8, in bytes."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def first_batch(items: Iterable[T], most: Weight, weigh: Callable[[T], Weight]) -> list[T]:
    """The first items that together weigh no more than `most`, and one at least. Of an iterator,
    at most one item more is taken."""
    return next(in_batches(items, most, weigh), [])


def in_batches(items: Iterable[T], most: Weight, weigh: Callable[[T], Weight]) -> Iterator[list[T]]:
    """All items in their order, cut into such batches."""
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
