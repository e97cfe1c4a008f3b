"""The descriptors that this process has open."""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress

CLOSING_SECONDS = 20.0
"""How long another thread may take to close what it is reading at the moment."""


def open_folders() -> set[int]:
    """The descriptors of folders."""
    found = set()
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - of descriptors
        with suppress(OSError):  # that of the listing itself
            if stat.S_ISDIR(os.fstat(int(name)).st_mode):
                found.add(int(name))
    return found


def folders_left_open(before: set[int]) -> set[int]:
    """The descriptors of folders that stay open and were not open before."""
    end = time.monotonic() + CLOSING_SECONDS
    while (left := open_folders() - before) and time.monotonic() < end:
        time.sleep(0.01)
    return left
