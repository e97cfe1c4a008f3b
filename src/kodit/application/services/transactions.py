"""Repeating transactions that another one got ahead of."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from kodit.domain.errors import ConflictError
from kodit.domain.ports.database import Database, Transaction

T = TypeVar("T")

MOST_TRIES = 8
FIRST_PAUSE_SECONDS = 0.002
"""Doubled before each further try, so that all of them take at most half a second."""


def repeated(transaction: Callable[[], T]) -> T:
    """What `transaction` returns. It is a whole transaction, and is called again, from a thread, if
    another one has changed the same rows: that one is done by then. Raises ConflictError if this
    happens every time.
    """
    pause = FIRST_PAUSE_SECONDS
    for _ in range(MOST_TRIES - 1):
        try:
            return transaction()
        except ConflictError:
            time.sleep(pause * _any_share())
            pause *= 2
    return transaction()


def written(database: Database, work: Callable[[Transaction], T]) -> T:
    """What `work` returns, from a write transaction of its own, which is repeated likewise."""

    def write() -> T:
        with database.write() as transaction:
            return work(transaction)

    return repeated(write)


def _any_share() -> float:
    """A random number from 0 to 1, so that two of them do not meet again."""
    import random  # noqa: PLC0415 - rarely needed

    return random.random()  # noqa: S311 - a waiting time, not a secret
