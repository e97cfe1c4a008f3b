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
