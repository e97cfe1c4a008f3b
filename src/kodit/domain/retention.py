"""How much of the queue's history is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Retention:
    """Of each index the newest `runs` are kept, and of all what ended less than `age` ago. A run
    that has not ended is never forgotten, nor is the latest of an index."""

    runs: int = 20
    age: timedelta = timedelta(days=14)
