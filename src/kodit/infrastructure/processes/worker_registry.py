"""The workers on a data directory: each holds the lock of a file of its own.

Child processes inherit the lock, so that a process that can take it knows that the worker and all
its children are gone. The file holds the worker's claim rules, which explain why a task waits.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from kodit.domain.claiming import DEFAULT_RULES, ClaimRules
from kodit.infrastructure.locks import open_lock_file, try_lock
from kodit.infrastructure.mappers.claim_rules import rules_to_text, text_to_rules

LARGEST_FILE_BYTES = 100_000
"""Far more than the rules of a worker need."""


class FileWorkerRegistry:
    """Workers of one machine, by lock files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mine: tuple[str, int] | None = None

    @property
    def descriptor(self) -> int:
        """The lock that child processes must inherit."""
        if self._mine is None:
            raise RuntimeError("the worker has not entered the registry")
        return self._mine[1]

    def enter(self, rules: ClaimRules = DEFAULT_RULES) -> str:
        while True:
            name = f"{os.uname().nodename}-{os.getpid()}-{os.urandom(4).hex()}"
            path = self._path(name)
            descriptor = open_lock_file(path)
            # A sweep may have taken the file for a dead worker's before it was locked.
            if try_lock(descriptor) and path.exists():
                self._mine = (name, descriptor)
                with suppress(OSError):  # a full disk does not stop a worker
                    os.write(descriptor, rules_to_text(rules).encode("ascii"))
                return name
            os.close(descriptor)

    def leave(self) -> None:
        if self._mine is not None:
            name, descriptor = self._mine
            self._mine = None
            self._path(name).unlink(missing_ok=True)
            os.close(descriptor)

    def is_dead(self, worker: str) -> bool:
        if "/" in worker or "\0" in worker:
            return True  # not a worker's name: a path from the database could lead anywhere
        descriptor = _open(self._path(worker))
        if descriptor is None:
            return True
        try:
            return try_lock(descriptor)
        finally:
            os.close(descriptor)

    def living(self) -> list[str]:
        names = sorted(path.stem for path in self._folder.glob("*.lock"))
        return [name for name in names if not self.is_dead(name)]

    def rules(self) -> list[ClaimRules]:
        told = []
        for name in self.living():
            with suppress(OSError), self._path(name).open("rb") as file:
                rules = text_to_rules(file.read(LARGEST_FILE_BYTES))
                told += [] if rules is None else [rules]
        return told

    def hosts(self) -> list[str]:
        return []

    def sweep(self) -> None:
        for path in self._folder.glob("*.lock"):
            descriptor = _open(path)
            if descriptor is None:
                continue
            try:
                # Removed while it is held, so that no worker can be about to enter with this file.
                if try_lock(descriptor):
                    path.unlink(missing_ok=True)
            finally:
                os.close(descriptor)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.lock"


def _open(path: Path) -> int | None:
    """A descriptor of a lock file; None if there is none, or it was not made by a worker."""
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EISDIR, errno.ELOOP, errno.ENXIO):
            return None
        raise
