"""The server's clock over answers that take some time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from tests.queue.requests import NOW

from kodit.infrastructure.postgresql.clock import (
    DRIFT_SECONDS,
    MOST_QUESTIONS,
    SECONDS_BETWEEN_QUESTIONS,
    ServerClock,
)
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase

BEGAN = 5.0


class SlowServer(ServerClock):
    """A clock whose questions and answers are under way for some seconds each."""

    def __init__(self) -> None:
        super().__init__(cast("SqlDatabase", None), lambda: self.passed)
        self.passed = BEGAN
        self.question_seconds = self.answer_seconds = 0.0
        self.ahead_seconds = 0.0
        self.questions = 0

    def _moment(self) -> datetime:
        self.questions += 1
        self.passed += self.question_seconds
        moment = NOW.astimezone(UTC) + timedelta(seconds=self.passed + self.ahead_seconds - BEGAN)
        self.passed += self.answer_seconds
        return moment

    @property
    def wrong_by(self) -> float:
        """Seconds that the time is ahead of the server's."""
        now = self.now()
        true = NOW + timedelta(seconds=self.passed + self.ahead_seconds - BEGAN)
        return (now - true).total_seconds()

    def let_pass(self, questions: int = 1) -> None:
        self.passed += SECONDS_BETWEEN_QUESTIONS * questions


@pytest.fixture
def clock() -> SlowServer:
    return SlowServer()


def test_a_slow_answer_is_from_half_way(clock: SlowServer) -> None:
    clock.question_seconds, clock.answer_seconds = 0.1, 0.3
    assert clock.wrong_by == pytest.approx(-0.1)
    assert clock.questions == MOST_QUESTIONS
    clock.questions = 0
    clock.let_pass()
    clock.question_seconds, clock.answer_seconds = 0.0005, 0.0005
    assert clock.wrong_by == pytest.approx(0)
    assert clock.questions == 1


def test_a_slow_answer_does_not_replace_a_quick_one(clock: SlowServer) -> None:
    """As long as it does not contradict it."""
    assert clock.wrong_by == pytest.approx(0)
    clock.question_seconds = 0.3
    for _ in range(3):
        clock.let_pass()
        assert clock.wrong_by == pytest.approx(0)
    assert clock.questions == 1 + 3 * MOST_QUESTIONS


def test_a_clock_that_was_set_is_believed(clock: SlowServer) -> None:
    """However slow its answer."""
    assert clock.wrong_by == pytest.approx(0)
    clock.question_seconds = 0.3
    clock.ahead_seconds = -0.5
    clock.let_pass()
    assert clock.wrong_by == pytest.approx(0.15)


def test_what_is_known_grows_less_exact(clock: SlowServer) -> None:
    """So that another answer replaces it some time, if it took about as long."""
    clock.question_seconds = clock.answer_seconds = DRIFT_SECONDS
    assert clock.wrong_by == pytest.approx(0)
    clock.ahead_seconds = DRIFT_SECONDS / 2
    clock.question_seconds = clock.answer_seconds = DRIFT_SECONDS * 1.5
    clock.let_pass()
    assert clock.wrong_by == pytest.approx(0)
    clock.question_seconds = clock.answer_seconds = DRIFT_SECONDS * 3.2
    clock.ahead_seconds = 0
    clock.let_pass()
    assert clock.wrong_by == pytest.approx(DRIFT_SECONDS / 2)
    clock.let_pass()
    assert clock.wrong_by == pytest.approx(0)
