"""Retention of ended runs, and of unused results."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Retention:
    """For each index, the newest `runs` are kept, and everything that ended less than `age` ago. A
    run that has not ended is never deleted, nor is the latest of an index."""

    runs: int = 20
    age: timedelta = timedelta(days=14)


class RunEnd(NamedTuple):
    """The position of a run in the order in which runs ended."""

    ended_at: datetime
    run_id: int


class PrunableRuns(NamedTuple):
    """The runs that one look at the history has found, and the run after which the next look
    starts; None when everything that is old enough has been examined."""

    run_ids: list[int]
    looked_up_to: RunEnd | None


@dataclass(frozen=True, slots=True)
class UnusedRetention:
    """How long unused embeddings, enrichments and contents of files are kept, and how many bytes of
    either kind at most."""

    age: timedelta = timedelta(days=7)
    most_bytes: int = 256_000_000

    @property
    def keeps_anything(self) -> bool:
        """Whether anything unused is kept at all."""
        return self.age > timedelta(0) and self.most_bytes > 0
