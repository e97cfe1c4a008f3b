"""Waking workers of all machines by NOTIFY."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import psycopg
from psycopg import sql

from kodit.infrastructure.postgresql.address import DatabaseAddress
from kodit.infrastructure.postgresql.dedicated import DedicatedConnection

FEWEST_SECONDS_APART = 0.005
"""A server has one lock for all NOTIFYs, taken at their commit: a busy queue must not send one for
each of its transactions.
"""
_CHANNEL = "SELECT 'kodit_' || current_schema()"
_NOTIFY = "SELECT pg_notify(%s, '')"


class NotifyChannel:
    """This process's only sender and listener. What is sent while the connection is lost reaches
    nobody; workers also look by themselves, less often.
    """

    def __init__(self, address: DatabaseAddress, heard: Callable[[], None]) -> None:
        """`heard` is called, from another thread, when another process has notified, or may have
        while this one could not listen. Raises TransientError if there is no connection."""
        self._heard = heard
        self._is_news = threading.Event()
        self._channel = ""
        self._own_pid = 0
        self._sent_at = 0.0
        self._connection = DedicatedConnection(
            address, "kodit notify", opened=self._listen, woken=self._exchange
        )

    def notify(self) -> None:
        """Tell all other processes; from any thread. Does not block."""
        if not self._is_news.is_set():
            self._is_news.set()
            self._connection.wake()

    def close(self) -> None:
        self._connection.close()

    def _listen(self, connection: psycopg.Connection) -> None:
        # A lost notification is made up for, so that it need not wait for the disk.
        connection.execute("SET synchronous_commit = off")
        row = connection.execute(_CHANNEL).fetchone()
        self._channel = str(row[0]) if row is not None else ""
        self._own_pid = connection.info.backend_pid
        connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._channel)))
        connection.add_notify_handler(lambda notification: self._receive(notification.pid))
        self._heard()

    def _receive(self, pid: int) -> None:
        if pid != self._own_pid:
            self._heard()

    def _exchange(self, connection: psycopg.Connection) -> None:
        while (arrived := connection.pgconn.notifies()) is not None:
            self._receive(arrived.be_pid)
        if self._is_news.is_set():
            time.sleep(max(0.0, self._sent_at + FEWEST_SECONDS_APART - time.monotonic()))
            self._is_news.clear()
            connection.execute(_NOTIFY, (self._channel,))
            self._sent_at = time.monotonic()
