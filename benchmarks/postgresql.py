"""The queue on PostgreSQL compared with a bare psycopg claim loop, in one run.

    python -m benchmarks.postgresql [TASKS]

Both use one server of this machine, whose commits wait for the disk, and run one task after the
other. The bare loop claims a task and marks it as done, in two transactions. Kodit's worker
completes a task and claims the next one in one transaction; a batch is twenty. The second figure is
this process's CPU time for a task, in milliseconds.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from statistics import median

import psycopg
from sqlalchemy import text
from tests.support.postgresql import find_postgresql, running_postgresql
from tests.support.postgresql_databases import EMPTY, open_database

from kodit.application.services.queue_service import QueueService
from kodit.domain.entities import IndexRun, Task
from kodit.infrastructure.clock import SystemClock
from kodit.infrastructure.sqlalchemy.migrate import migrate
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase
from kodit.infrastructure.wake_up import WakeUps

ROUNDS = 3
BATCH = 20
PER_TRANSACTION = 500

_CLAIM = (
    "UPDATE bare SET state = 'running', worker = 'w' WHERE id = (SELECT id FROM bare "
    "WHERE state = 'ready' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id"
)
_FINISH = "UPDATE bare SET state = 'done' WHERE id = %s AND worker = 'w'"


def bare_loop(url: str) -> None:
    """The best case of such a loop."""
    with psycopg.connect(url) as connection:
        while (row := connection.execute(_CLAIM).fetchone()) is not None:
            connection.commit()
            connection.execute(_FINISH, row)
            connection.commit()


def fill_bare(url: str, tasks: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS bare")
        connection.execute("CREATE TABLE bare (id bigserial PRIMARY KEY, state text, worker text)")
        connection.execute("CREATE INDEX ON bare (id) WHERE state = 'ready'")
        connection.execute(
            "INSERT INTO bare (state) SELECT 'ready' FROM generate_series(1, %s)", (tasks,)
        )


async def one_by_one(queue: QueueService) -> None:
    while (task := await queue.claim("w")) is not None:
        await queue.complete(task.claim)


async def with_the_next(queue: QueueService) -> None:
    task = await queue.claim("w")
    while task is not None:
        task = await queue.complete(task.claim, next_for="w")


async def in_batches(queue: QueueService) -> None:
    tasks = await queue.claim_many("w", BATCH)
    while tasks:
        claims = [task.claim for task in tasks]
        tasks = await queue.complete_many(claims, next_for="w", count=BATCH)


def fill(database: SqlDatabase, tasks: int) -> None:
    with database.write() as transaction:
        transaction.connection.execute(text(EMPTY))
    for first in range(0, tasks, PER_TRANSACTION):
        with database.write() as transaction:
            for number in range(first, min(first + PER_TRANSACTION, tasks)):
                run = IndexRun.single(Task("CHORE", 10, {"number": number}), datetime.now(UTC))
                transaction.tasks.add_run(run)


def measured(work: Callable[[], None], tasks: int) -> tuple[float, float]:
    """Tasks per second, and milliseconds of CPU time for each."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return (
        tasks / (time.perf_counter() - wall),
        1000 * (time.process_time() - cpu) / tasks,
    )


def drained(
    database: SqlDatabase, drain: Callable[[QueueService], Coroutine[None, None, None]], tasks: int
) -> tuple[float, float]:
    fill(database, tasks)
    queue = QueueService(database=database, clock=SystemClock(), wake_up=WakeUps())
    return measured(lambda: asyncio.run(drain(queue)), tasks)


def main(arguments: list[str]) -> None:
    tasks = int(arguments[0]) if arguments else PER_TRANSACTION
    programs = find_postgresql()
    if programs is None:
        sys.exit("PostgreSQL is not installed")
    rounds: dict[str, list[tuple[float, float]]] = {}
    with running_postgresql(programs, is_durable=True) as server:
        url = f"postgresql://{server.username}@/{server.database}?host={server.query['host']}"
        database = open_database(url)
        migrate(database)
        for _ in range(ROUNDS):
            fill_bare(url, tasks)
            bare = measured(lambda: bare_loop(url), tasks)
            rounds.setdefault("bare psycopg", []).append(bare)
            for drain in (one_by_one, with_the_next, in_batches):
                name = drain.__name__.replace("_", " ")
                rounds.setdefault(name, []).append(drained(database, drain, tasks))
        database.close()
    for name, figures in rounds.items():
        rate, cpu = (median(values) for values in zip(*figures, strict=True))
        ratio = median(
            own[0] / bare[0] for own, bare in zip(figures, rounds["bare psycopg"], strict=True)
        )
        print(f"{name:16} {rate:8.0f} tasks/s {cpu:8.2f} ms {ratio:8.2f} of the bare loop")


if __name__ == "__main__":
    main(sys.argv[1:])
