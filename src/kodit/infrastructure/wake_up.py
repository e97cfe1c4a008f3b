"""Waking a worker when the queue changes, in this process or another."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import time
from pathlib import Path

from kodit.domain.ports.runtime import Notified

POLL_SECONDS = 0.01
"""A poll costs some 25 to 80 µs: up to a hundredth of a core."""
IDLE_POLL_SECONDS = 0.05
IDLE_AFTER_SECONDS = 10.0
"""Where nothing has changed for so long, nobody waits for the next hundredth of a second."""


class SqliteWakeUp:
    """Watches SQLite's `data_version`, which another connection's commit changes, from a thread
    with a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._event = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._is_closed = False
        self._thread = threading.Thread(target=self._watch, daemon=True, name="kodit-wake-up")
        self._thread.start()

    def notify(self) -> None:
        # The loop may be closing while a thread of it still ends its transaction.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self, timeout_seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await self._event.wait()
        self._event.clear()

    def close(self) -> None:
        self._is_closed = True
        self._thread.join()

    def _watch(self) -> None:
        with contextlib.closing(sqlite3.connect(self._path)) as connection:
            seen, changed_at = None, time.monotonic()
            while not self._is_closed:
                is_idle = time.monotonic() - changed_at > IDLE_AFTER_SECONDS
                # Half the price of waiting for an event.
                time.sleep(IDLE_POLL_SECONDS if is_idle else POLL_SECONDS)
                try:
                    version = connection.execute("PRAGMA data_version").fetchone()
                except sqlite3.Error:
                    continue  # locked for a moment; the worker also looks by itself, less often
                if version != seen:
                    seen, changed_at = version, time.monotonic()
                    self.notify()


class WakeUps:
    """Hands a notification on to everybody in this process who waits for one: each worker, and each
    who waits for runs. They come and go; it stays as long as the application."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._notified: tuple[Notified, ...] = ()

    def add(self, notified: Notified) -> None:
        """Notify this one too, from now on."""
        with self._lock:
            self._notified = (*self._notified, notified)

    def remove(self, notified: Notified) -> None:
        """Notify it no more."""
        with self._lock:
            self._notified = tuple(one for one in self._notified if one is not notified)

    def notify(self) -> None:
        for one in self._notified:
            one.notify()
