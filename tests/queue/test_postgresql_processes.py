"""What processes of several machines know of each other by a PostgreSQL server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from tests.support.command import PATIENCE_SECONDS, wait_until
from tests.support.postgresql_databases import (
    address_of,
    end_connections,
    open_database,
    open_registry,
    postgresql_database,
    server_url,
)

from kodit.domain.errors import TransientError
from kodit.infrastructure.postgresql.clock import SECONDS_BETWEEN_QUESTIONS, ServerClock
from kodit.infrastructure.postgresql.wake_up import NotifyChannel
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase

WORKER = """
import sys, time
from pathlib import Path
from tests.support.postgresql_databases import address_of
from kodit.infrastructure.postgresql.dialect import PostgresqlDialect
from kodit.infrastructure.postgresql.worker_registry import PostgresqlWorkerRegistry
from kodit.infrastructure.processes.worker_registry import FileWorkerRegistry
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase
address = address_of(sys.argv[1])
database = SqlDatabase(PostgresqlDialect(address))
registry = PostgresqlWorkerRegistry(database, address, FileWorkerRegistry(Path(sys.argv[2])))
print(registry.enter(), flush=True)
time.sleep(600)
"""


@pytest.fixture
def database() -> Iterator[SqlDatabase]:
    with postgresql_database() as opened:
        yield opened


@contextmanager
def worker_in(database: SqlDatabase, folder: Path) -> Iterator[str]:
    """A worker that has entered, by name."""
    registry = open_registry(database, folder)
    name = registry.enter()
    try:
        yield name
    finally:
        registry.leave()


class Ear:
    """Counts what was heard."""

    def __init__(self) -> None:
        self.count = 0

    def hear(self) -> None:
        self.count += 1


def open_channel(ear: Ear) -> NotifyChannel:
    return NotifyChannel(address_of(server_url()), ear.hear)


# Workers


def test_a_killed_worker_of_another_machine_is_dead(database: SqlDatabase, tmp_path: Path) -> None:
    """The server tells, and its row can be swept."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, server_url(), str(tmp_path / "there")],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    with process:
        name = process.stdout.readline().strip()
        registry = open_registry(database, tmp_path / "here")
        assert not registry.is_dead(name)
        assert registry.living() == [name]
        os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: registry.is_dead(name))
    assert registry.living() == []
    registry.sweep()
    assert workers(database) == []


def workers(database: SqlDatabase) -> list[str]:
    with database.read() as transaction:
        return list(transaction.connection.execute(text("SELECT name FROM workers")).scalars())


def test_only_workers_that_have_gone_are_swept(database: SqlDatabase, tmp_path: Path) -> None:
    """Those of other machines stay."""
    others = open_registry(database, tmp_path / "other")
    with worker_in(database, tmp_path / "one") as name:
        with database.write() as transaction:
            entered = "INSERT INTO workers VALUES ('gone', 'ada', '{}', 0)"
            transaction.connection.execute(text(entered))
        assert set(workers(database)) == {"gone", name}
        others.sweep()
        assert workers(database) == [name]
        assert others.living() == [name]


def test_a_worker_whose_children_live_is_not_dead(database: SqlDatabase, tmp_path: Path) -> None:
    """On its own machine, where they hold its file."""
    with worker_in(database, tmp_path / "workers") as name:
        assert end_connections(f"application_name = 'kodit worker {name}'")
        assert not open_registry(database, tmp_path / "workers").is_dead(name)


def test_a_worker_takes_its_lock_again(database: SqlDatabase, tmp_path: Path) -> None:
    """Another worker may have swept its row meanwhile."""
    others = open_registry(database, tmp_path / "here")
    with worker_in(database, tmp_path / "there") as name:
        for _ in range(3):
            assert end_connections(f"application_name = 'kodit worker {name}'")
            others.sweep()
            wait_until(lambda: others.living() == [name])
        assert not others.is_dead(name)
    wait_until(lambda: others.is_dead(name))  # the server is told, and takes a moment
    assert workers(database) == []


def test_nobody_is_dead_just_after_the_server_was_started(
    database: SqlDatabase, tmp_path: Path
) -> None:
    """All workers are about to take their locks again."""
    assert not open_registry(database, tmp_path, grace_seconds=1e6).is_dead("somebody")
    assert open_registry(database, tmp_path, grace_seconds=0.0).is_dead("somebody")


