"""The server's clock, which all machines share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter

from kodit.domain.errors import KoditError
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase, translated_errors

SECONDS_BETWEEN_QUESTIONS = 10.0
DRIFT_SECONDS = 0.001
"""Clocks of machines drift by less than this in that time."""
MOST_QUESTIONS = 5
GOOD_ENOUGH_SECONDS = 0.002
_NOW = "SELECT clock_timestamp()"


def _boot_time() -> float:
    """Seconds that also pass while the machine sleeps, if the system counts them."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(frozen=True, slots=True)
class _Answer:
    """The server's time when so many seconds had passed here, and by how many it may be wrong."""

    passed: float
    moment: datetime
    error: float

    def at(self, passed: float) -> datetime:
        return self.moment + timedelta(seconds=passed - self.passed)

    def still(self, passed: float, error: float) -> _Answer:
        """The same, counted on."""
        return _Answer(passed, self.at(passed), error)


class ServerClock:
    """Asks the server now and then, and counts on from its answer. While the server is away, the
    last answer is good enough: nothing can be stored meanwhile.
    """

    def __init__(
        self, database: SqlDatabase, seconds_passed: Callable[[], float] = _boot_time
    ) -> None:
        self._database = database
        self._seconds_passed = seconds_passed
        self._answer: _Answer | None = None
        self._asking = threading.Lock()

    def now(self) -> datetime:
        """Raises TransientError if the server has never answered."""
        answer, passed = self._answer, self._seconds_passed()
        if answer is None or not 0 <= passed - answer.passed < SECONDS_BETWEEN_QUESTIONS:
            answer = self._ask(answer)
        return answer.at(self._seconds_passed())

    def _ask(self, known: _Answer | None) -> _Answer:
        if known is None:
            self._asking.acquire()
        elif not self._asking.acquire(blocking=False):
            return known  # another thread asks
        try:
            try:
                answer = _better(known, self._best_answer())
            except KoditError:
                if known is None:
                    raise
                answer = known.still(self._seconds_passed(), known.error)
        finally:
            self._asking.release()
        self._answer = answer
        return answer

    def _best_answer(self) -> _Answer:
        """That of the question that took the shortest time: it was the server's time about half
        way. A process that is stopped in between would be seconds off."""
        answers: list[_Answer] = []
        for _ in range(MOST_QUESTIONS):
            before = self._seconds_passed()
            moment = self._moment()
            took = self._seconds_passed() - before
            answers.append(_Answer(before + took / 2, moment, took / 2))
            if took < GOOD_ENOUGH_SECONDS:
                break
        return min(answers, key=attrgetter("error"))

    def _moment(self) -> datetime:
        # Not as a read of the database: the caller may be in the middle of one.
        dialect = self._database.dialect
        with translated_errors(dialect), dialect.reading() as connection:
            moment: datetime = connection.exec_driver_sql(_NOW).scalar_one()
        return moment.astimezone(UTC)


def _better(known: _Answer | None, answer: _Answer) -> _Answer:
    """What is known, if it was more exact and the new answer does not contradict it: on a busy
    machine answers take long, and workers would differ by as much."""
    if known is None:
        return answer
    error = known.error + DRIFT_SECONDS
    difference = abs((answer.moment - known.at(answer.passed)).total_seconds())
    if answer.error <= error or difference > answer.error + error:
        return answer
    return known.still(answer.passed, error)
