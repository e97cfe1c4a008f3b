"""What the parser may spend on one file."""

from __future__ import annotations

import os
import resource
import sys
from functools import cache
from pathlib import Path
from time import process_time

_STATM = Path("/proc/self/statm")
_PAGE_BYTES = resource.getpagesize()
_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024

MEMORY_LIMIT_BYTES = 256 * 2**20
"""A grammar that is led to try many readings at once takes gigabytes in a second; the tree of an
ordinary megabyte takes some 40 MB."""

_CALLS_PER_LOOK = 64
"""Calls of `is_spent` for one look at clock and memory, which costs more than all of them:
tree-sitter calls it some 30,000 times a second."""


class GaveUpError(Exception):
    """Parsing was given up; the message says why, in a few words."""


class Budget:
    """The processor time and memory that this process may spend on one file.

    Processor time, so that a busy machine does not change what a file is cut into.
    """

    __slots__ = ("_calls", "_end", "_most", "reason")

    def __init__(self, seconds: float) -> None:
        self._end = process_time() + seconds
        self._most = self._resident() + MEMORY_LIMIT_BYTES
        self._calls = 0
        self.reason = ""

    def is_spent(self, *_: object) -> bool:
        """Whether to stop; `reason` then says why. Takes and ignores what a callback is told."""
        self._calls += 1
        if self._calls % _CALLS_PER_LOOK:
            return False
        if process_time() > self._end:
            self.reason = "parser ran out of time"
        elif self._resident() > self._most:
            self.reason = "parser ran out of memory"
        return bool(self.reason)

    def check(self) -> None:
        """Raises GaveUpError when the time is over."""
        if process_time() > self._end:
            raise GaveUpError("parser ran out of time")

    def share(self, seconds: float) -> Budget:
        """A budget of its own, of so many seconds at most and of what is left here."""
        return Budget(min(seconds, self._end - process_time()))

    def _resident(self) -> int:
        """Bytes of this process in memory; where the system does not tell, the most so far."""
        statm = _statm()
        if statm is None:
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT
        return int(os.pread(statm, 100, 0).split()[1]) * _PAGE_BYTES


@cache
def _statm() -> int | None:
    """Stays open: to open it for every file would cost more than to read it."""
    try:
        return os.open(_STATM, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
