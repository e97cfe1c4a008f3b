"""Ending a process together with its parent. Imports next to nothing: every child imports it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
"""From `linux/prctl.h`."""


def death_with_parent(parent: int) -> Callable[[], None]:
    """A function that the child of the process `parent` calls, after a fork too, to be killed when
    that ends. Elsewhere than on Linux it only ends a child whose parent has ended already."""
    prctl = None
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - costs as much as the rest of a child's start

        prctl = ctypes.CDLL(None).prctl

    def die_with_parent() -> None:
        if prctl is not None:
            # The signal comes even while the process is in a C function that holds the interpreter.
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return die_with_parent