def test_without_a_server_no_worker_enters(tmp_path: Path) -> None:
    """And it leaves nothing behind."""
    url = f"postgresql:///kodit?host={tmp_path}"
    with closing(open_database(url)) as database:
        registry = open_registry(database, tmp_path / "workers")
        registry._address = address_of(url)
        with pytest.raises(TransientError, match="cannot be reached"):
            registry.enter()
    assert list((tmp_path / "workers").iterdir()) == []


# Wake-ups


def test_others_hear_and_not_oneself() -> None:
    """Each message once. They arrive in the order in which they were sent, so that the third one
    comes after whatever a sender hears of its own."""
    first, second = Ear(), Ear()
    with (
        closing(open_channel(first)) as one,
        closing(open_channel(second)) as other,
        closing(open_channel(Ear())) as third,
    ):
        before = first.count, second.count
        one.notify()
        wait_until(lambda: second.count == before[1] + 1)
        other.notify()
        wait_until(lambda: first.count > before[0])
        third.notify()
        wait_until(lambda: (first.count, second.count) >= (before[0] + 2, before[1] + 2))
        assert (first.count, second.count) == (before[0] + 2, before[1] + 2)


def test_many_notifications_are_few_messages() -> None:
    """A busy queue does not keep the server busy; the last one is always told."""
    ear, rounds = Ear(), 20_000
    with closing(open_channel(Ear())) as channel, closing(open_channel(ear)):
        for _ in range(rounds):
            channel.notify()
        wait_until(lambda: ear.count > 1)
        before = ear.count
        channel.notify()
        wait_until(lambda: ear.count > before)
    assert ear.count < rounds / 10


def test_a_lost_channel_is_opened_again() -> None:
    """What was told meanwhile may have been missed, so that it counts as heard."""
    ear, speaker = Ear(), Ear()
    with closing(open_channel(ear)), closing(open_channel(speaker)) as channel:
        for _ in range(3):
            before = ear.count
            assert end_connections("application_name = 'kodit notify'") == 2
            wait_until(lambda: ear.count > before and end_count() == 2)  # noqa: B023 - at once
            before = ear.count
            channel.notify()
            wait_until(lambda: ear.count > before)  # noqa: B023 - at once


def end_count() -> int:
    with psycopg.connect(server_url()) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'kodit notify' "
            "AND state = 'idle'"
        ).fetchone()
    return int(row[0]) if row is not None else 0


def test_a_closed_channel_tells_nothing() -> None:
    """Its pipe may be another file of the process by then."""
    channel = open_channel(Ear())
    channel.close()
    channel.notify()
    channel.close()


# Time


class Passing:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 5.0

    def __call__(self) -> float:
        return self.seconds


def test_time_is_the_servers(database: SqlDatabase) -> None:
    """Asked once, then counted."""
    passing = Passing()
    clock = ServerClock(database, passing)
    first = clock.now()
    with database.read() as transaction:
        moment = transaction.connection.execute(text("SELECT now()")).scalar_one()
    assert timedelta(0) < moment - first < timedelta(seconds=PATIENCE_SECONDS)
    assert first.tzinfo is UTC
    passing.seconds += SECONDS_BETWEEN_QUESTIONS - 1
    assert clock.now() == first + timedelta(seconds=SECONDS_BETWEEN_QUESTIONS - 1)
    passing.seconds += 2
    assert clock.now() < first + timedelta(seconds=PATIENCE_SECONDS)


def test_time_passes_while_the_server_is_away(tmp_path: Path, database: SqlDatabase) -> None:
    """From its last answer on; without one there is no time."""
    passing = Passing()
    clock = ServerClock(database, passing)
    first = clock.now()
    with closing(open_database(f"postgresql:///kodit?host={tmp_path}")) as away:
        clock._database = away
        for seconds in (11, 7, 100):
            before = clock.now()
            passing.seconds += seconds
            assert clock.now() == before + timedelta(seconds=seconds)
        with pytest.raises(TransientError):
            ServerClock(away).now()
    assert clock.now() == first + timedelta(seconds=118)


def test_time_is_told_in_a_transaction(database: SqlDatabase) -> None:
    """In the middle of a read or a write, by several threads at once."""
    clock = ServerClock(database)
    told: list[datetime] = []
    with database.read(), database.write():
        told.append(clock.now())
        threads = [threading.Thread(target=lambda: told.append(clock.now())) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert max(told) - min(told) < timedelta(seconds=PATIENCE_SECONDS)
