"""Making file permissions effective, even when the tests run as root."""

from __future__ import annotations

import ctypes
import os
import sys

import pytest

PR_CAPBSET_DROP = 24
"""From `linux/prctl.h`; the other two from `linux/capability.h`."""
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2

needs_permissions = pytest.mark.skipif(
    sys.platform != "linux" and os.geteuid() == 0, reason="root may do anything"
)


def lose_privileges() -> None:
    """Called between fork and exec: a program of root then only has the permissions of the files'
    modes.
    """
    if os.geteuid() == 0:
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability)
