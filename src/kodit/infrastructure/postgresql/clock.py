"""The server's clock, which all machines share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from kodit.domain.errors import KoditError
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase, translated_errors

SECONDS_BETWEEN_QUESTIONS = 10.0
"""Clocks of machines drift by less than a millisecond in this time."""
MOST_QUESTIONS = 5
GOOD_ENOUGH_SECONDS = 0.002
_NOW = "SELECT clock_timestamp()"


def _boot_time() -> float:
    """Seconds that also pass while the machine sleeps, if the system counts them."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class ServerClock:
    """Asks the server now and then, and counts on from its answer. While the server is away, the
    last answer is good enough: nothing can be stored meanwhile.
    """

    def __init__(
        self, database: SqlDatabase, seconds_passed: Callable[[], float] = _boot_time
    ) -> None:
        self._database = database
        self._seconds_passed = seconds_passed
        self._answer: tuple[float, datetime] | None = None
        self._asking = threading.Lock()

    def now(self) -> datetime:
        """Raises TransientError if the server has never answered."""
        answer, passed = self._answer, self._seconds_passed()
        if answer is None or not 0 <= passed - answer[0] < SECONDS_BETWEEN_QUESTIONS:
            answer = self._ask(answer)
        return answer[1] + timedelta(seconds=self._seconds_passed() - answer[0])

    def _ask(self, known: tuple[float, datetime] | None) -> tuple[float, datetime]:
        if known is None:
            self._asking.acquire()
        elif not self._asking.acquire(blocking=False):
            return known  # another thread asks
        try:
            try:
                answer = self._best_answer()
            except KoditError:
                if known is None:
                    raise
                passed = self._seconds_passed()
                answer = passed, known[1] + timedelta(seconds=passed - known[0])
        finally:
            self._asking.release()
        self._answer = answer
        return answer

    def _best_answer(self) -> tuple[float, datetime]:
        """That of the question that took the shortest time: it was the server's time about half
        way. A process that is stopped in between would be seconds off."""
        answers = []
        for _ in range(MOST_QUESTIONS):
            before = self._seconds_passed()
            moment = self._moment()
            took = self._seconds_passed() - before
            answers.append((took, before + took / 2, moment))
            if took < GOOD_ENOUGH_SECONDS:
                break
        _took, passed, moment = min(answers)
        return passed, moment

    def _moment(self) -> datetime:
        # Not as a read of the database: the caller may be in the middle of one.
        dialect = self._database.dialect
        with translated_errors(dialect), dialect.reading() as connection:
            moment: datetime = connection.exec_driver_sql(_NOW).scalar_one()
        return moment.astimezone(UTC)
