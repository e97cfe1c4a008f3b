"""Time and the sleep between tasks."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time that leases and back-offs are measured with."""

    def now(self) -> datetime:
        """The current time, aware, in UTC."""
        ...


class Notified(Protocol):
    """Is notified when the queue has changed."""

    def notify(self) -> None:
        """The queue was changed by this process; callable from any thread."""
        ...


class WakeUp(Notified, Protocol):
    """Tells a worker that the queue may have changed, by this process or another."""

    async def wait(self, timeout_seconds: float) -> None:
        """Return when something may have changed since the last wait, at the latest after the
        time-out."""
        ...


class WakeUpGroup(Notified, Protocol):
    """Hands a notification on to all that have been added."""

    def add(self, notified: Notified) -> None: ...

    def remove(self, notified: Notified) -> None: ...
