"""Rates, latency and idle cost of Kodit's queue, a bare sqlite3 claim loop and huey, in one run.

A queue of empty tasks is drained by one caller, with one claim per task and in batches, and by a
worker. Rounds alternate, so that other load on the machine affects all alike; a ratio is the median
over the rounds.

The bare loop is a typical hand-written one: one table, one index, one UPDATE that claims and one
that finishes, each in a transaction of its own; once as durable as Kodit, which may lose the last
commits if the machine crashes, and once with SQLite's default durability. Kodit's tasks have five
dependent stages, priorities, leases, fences and a history, all of it stored.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks.queue_peers import BareQueue, Bench, HueyPeer, HueyQueue, KoditPeer, Peer, started

from kodit.application.services.indexing_worker_service import (
    WorkerSettings,
)
from kodit.application.services.stage import StageOutcome
from kodit.composition import Application
from kodit.domain.entities import ProgressTracker, Task
from kodit.domain.value_objects import QueuePriority, Source, SourceKind, TaskType
from kodit.faces.cli.app import OBJECTS_BETWEEN_COLLECTIONS
from kodit.settings import Settings

RUNS = 600
TASKS = RUNS * len(TaskType)
ROUNDS = 7
BATCH = 256
PEER_TASKS = {"bare sqlite3": TASKS, "bare sqlite3, synchronous": TASKS, "huey": 300}
SAMPLES = 200
SLOW_SAMPLES = 20
IDLE_SECONDS = 20.0

Drain = Callable[[Application], Awaitable[int]]


async def drain_one_by_one(application: Application) -> int:
    """One transaction per task: it completes one and claims the next."""
    done = 0
    task = await application.queue.claim("benchmark")
    while task is not None:
        done += 1
        task = await application.queue.complete(task.claim, next_for="benchmark")
    return done


async def drain_in_batches(application: Application) -> int:
    """One transaction per batch."""
    done = 0
    tasks = await application.queue.claim_many("benchmark", BATCH)
    while tasks:
        done += len(tasks)
        tasks = await application.queue.complete_many(
            [task.claim for task in tasks], next_for="benchmark", count=BATCH
        )
    return done


async def drain_by_worker(application: Application) -> int:
    """A complete worker: slots, heartbeats, logs."""
    done = 0

    async def do_nothing(_task: Task, _tracker: ProgressTracker | None) -> StageOutcome:
        nonlocal done
        done += 1
        if done == TASKS:
            worker.stop()
        return StageOutcome()

    handlers = dict.fromkeys(TaskType, do_nothing)
    how = WorkerSettings(slots=2)
    async with application.worker(lambda _engines: handlers, how) as (worker, name):
        await worker.run(name)
    return done


def kodit_round(drain: Drain, folder: Path) -> tuple[float, float]:
    """Runs queued per second, tasks drained per second."""
    with Application(Settings.load({}, data_dir=folder)) as application:
        return asyncio.run(_fill_and_drain(application, drain))


async def _fill_and_drain(application: Application, drain: Drain) -> tuple[float, float]:
    now = application.clock.now()
    with application.database.write() as transaction:
        indexes = [
            transaction.indexes.add(Source(SourceKind.FOLDER, f"/benchmark/{number}"), now).id
            for number in range(RUNS)
        ]
    started = time.perf_counter()
    for index_id in indexes:
        await application.queue.request_run(index_id, QueuePriority.BACKGROUND)
    queued = time.perf_counter()
    done = await drain(application)
    ended = time.perf_counter()
    assert done == TASKS, f"{done} tasks were drained, not {TASKS}"
    return RUNS / (queued - started), TASKS / (ended - queued)


def compare_rates() -> None:
    """Enqueue and drain rates, in alternating rounds."""
    drains: dict[str, Drain] = {
        "kodit, one claim a task": drain_one_by_one,
        f"kodit, batches of {BATCH}": drain_in_batches,
        "kodit, a worker of 2 slots": drain_by_worker,
    }
    peers: dict[str, Callable[[Path], Bench]] = {
        "bare sqlite3": BareQueue,
        "bare sqlite3, synchronous": partial(BareQueue, synchronous="FULL"),
        "huey": HueyQueue,
    }
    enqueued: dict[str, list[float]] = {name: [] for name in (*drains, *peers)}
    drained: dict[str, list[float]] = {name: [] for name in (*drains, *peers)}
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)  # as in every process of the command line
    for _round in range(ROUNDS):
        for name, peer in peers.items():
            with tempfile.TemporaryDirectory() as folder:
                rates = peer(Path(folder) / "queue.db").round(PEER_TASKS[name])
            enqueued[name].append(rates[0])
            drained[name].append(rates[1])
        for name, drain in drains.items():
            with tempfile.TemporaryDirectory() as folder:
                runs, tasks = kodit_round(drain, Path(folder))
            enqueued[name].append(runs * len(TaskType))
            drained[name].append(tasks)
    print(f"{'':<30}{'queued/s':>10}{'ratio':>8}{'drained/s':>12}{'ratio':>8}   (tasks; to bare)")
    for name, queued in enqueued.items():
        print(
            f"{name:<30}{statistics.median(queued):>10.0f}"
            f"{_ratio(queued, enqueued['bare sqlite3']):>8.2f}"
            f"{statistics.median(drained[name]):>12.0f}"
            f"{_ratio(drained[name], drained['bare sqlite3']):>8.2f}"
        )


def _ratio(rates: list[float], bare: list[float]) -> float:
    return statistics.median(rate / other for rate, other in zip(rates, bare, strict=True))


def compare_latency() -> None:
    """From just before a task is queued to its start in a worker of another process."""
    print(f"\n{'wake-up, ms':<30}{'p50':>10}{'p95':>8}{'max':>8}   (across processes)")
    kinds: tuple[tuple[str, Callable[[Path], Peer], int], ...] = (
        ("kodit", KoditPeer, SAMPLES),
        ("huey, its defaults", HueyPeer, SLOW_SAMPLES),
    )
    for name, kind, samples in kinds:
        with tempfile.TemporaryDirectory() as folder, started(kind(Path(folder))) as peer:
            taken = sorted(peer.latency() * 1000 for _sample in range(samples))
        print(
            f"{name:<30}{statistics.median(taken):>10.1f}"
            f"{taken[int(0.95 * samples)]:>8.1f}{taken[-1]:>8.1f}"
        )


def compare_idle() -> None:
    """The cost of an idle worker."""
    print(f"\n{'idle, % of a core':<30}   (over {IDLE_SECONDS:.0f} s)")
    kinds: dict[str, Callable[[Path], Peer]] = {"kodit": KoditPeer, "huey, its defaults": HueyPeer}
    for name, kind in kinds.items():
        with tempfile.TemporaryDirectory() as folder, started(kind(Path(folder))) as peer:
            peer.latency()
            time.sleep(1.0)
            before = peer.cpu_seconds()
            time.sleep(IDLE_SECONDS)
            share = (peer.cpu_seconds() - before) / IDLE_SECONDS
        print(f"{name:<30}{100 * share:>10.2f}")


def main(parts: Sequence[str]) -> None:
    """Run these parts of the comparison, or all."""
    known = {"rates": compare_rates, "latency": compare_latency, "idle": compare_idle}
    for part in parts or known:
        known[part]()
