"""Locks between processes, held by the operating system and let go when the holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kodit.domain.errors import TransientError


def open_lock_file(path: Path) -> int:
    """A descriptor of the lock file, made where it is missing; not inherited by children."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def try_lock(descriptor: int) -> bool:
    """Take the lock if nobody holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class FileLock:
    """The lock of a file, taken again and again by one process: its descriptor stays open. Threads
    must not take it at the same time."""

    def __init__(self, path: Path, timeout_seconds: float, what: str) -> None:
        self._path = path
        self._timeout_seconds = timeout_seconds
        self._what = what
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Raises TransientError when somebody else keeps the lock for longer than the time-out."""
        if self._descriptor is None:
            self._descriptor = open_lock_file(self._path)
        if not try_lock(self._descriptor):
            _wait_for(self._descriptor, self._timeout_seconds, self._what)

    def release(self) -> None:
        """Let somebody else have it."""
        if self._descriptor is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the file too."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@contextmanager
def file_lock(path: Path, timeout_seconds: float, what: str) -> Iterator[None]:
    """Hold the lock of a file. Raises TransientError, naming `what` is locked, when somebody else
    keeps it for longer than the time-out."""
    descriptor = open_lock_file(path)
    try:
        _wait_for(descriptor, timeout_seconds, what)
        yield
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, timeout_seconds: float, what: str) -> None:
    """The kernel has no time limit for flock, so poll: closely at first, as holders are brief."""
    deadline = time.monotonic() + timeout_seconds
    pause = 0.0002
    while not try_lock(descriptor):
        if time.monotonic() >= deadline:
            raise TransientError(
                f"{what} has been locked by another process for {timeout_seconds:.0f} s; "
                "try again when that process is done"
            )
        time.sleep(pause)
        pause = min(pause * 1.5, 0.01)
