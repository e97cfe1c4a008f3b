"""When a task that failed is tried again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kodit.domain.retry import RetryPolicy

POLICY = RetryPolicy()


@pytest.mark.parametrize(
    ("failures", "jitter", "seconds"),
    [
        (1, 0.0, 1.0),
        (1, 0.5, 1.5),
        (2, 0.0, 2.0),
        (3, 0.5, 6.0),
        (8, 0.0, 128.0),
        (9, 0.0, 150.0),
        (40, 0.5, 225.0),
    ],
)
def test_each_wait_is_twice_the_last_up_to_a_limit(
    failures: int, jitter: float, seconds: float
) -> None:
    """The upper half of it is random."""
    assert POLICY.delay(failures, jitter) == timedelta(seconds=seconds)


def test_a_wait_that_was_asked_for_is_honoured_where_it_is_longer() -> None:
    """Up to a day."""
    assert POLICY.delay(3, 0.0, 3.0) == timedelta(seconds=4)
    assert POLICY.delay(3, 0.0, 5.0) == timedelta(seconds=5)
    assert POLICY.delay(1, 0.0, 86_401.0) == timedelta(days=1)


def test_the_budget_is_five_failures() -> None:
    assert [POLICY.is_spent(failures) for failures in (4, 5, 6)] == [False, True, True]
