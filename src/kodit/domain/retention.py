"""How much is kept of what is over: of the queue's history, and of results nothing uses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Retention:
    """Of each index the newest `runs` are kept, and of all what ended less than `age` ago. A run
    that has not ended is never forgotten, nor is the latest of an index."""

    runs: int = 20
    age: timedelta = timedelta(days=14)


class RunEnd(NamedTuple):
    """Where a run stands in the order in which runs have ended."""

    ended_at: datetime
    run_id: int


class PrunableRuns(NamedTuple):
    """What one look at the history has found, and after which run the next one goes on; None when
    everything that is old enough has been looked at."""

    run_ids: list[int]
    looked_up_to: RunEnd | None


@dataclass(frozen=True, slots=True)
class UnusedRetention:
    """For how long embeddings and enrichments are kept that nothing uses any more, and how many
    bytes of them at most."""

    age: timedelta = timedelta(days=7)
    most_bytes: int = 256_000_000
