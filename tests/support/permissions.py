"""Making file permissions effective, even when the tests run as root."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

PR_CAPBSET_DROP = 24
"""From `linux/prctl.h`; the other two from `linux/capability.h`."""
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
CAP_KILL = 5
CAPABILITY_VERSION = 0x2008_0522
"""Three sets, the effective one first, each of 64 bits in two halves."""
NOBODY = 65_534

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


@contextmanager
def process_of_another_user() -> Iterator[int]:
    """One to which this thread may send no signals, even if the tests run as root."""
    if os.geteuid():
        yield 1
        return
    library = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    capabilities = (ctypes.c_uint32 * 6)()
    with subprocess.Popen(["sleep", "600"], user=NOBODY) as process:
        try:
            assert library.capget(header, capabilities) == 0
            had = capabilities[0]
            capabilities[0] = had & ~(1 << CAP_KILL)
            assert library.capset(header, capabilities) == 0
            try:
                yield process.pid
            finally:
                capabilities[0] = had
                assert library.capset(header, capabilities) == 0
        finally:
            process.kill()
