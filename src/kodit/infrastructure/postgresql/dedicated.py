"""A connection that stays open outside the pool, and is opened again when it is lost."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import threading
from collections.abc import Callable

import psycopg

from kodit.domain.errors import KoditError
from kodit.infrastructure.postgresql.address import DatabaseAddress
from kodit.infrastructure.postgresql.connections import connect
from kodit.infrastructure.postgresql.errors import meaning_of

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
STILL_HELD = "the lock is still held by a lost connection"
"""The reason while a lock cannot be taken again, because the server has not noticed a loss yet."""


class DedicatedConnection:
    """Used only by a thread of its own, which waits until the server sends something or `wake` is
    called."""

    def __init__(
        self,
        address: DatabaseAddress,
        name: str,
        *,
        opened: Callable[[psycopg.Connection], None],
        woken: Callable[[psycopg.Connection], None],
    ) -> None:
        """`opened` is called for each new connection, and `woken` after the server has sent
        something or `wake` was called, and once more before the connection is closed; both in the
        thread, and may raise errors of the driver. The server lists the connection as `name`."""
        self._address = address
        self._name = name
        self._opened = opened
        self._woken = woken
        self._is_closing = threading.Event()
        self._pipe = threading.Lock()
        self._writing: int | None
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        self._thread = threading.Thread(target=self._keep, daemon=True, name=name)
        try:
            self._connection = self._connect()
            try:
                self._thread.start()
            except BaseException:
                self._connection.close()
                raise
        except BaseException:
            self._close_pipe()
            raise

    def wake(self) -> None:
        """Call `woken` soon; from any thread. Does not block."""
        with self._pipe:
            # Full if enough is written already; closed at the end of the process.
            if self._writing is not None:
                with contextlib.suppress(BlockingIOError):
                    os.write(self._writing, b"\0")

    def close(self) -> None:
        """Close the connection, which ends its locks."""
        self._is_closing.set()
        self.wake()
        self._thread.join()
        self._connection.close()
        self._close_pipe()

    def _close_pipe(self) -> None:
        with self._pipe:
            if self._writing is not None:
                os.close(self._reading)
                os.close(self._writing)
                self._writing = None

    def _connect(self) -> psycopg.Connection:
        """Raises TransientError."""
        try:
            connection = connect(self._address, self._name)
            try:
                self._opened(connection)
            except BaseException:
                connection.close()
                raise
        except psycopg.Error as error:
            raise meaning_of(self._address.place, error) or error from error
        return connection

    def _keep(self) -> None:
        while True:
            try:
                self._serve()
            except psycopg.Error as error:
                log.warning(
                    "a connection to the database was lost",
                    extra={"connection": self._name, "error": _sentence(self._address, error)},
                )
                self._connection.close()
                self._reconnect()
            if self._is_closing.is_set():
                return

    def _serve(self) -> None:
        connection = self._connection
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
        poll.register(self._reading, select.POLLIN)
        is_last = False
        while not is_last:
            ready = {descriptor for descriptor, _event in poll.poll()}
            if self._reading in ready:
                os.read(self._reading, 4096)
            is_last = self._is_closing.is_set()
            # Also notices the end of the connection.
            connection.pgconn.consume_input()
            self._woken(connection)

    def _reconnect(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._is_closing.wait(pause):
            try:
                self._connection = self._connect()
            except KoditError as error:
                log.info("the database is still away", extra={"error": str(error)})
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            else:
                self.wake()
                return


def _sentence(address: DatabaseAddress, error: psycopg.Error) -> str:
    return str(meaning_of(address.place, error) or type(error).__name__)
