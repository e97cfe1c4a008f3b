"""Processes that share a PostgreSQL server while no thread can be started."""

from __future__ import annotations

import os
import threading
from contextlib import closing

import psycopg
import pytest
from tests.support.command import wait_until
from tests.support.postgresql_databases import address_of, server_url

from kodit.infrastructure.postgresql.shared_wake_ups import SharedWakeUps

NAME = "kodit notify"


def connections() -> int:
    with psycopg.connect(server_url()) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", (NAME,)
        ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("allowed", [0, 1], ids=["to send", "of the connection"])
def test_others_are_told_as_soon_as_there_is_a_thread(
    monkeypatch: pytest.MonkeyPatch, allowed: int
) -> None:
    """Until then, notifying is no error: it follows a transaction that has been committed. Nothing
    is left open."""
    start, started = threading.Thread.start, 0

    def start_some(thread: threading.Thread) -> None:
        nonlocal started
        if thread.name == NAME:
            started += 1
            if started > allowed:
                raise RuntimeError("can't start new thread")
        start(thread)

    wake_ups = SharedWakeUps(address_of(server_url()))
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208 - of descriptors
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start_some)
        wake_ups.notify()
        wait_until(lambda: wake_ups._sender is None)
    assert started == allowed + 1
    wait_until(lambda: not connections())
    assert len(os.listdir("/dev/fd")) == before  # noqa: PTH208 - likewise
    with closing(wake_ups):
        wake_ups.notify()
        wait_until(lambda: connections() > 0)
