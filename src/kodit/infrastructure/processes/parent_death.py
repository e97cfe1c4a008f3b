"""Ending a process together with its parent. Imports next to nothing: every child imports it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
"""From `linux/prctl.h`."""


def death_with_parent(parent: int) -> Callable[[], None]:
    """A function for the child of the process `parent` to call, also after a fork: the child is
    then killed when the parent ends. On systems other than Linux it only ends a child whose parent
    has already ended.
    """
    prctl = None
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - costs as much as the rest of a child's start

        prctl = ctypes.CDLL(None).prctl

    def die_with_parent() -> None:
        if prctl is not None:
            # The signal arrives even while a C function holds the interpreter's lock.
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return die_with_parent
