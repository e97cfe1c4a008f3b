"""Locks between processes, held by the operating system and released when the holder dies."""

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
    """A descriptor of the lock file, created if missing; not inherited by children. Raises
    UserError or OSError if anything else is at the path.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return open_plain_file(path, os.O_RDWR | os.O_CREAT)


def try_lock(descriptor: int) -> bool:
    """Take the lock if it is free; returns whether it was taken."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


TURN_SECONDS = 1.0
"""How long to wait for the turn before going on without it."""


class FairLock:
    """A fair lock between processes, for repeated use in one process: its descriptors stay open.
    Not for concurrent use by threads.

    The kernel does not queue the processes that wait for a file's lock, and the last holder is the
    quickest to take it again: three busy writers starved a fourth for 13 s. So a process first
    takes a second lock, the turn, and keeps it until it has the lock: only one process waits for
    the lock, and its last holder cannot overtake it. A process that is stopped while it has the
    turn delays the others only by `TURN_SECONDS`.
    """

    def __init__(self, path: Path, timeout_seconds: float, what: str) -> None:
        self._path = path
        self._timeout_seconds = timeout_seconds
        self._what = what
        self._descriptors: tuple[int, int] | None = None

    def acquire(self) -> None:
        """Raises TransientError if other processes keep the lock for longer than the time-out."""
        if self._descriptors is None:
            self._descriptors = self._opened()
        turn, lock = self._descriptors
        try:
            _wait_for(turn, TURN_SECONDS)
            if not _wait_for(lock, self._timeout_seconds):
                raise _taking_too_long(self._what, self._timeout_seconds)
        finally:
            fcntl.flock(turn, fcntl.LOCK_UN)

    def _opened(self) -> tuple[int, int]:
        turn = open_lock_file(self._path.with_suffix(".turn"))
        try:
            return turn, open_lock_file(self._path)
        except BaseException:
            os.close(turn)
            raise

    def release(self) -> None:
        """Release the lock."""
        if self._descriptors is not None:
            fcntl.flock(self._descriptors[1], fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the lock files."""
        for descriptor in self._descriptors or ():
            os.close(descriptor)
        self._descriptors = None


@contextmanager
def file_lock(
    path: Path, timeout_seconds: float, what: str, report: Report = ignore_report
) -> Iterator[None]:
    """Hold the lock of a file within the context, calling `report` repeatedly while waiting for it.
    Raises TransientError, naming `what` is locked, if another process keeps it for longer than the
    time-out.
    """
    descriptor = open_lock_file(path)
    try:
        if not _wait_for(descriptor, timeout_seconds, report):
            raise _taking_too_long(what, timeout_seconds)
        yield
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, timeout_seconds: float, report: Report = ignore_report) -> bool:
    """Whether the lock could be taken. flock has no time limit, so poll: frequently at first,
    because locks are held briefly.
    """
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
