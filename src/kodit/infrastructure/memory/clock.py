"""A clock that is set manually."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class ManualClock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def set(self, now: datetime) -> None:
        """Jump to a time, which may be in the past, as the clocks of machines may."""
        self._now = now

    def advance(self, seconds: float) -> None:
        """Move by some seconds; a negative number goes back."""
        self._now += timedelta(seconds=seconds)
