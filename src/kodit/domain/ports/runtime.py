"""The clock, and wake-ups of waiting workers."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The clock for leases and back-offs."""

    def now(self) -> datetime:
        """The current time, timezone-aware, in UTC."""
        ...


class Notified(Protocol):
    """Receives a notification when the queue has changed."""

    def notify(self) -> None:
        """This process has changed the queue; callable from any thread."""
        ...


class WakeUp(Notified, Protocol):
    """Wakes a worker when the queue may have been changed, by this process or another."""

    async def wait(self, timeout_seconds: float) -> None:
        """Returns when something may have changed since the last call, at the latest after the
        time-out."""
        ...


class WakeUpGroup(Notified, Protocol):
    """Forwards a notification to all members."""

    def add(self, notified: Notified) -> None: ...

    def remove(self, notified: Notified) -> None: ...
