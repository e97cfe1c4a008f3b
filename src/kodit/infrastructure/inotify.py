"""Linux's file system events: waiting for them costs nothing."""

from __future__ import annotations

import ctypes
import errno
import os
import select
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

IN_MODIFY: Final = 0x0000_0002
IN_ATTRIB: Final = 0x0000_0004
IN_CLOSE_WRITE: Final = 0x0000_0008
IN_MOVED_FROM: Final = 0x0000_0040
IN_MOVED_TO: Final = 0x0000_0080
IN_CREATE: Final = 0x0000_0100
IN_DELETE: Final = 0x0000_0200
IN_DELETE_SELF: Final = 0x0000_0400
IN_MOVE_SELF: Final = 0x0000_0800
IN_UNMOUNT: Final = 0x0000_2000
IN_Q_OVERFLOW: Final = 0x0000_4000
IN_IGNORED: Final = 0x0000_8000
IN_ONLYDIR: Final = 0x0100_0000
_NONBLOCK: Final = os.O_NONBLOCK
_CLOEXEC: Final = os.O_CLOEXEC
_HEADER: Final = struct.Struct("iIII")
"""Watch, mask, cookie, and the length of the name that follows; from `linux/inotify.h`."""
_READ_BYTES: Final = 65_536


class Event(NamedTuple):
    """An event in the folder of a watch, or at the entry with that name in it."""

    watch: int
    mask: int
    name: bytes


class Inotify:
    """Watches on folders, not on subfolders. `add`, `wait` and `read` are for one thread at a time,
    `wake` for any. Raises OSError if the system's limit is reached.
    """

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._called(self._library.inotify_init1(_NONBLOCK | _CLOEXEC))
        try:
            self._waking = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        except OSError:
            os.close(self._descriptor)
            raise
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLIN)
        self._poll.register(self._waking, select.POLLIN)

    def add(self, folder: str, mask: int) -> int:
        """Watch a folder; returns the number of the watch. Raises OSError, which names the
        folder.
        """
        path = os.fsencode(folder)
        return self._called(
            self._library.inotify_add_watch(
                self._descriptor, ctypes.c_char_p(path), ctypes.c_uint32(mask | IN_ONLYDIR)
            ),
            folder,
        )

    def wait(self, seconds: float) -> bool:
        """Wait at most `seconds` for events, or until `wake` is called; returns whether there are
        events.
        """
        ready = dict(self._poll.poll(max(0.0, 1000 * seconds)))
        if self._waking in ready:
            os.eventfd_read(self._waking)
        return self._descriptor in ready

    def wake(self) -> None:
        """Make the current or the next `wait` return."""
        os.eventfd_write(self._waking, 1)

    def read(self) -> Iterator[Event]:
        """The events that are there now, up to the size of one read."""
        try:
            data = os.read(self._descriptor, _READ_BYTES)
        except BlockingIOError:
            return
        place = 0
        while place < len(data):
            watch, mask, _cookie, length = _HEADER.unpack_from(data, place)
            place += _HEADER.size + length
            yield Event(watch, mask, data[place - length : place].rstrip(b"\0"))

    def close(self) -> None:
        """End all watches. No thread may be waiting."""
        os.close(self._descriptor)
        os.close(self._waking)

    def _called(self, result: int, path: str | None = None) -> int:
        if result >= 0:
            return result
        number = ctypes.get_errno()
        if path is None:
            raise OSError(number, os.strerror(number))
        if number == errno.ENOSPC:  # whose usual message is about a disk
            raise OSError(number, "no more folders can be watched", path)
        raise OSError(number, os.strerror(number), path)
