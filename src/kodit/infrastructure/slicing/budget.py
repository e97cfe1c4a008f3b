"""The processor time and memory that parsing one file may take."""

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
"""A grammar made to follow many interpretations at once takes gigabytes within a second; the tree
of an ordinary megabyte takes some 40 MB.
"""

_CALLS_PER_CHECK = 64
"""Calls of `is_spent` for each check of clock and memory, which is the expensive part: tree-sitter
calls it some 30,000 times a second.
"""


class GaveUpError(Exception):
    """Parsing was given up; the message is a short reason."""


class Budget:
    """The processor time and memory that this process may spend on one file.

    Processor time rather than wall time, so that a busy machine does not change the snippets of a
    file.
    """

    __slots__ = ("_calls", "_end", "_most", "reason")

    def __init__(self, seconds: float) -> None:
        self._end = process_time() + seconds
        self._most = self._resident() + MEMORY_LIMIT_BYTES
        self._calls = 0
        self.reason = ""

    def is_spent(self, *_: object) -> bool:
        """Whether to stop; `reason` then says why. A progress callback of tree-sitter, whose
        arguments are ignored.
        """
        self._calls += 1
        if self._calls % _CALLS_PER_CHECK:
            return False
        if process_time() > self._end:
            self.reason = "parser ran out of time"
        elif self._resident() > self._most:
            self.reason = "parser ran out of memory"
        return bool(self.reason)

    def check(self) -> None:
        """Raises GaveUpError when the time is used up."""
        if process_time() > self._end:
            raise GaveUpError("parser ran out of time")

    def share(self, seconds: float) -> Budget:
        """A separate budget of at most `seconds`, and no more than is left of this one."""
        return Budget(min(seconds, self._end - process_time()))

    def _resident(self) -> int:
        """Resident memory of this process in bytes; the peak where the system has no current
        figure.
        """
        statm = _statm()
        if statm is None:
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT
        return int(os.pread(statm, 100, 0).split()[1]) * _PAGE_BYTES


@cache
def _statm() -> int | None:
    """A descriptor of /proc/self/statm that stays open: opening it for every file would cost more
    than reading it.
    """
    try:
        return os.open(_STATM, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
