"""Limiting the number of concurrent readers, first come first served."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class ReadingGate:
    """Lets a limited number of threads in at once; the others wait in a queue without a time limit.

    A thread that is inside is refused a second place: it would wait for itself as soon as all
    places are taken by threads that do the same.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: deque[threading.Lock] = deque()
        self._lock = threading.Lock()
        self._inside = threading.local()

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place within the context. Raises RuntimeError if this thread has one already."""
        if getattr(self._inside, "is_reading", False):
            raise RuntimeError("this thread is reading the database already; pass its transaction")
        self._enter()
        self._inside.is_reading = True
        try:
            yield
        finally:
            self._inside.is_reading = False
            self._leave()

    @property
    def waiting(self) -> int:
        """The number of waiting threads."""
        return len(self._waiting)

    def _enter(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        try:
            turn.acquire()  # released by a leaving thread
        except BaseException:  # an interrupt; the place may have been handed over by then
            with self._lock:
                is_waiting = turn in self._waiting
                if is_waiting:
                    self._waiting.remove(turn)
            if not is_waiting:
                self._leave()
            raise

    def _leave(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1
