"""The vectors of queries, each of which is sent once."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from kodit.domain.endpoints import LONGEST_PAUSE_SECONDS
from kodit.domain.errors import KoditError, TransientError

MOST_KEPT = 256
SECONDS_WITHOUT_QUERIES = 5.0
"""After a query could not be embedded, others are refused at once: they would wait as long."""


class Queries:
    """The vectors of the latest queries, for any number of threads."""

    def __init__(
        self,
        send: Callable[[str], tuple[float, ...]],
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """`seconds` is a clock that is never set back."""
        self._send = send
        self._seconds = seconds
        self._known: OrderedDict[str, tuple[float, ...]] = OrderedDict()
        self._failure: tuple[float, KoditError] | None = None

    def vector(self, text: str) -> tuple[float, ...]:
        """Raises what sending it raises; after a failure, the same error for some seconds, or as
        long as the endpoint has asked for."""
        known = self._known.get(text)
        if known is not None:
            return known
        failure = self._failure
        if failure is not None and self._seconds() < failure[0]:
            raise failure[1]
        try:
            vector = self._send(text)
        except KoditError as error:
            self._failure = self._seconds() + _wait_after(error), error
            raise
        self._known[text] = vector
        while len(self._known) > MOST_KEPT:
            self._known.popitem(last=False)
        return vector


def _wait_after(error: KoditError) -> float:
    asked = error.retry_after_seconds if isinstance(error, TransientError) else None
    return max(SECONDS_WITHOUT_QUERIES, min(asked or 0.0, LONGEST_PAUSE_SECONDS))
