"""Locks between processes, held by the operating system and let go when the holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kodit.domain.errors import TransientError
from kodit.domain.report import Report, ignore_report
from kodit.infrastructure.trust import open_plain_file


def open_lock_file(path: Path) -> int:
    """A descriptor of the lock file, made where it is missing; not inherited by children. Raises
    UserError or OSError where something else lies in its place."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return open_plain_file(path, os.O_RDWR | os.O_CREAT)


def try_lock(descriptor: int) -> bool:
    """Take the lock if nobody holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


TURN_SECONDS = 1.0
"""How long to wait for one's turn before doing without."""


class FairLock:
    """A lock between processes that nobody can starve at, taken again and again by one process: its
    descriptors stay open. Threads must not take it at the same time.

    The kernel does not queue those who wait for a file's lock, and who has just let go of it is the
    quickest to take it again: three busy writers kept a fourth waiting for 13 s. So a process that
    wants the lock first takes a second one, the turn, and keeps it until the lock is theirs: there
    is one who waits for the lock, and its last holder cannot come before. A process that was
    stopped while it had the turn holds up nobody for long.
    """

    def __init__(self, path: Path, timeout_seconds: float, what: str) -> None:
        self._path = path
        self._timeout_seconds = timeout_seconds
        self._what = what
        self._descriptors: tuple[int, int] | None = None

    def acquire(self) -> None:
        """Raises TransientError when others keep the lock for longer than the time-out."""
        if self._descriptors is None:
            turn_path = self._path.with_suffix(".turn")
            self._descriptors = open_lock_file(turn_path), open_lock_file(self._path)
        turn, lock = self._descriptors
        _wait_for(turn, TURN_SECONDS)
        try:
            if not _wait_for(lock, self._timeout_seconds):
                raise _taking_too_long(self._what, self._timeout_seconds)
        finally:
            fcntl.flock(turn, fcntl.LOCK_UN)

    def release(self) -> None:
        """Release it to others."""
        if self._descriptors is not None:
            fcntl.flock(self._descriptors[1], fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the files too."""
        for descriptor in self._descriptors or ():
            os.close(descriptor)
        self._descriptors = None


@contextmanager
def file_lock(
    path: Path, timeout_seconds: float, what: str, report: Report = ignore_report
) -> Iterator[None]:
    """Hold the lock of a file, reporting again and again while it is waited for. Raises
    TransientError, naming `what` is locked, when somebody else keeps it for longer than the
    time-out."""
    descriptor = open_lock_file(path)
    try:
        if not _wait_for(descriptor, timeout_seconds, report):
            raise _taking_too_long(what, timeout_seconds)
        yield
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, timeout_seconds: float, report: Report = ignore_report) -> bool:
    """Whether the lock could be taken. The kernel has no time limit for flock, so poll: closely at
    first, as holders are brief."""
    deadline = time.monotonic() + timeout_seconds
    pause = 0.0002
    while not try_lock(descriptor):
        if time.monotonic() >= deadline:
            return False
        report(0, None)
        time.sleep(pause)
        pause = min(pause * 1.5, 0.005)
    return True


def _taking_too_long(what: str, seconds: float) -> TransientError:
    return TransientError(
        f"{what} has been locked by another process for {seconds:.0f} s; "
        "try again when that process is done"
    )
