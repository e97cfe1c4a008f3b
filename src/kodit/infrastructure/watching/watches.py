"""Watches of the operating system: Linux reports events immediately, other systems are polled."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

from kodit.infrastructure.inotify import (
    IN_ATTRIB,
    IN_CLOSE_WRITE,
    IN_CREATE,
    IN_DELETE,
    IN_DELETE_SELF,
    IN_IGNORED,
    IN_MODIFY,
    IN_MOVE_SELF,
    IN_MOVED_FROM,
    IN_MOVED_TO,
    IN_Q_OVERFLOW,
    Inotify,
)

LONGEST_BATCH_SECONDS = 0.2
QUIET_SECONDS = 0.02
"""Events are handed over after this time without new ones."""
POLL_MS = 20
"""How often a system without notifications is polled, which costs some 40 µs."""

_MASK: Final = (
    *(IN_CREATE, IN_MODIFY, IN_CLOSE_WRITE, IN_ATTRIB, IN_DELETE, IN_DELETE_SELF),
    *(IN_MOVED_FROM, IN_MOVED_TO, IN_MOVE_SELF),
)


class EventsLostError(Exception):
    """There were more events than the system could keep."""


class Watch(Protocol):
    """The system's watches on some folders."""

    def paths(self, seconds: float, is_urgent: Callable[[str], bool]) -> set[str]:
        """The absolute paths of events, as soon as there are some and no more follow, or
        immediately if one of them is urgent; none if `seconds` are over, or `stop` was called. For
        one thread at a time.

        Raises EventsLostError, and OSError or RuntimeError if the watches no longer work.
        """
        ...

    def stop(self) -> None:
        """Make `paths` return, now and in future; for any thread."""
        ...

    def close(self) -> None:
        """End the watches. No thread may be waiting for paths."""
        ...


OpenWatch = Callable[[list[str]], Watch]
"""Watches all of the folders. Raises OSError and RuntimeError if the system cannot."""

WATCHES_EACH = sys.platform == "linux"
"""Whether each folder has its own watch; elsewhere one for a whole tree costs less."""


def open_watch(folders: list[str]) -> Watch:
    """This system's watch on some folders."""
    return NotifiedWatch(folders) if WATCHES_EACH else PolledWatch(folders, with_what_is_below=True)


class NotifiedWatch:
    """Watches each of the folders by itself, without its subfolders. Names that cannot be decoded
    are skipped, because no index has them.
    """

    def __init__(self, folders: Sequence[str]) -> None:
        self._inotify = Inotify()
        self._folders: dict[int, list[str]] = {}
        """By watch; a folder that has several paths has one watch."""
        self._is_stopped = False
        self._closing = threading.Lock()
        self._is_closed = False
        mask = sum(_MASK)
        try:
            for folder in folders:
                with suppress(PermissionError):  # nothing in it can be indexed either
                    self._folders.setdefault(self._inotify.add(folder, mask), []).append(folder)
        except BaseException:
            self._inotify.close()
            raise

    def paths(self, seconds: float, is_urgent: Callable[[str], bool]) -> set[str]:
        deadline = time.monotonic() + seconds
        found: set[str] = set()
        while not found:
            left = deadline - time.monotonic()
            if self._is_stopped or not self._inotify.wait(left):
                if self._is_stopped or left <= 0:
                    return found
                continue
            found |= self._taken()
        deadline = time.monotonic() + LONGEST_BATCH_SECONDS
        while not any(map(is_urgent, found)) and not self._is_stopped:
            if time.monotonic() > deadline or not self._inotify.wait(QUIET_SECONDS):
                break
            found |= self._taken()
        return found

    def stop(self) -> None:
        self._is_stopped = True
        with self._closing:
            if not self._is_closed:
                self._inotify.wake()

    def close(self) -> None:
        with self._closing:
            self._is_closed = True
            self._inotify.close()

    def _taken(self) -> set[str]:
        found = set()
        for watch, mask, name in self._inotify.read():
            if mask & IN_Q_OVERFLOW:
                raise EventsLostError
            if mask & IN_IGNORED:  # the folder is gone, and its number may be reused
                self._folders.pop(watch, None)
                continue
            try:
                text = name.decode()
            except UnicodeDecodeError:
                continue
            for folder in self._folders.get(watch, ()):
                found.add(f"{folder.rstrip('/')}/{text}" if text else folder)
        return found


class PolledWatch:
    """Polls whichever watching mechanism the system has."""

    def __init__(self, folders: Sequence[str], *, with_what_is_below: bool) -> None:
        from watchfiles._rust_notify import RustNotify  # noqa: PLC0415 - Linux does not need it

        self._notify: Any = RustNotify(list(folders), False, False, 0, with_what_is_below, True)
        self._stop = threading.Event()

    def paths(self, seconds: float, is_urgent: Callable[[str], bool]) -> set[str]:
        del is_urgent  # it cannot be interrupted
        longest = round(1000 * LONGEST_BATCH_SECONDS)
        timeout = max(1, round(1000 * seconds))
        answer = self._notify.watch(longest, POLL_MS, timeout, self._stop)
        # A word instead of changes gives the reason.
        return set() if isinstance(answer, str) else {path for _change, path in answer}

    def stop(self) -> None:
        self._stop.set()

    def close(self) -> None:
        self._notify.close()
