"""Waking a worker when the queue changes, in this or another process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from kodit.domain.ports.runtime import Notified

if TYPE_CHECKING:
    from kodit.infrastructure.inotify import Inotify

POLL_SECONDS = 0.01
"""A poll costs some 25 to 80 µs: up to a hundredth of a core."""
IDLE_POLL_SECONDS = 0.05
IDLE_AFTER_SECONDS = 10.0
"""After this time without a change polling slows down: a delay of more than `POLL_SECONDS` no
longer matters.
"""
SLEEP_AFTER_SECONDS = 1.0
"""If the system reports writes: how long after one a commit may still appear, because it counts a
moment after it is written.
"""
SLEEP_SECONDS = 2.0
"""The longest sleep until the system reports a write."""


class EventWakeUp:
    """Wakes a coroutine of the running loop when it is notified, from any thread."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()

    def notify(self) -> None:
        if self._event.is_set():
            return  # whoever waits has yet to look
        if threading.get_ident() == self._loop_thread:
            self._event.set()
            return
        # The loop may be closing while one of its threads is still ending its transaction.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self, timeout_seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await self._event.wait()
        self._event.clear()


class SqliteWakeUp(EventWakeUp):
    """Watches SQLite's `data_version`, which changes with another connection's commit, from a
    thread with a connection of its own. While the database is not written, the thread sleeps if the
    system can wake it, and polls less often otherwise.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._is_closed = False
        self._writes: Inotify | None = None
        self._thread = threading.Thread(target=self._watch, daemon=True, name="kodit-wake-up")
        self._thread.start()

    def close(self) -> None:
        self._is_closed = True
        if self._writes is not None:
            self._writes.wake()
        self._thread.join()
        if self._writes is not None:
            self._writes.close()

    def _watch(self) -> None:
        # The worker, which polls by itself less often, is short of memory too, and says so.
        with contextlib.suppress(MemoryError):
            self._follow()

    def _follow(self) -> None:
        self._writes = _writes_below(self._path.parent)
        with contextlib.closing(sqlite3.connect(self._path)) as connection:
            seen, changed_at = None, time.monotonic()
            while not self._is_closed:
                if self._pause(time.monotonic() - changed_at):
                    changed_at = time.monotonic()
                try:
                    version = connection.execute("PRAGMA data_version").fetchone()
                except sqlite3.Error:
                    continue  # locked for a moment; the worker also polls by itself, less often
                if version != seen:
                    seen, changed_at = version, time.monotonic()
                    self.notify()

    def _pause(self, quiet_seconds: float) -> bool:
        """Wait until the next poll; returns whether anything was written meanwhile."""
        if self._writes is not None and quiet_seconds > SLEEP_AFTER_SECONDS:
            if not self._writes.wait(SLEEP_SECONDS):
                return False
            # Also of other files in the folder, such as a log.
            ours = os.fsencode(self._path.name)
            return any(event.name.startswith(ours) for event in list(self._writes.read()))
        # Half the price of waiting for an event.
        time.sleep(IDLE_POLL_SECONDS if quiet_seconds > IDLE_AFTER_SECONDS else POLL_SECONDS)
        return False


def _writes_below(folder: Path) -> Inotify | None:
    """Watches for writes to the files in a folder; None if the system cannot."""
    if sys.platform != "linux":
        return None
    from kodit.infrastructure.inotify import IN_CREATE, IN_MODIFY, Inotify  # noqa: PLC0415 - ctypes

    try:
        writes = Inotify()
    except OSError:  # the user's watches are used up
        return None
    try:
        writes.add(str(folder), IN_CREATE | IN_MODIFY)
    except OSError:
        writes.close()
        return None
    return writes


class WakeUps:
    """Forwards a notification to everything in this process that waits for one: workers, and
    callers that wait for runs. They come and go; this object lives as long as the application.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._notified: tuple[Notified, ...] = ()

    def add(self, notified: Notified) -> None:
        """Notify this one too from now on."""
        with self._lock:
            self._notified = (*self._notified, notified)

    def remove(self, notified: Notified) -> None:
        """Stop notifying it."""
        with self._lock:
            self._notified = tuple(one for one in self._notified if one is not notified)

    def notify(self) -> None:
        for one in self._notified:
            one.notify()
