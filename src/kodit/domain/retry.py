"""When a task is retried after a transient error."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

LONGEST_WAIT = timedelta(days=1)
"""The longest back-off, whatever the other side asks for. A longer wait means that the clock was
set back."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential back-off with full jitter over the upper half of each step.

    A task fails for good at its `max_failures`-th failure in a row without a committed batch.
    """

    max_failures: int = 5
    first_delay_seconds: float = 2.0
    longest_delay_seconds: float = 300.0

    def is_spent(self, failures: int) -> bool:
        return failures >= self.max_failures

    def delay(
        self, failures: int, jitter: float, retry_after_seconds: float | None = None
    ) -> timedelta:
        """The wait after the `failures`-th failure; `jitter` in [0, 1) spreads retries over time. A
        longer wait that the other side asked for is honoured, up to `LONGEST_WAIT`."""
        step = min(self.first_delay_seconds * 2.0 ** (failures - 1), self.longest_delay_seconds)
        seconds = max(step * (0.5 + jitter / 2), retry_after_seconds or 0.0)
        return timedelta(seconds=min(seconds, LONGEST_WAIT.total_seconds()))
