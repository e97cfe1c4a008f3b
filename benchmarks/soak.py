"""A simulated month of one data directory in a few minutes: does anything get slower or larger?

    python -m benchmarks.soak [--runs 100000] [--days 30] [--indexes 100]    # some five minutes

One process, a clock that is set manually, and no sleeping. Every index is requested again and
again: most runs find nothing to do, some do all five stages, some fail or are retried. Maintenance
runs once a simulated hour, and once a day an index is deleted and another one created. One of the
indexes is a real one, which is searched. Costs are processor time in seconds, as medians over the
first simulated day and over the last. Exits with status 1 if anything has grown too much.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select, text
from tests.support.sources import write_tree

from kodit import Kodit
from kodit.composition import Application
from kodit.domain.entities import Task
from kodit.domain.errors import TransientError
from kodit.domain.value_objects import (
    QueuePriority,
    SearchRequest,
    Source,
    SourceKind,
    TaskType,
)
from kodit.faces.cli.app import OBJECTS_BETWEEN_COLLECTIONS
from kodit.infrastructure.memory import ManualClock
from kodit.infrastructure.sqlalchemy.entities import INDEX_RUNS
from kodit.settings import Settings

MOST_GROWTH = 1.2
FILES = 40
BATCH = 256
REQUESTS = 20
"""How many runs are requested and completed one by one, and measured."""
BACK_OFF_SECONDS = 10.0
SEARCHES = ("carry the anchor past the basket", "glacier_3_1", "where is the harbor sorted")


class Soak:
    """The month, round by round: in each, every index is requested once."""

    def __init__(self, application: Application, clock: ManualClock, indexes: int) -> None:
        self._application = application
        self._clock = clock
        self._choice = random.Random(1)  # noqa: S311 - repeatable, not secret
        self._real = 0
        self._indexes = indexes
        self._index_ids: list[int] = []
        self._made = 0
        self.runs = 0

    async def begin(self) -> None:
        """Find the searched index, and create the others."""
        (status,) = await self._application.indexes.status()
        self._real = status.id
        self._index_ids = [self._add_index() for _ in range(self._indexes - 1)]

    def _add_index(self) -> int:
        self._made += 1
        source = Source(SourceKind.FOLDER, f"/soak/{self._made}")
        with self._application.database.write() as transaction:
            return transaction.indexes.add(source, self._clock.now()).id

    async def round(self, seconds: float) -> None:
        """Request every index, and work until nothing is left; then advance the clock."""
        queue = self._application.queue
        for index_id in [self._real, *self._index_ids]:
            base = self._choice.choice(list(QueuePriority))
            await queue.request_run(index_id, base)
            self.runs += 1
        while tasks := await queue.claim_many("soak", BATCH):
            await self._work_on(tasks)
        self._clock.advance(BACK_OFF_SECONDS)
        await self.drain()
        self._clock.advance(seconds)

    async def _work_on(self, tasks: list[Task]) -> None:
        queue = self._application.queue
        done = []
        for task in tasks:
            luck = self._choice.random()
            if task.type is TaskType.SYNC and luck < 0.85:
                await queue.complete(task.claim, nothing_to_do=True)
            elif luck < 0.87:
                await queue.fail(task.claim, "the source is gone")
            elif luck < 0.90:
                await queue.fail_transiently(task.claim, TransientError("503"))
            else:
                done.append(task.claim)
        await queue.complete_many(done)

    async def drain(self) -> None:
        """Claim and complete the remaining tasks, each in a transaction of its own."""
        task = await self._application.queue.claim("soak")
        while task is not None:
            task = await self._application.queue.complete(
                task.claim, nothing_to_do=True, next_for="soak"
            )

    async def do_chores(self) -> None:
        for chore in self._application.chores:
            while await chore.do_piece():
                pass

    async def replace_an_index(self) -> None:
        """Delete the oldest index that is not searched, with all its history, and create
        another.
        """
        await self._application.indexes.delete(self._index_ids.pop(0))
        self._index_ids.append(self._add_index())

    # Measured operations

    async def claims(self) -> None:
        """Request some indexes, and complete their tasks one by one."""
        for index_id in self._index_ids[:REQUESTS]:
            await self._application.queue.request_run(index_id, QueuePriority.BACKGROUND)
            self.runs += 1
        await self.drain()

    async def statuses(self) -> None:
        await self._application.indexes.status()

    async def lists(self) -> None:
        """The queries of `kodit queue list`, also with all runs."""
        queue, registry = self._application.queue, self._application.registry
        for runs in (await queue.needing_attention(registry), await queue.list_runs()):
            await queue.overview(registry, runs)

    async def searches(self) -> None:
        for query in SEARCHES:
            self._application.search.search(SearchRequest(query))

    async def chores(self) -> None:
        """One maintenance check of an idle worker."""
        queue = self._application.queue
        await queue.claim_or_wait("soak", 2)
        await queue.reclaim(self._application.registry)

    # Sizes

    def size(self) -> int:
        """Bytes of the database file after a checkpoint."""
        database = self._application.database
        with database.engine.connect() as connection:
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        return Path(database.address).stat().st_size

    def kept(self) -> int:
        """The number of runs in the history."""
        with self._application.database.read() as transaction:
            query = select(func.count()).select_from(INDEX_RUNS)
            return transaction.connection.execute(query).scalar_one()


async def cpu_of(work: Callable[[], Awaitable[None]]) -> float:
    """Processor time of all threads in seconds."""
    before = time.process_time()
    await work()
    return time.process_time() - before


async def soak(application: Application, clock: ManualClock, options: argparse.Namespace) -> bool:
    """Simulate the month and print the results; returns whether they are acceptable."""
    month = Soak(application, clock, options.indexes)
    await month.begin()
    rounds = options.runs // options.indexes
    seconds = options.days * 86_400 / rounds
    measured: dict[str, Callable[[], Awaitable[None]]] = {
        "claim and complete": month.claims,
        "status": month.statuses,
        "list": month.lists,
        "search": month.searches,
        "idle worker": month.chores,
    }
    at_first: dict[str, list[float]] = {name: [] for name in measured}
    at_last: dict[str, list[float]] = {name: [] for name in measured}
    sizes: dict[float, int] = {}
    hour, day = 0, 0
    rounds_a_day = max(1, rounds // options.days)
    for number in range(rounds):
        await month.round(seconds)
        passed = timedelta(seconds=(number + 1) * seconds)
        if passed // timedelta(hours=1) > hour:
            hour = passed // timedelta(hours=1)
            await month.do_chores()
        if passed.days > day:
            day = passed.days
            await month.replace_an_index()
            if day in (options.days // 2, options.days):
                sizes[day] = month.size()
            print(f"day {day}: {month.runs} runs requested, {month.kept()} kept", flush=True)
        if number < rounds_a_day or number >= rounds - rounds_a_day:
            figures = at_first if number < rounds_a_day else at_last
            for name, work in measured.items():
                figures[name].append(await cpu_of(work))
    return report(at_first, at_last, sizes)


def report(
    at_first: dict[str, list[float]], at_last: dict[str, list[float]], sizes: dict[float, int]
) -> bool:
    """Print the figures; returns whether nothing has grown too much."""
    is_well = True
    print(f"{'CPU, ms':<24}{'first day':>12}{'last day':>12}{'ratio':>8}")
    for name, figures in at_first.items():
        first, last = statistics.median(figures), statistics.median(at_last[name])
        is_well &= last / first < MOST_GROWTH
        print(f"{name:<24}{first * 1000:>12.2f}{last * 1000:>12.2f}{last / first:>8.2f}")
    half, whole = (sizes[day] for day in sorted(sizes))
    is_well &= whole <= MOST_GROWTH * half
    print(f"{'database, MB':<24}{half / 1e6:>12.2f}{whole / 1e6:>12.2f}{whole / half:>8.2f}")
    return is_well


def main() -> int:
    """Run the soak; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--indexes", type=int, default=100)
    options = parser.parse_args()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)  # as in every process of the command line
    clock = ManualClock()
    with tempfile.TemporaryDirectory(prefix="kodit-soak-") as folder:
        write_tree(Path(folder, "tree"), FILES)
        with Kodit(Path(folder, "data")) as kodit:
            kodit.index(Path(folder, "tree"))
        application = Application(Settings.load({}, data_dir=Path(folder, "data")))
        application.clock = clock
        with application:
            return 0 if asyncio.run(soak(application, clock, options)) else 1


if __name__ == "__main__":
    sys.exit(main())
