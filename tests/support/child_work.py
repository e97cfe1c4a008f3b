"""What tests let child processes do."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import Any


def answer_large(size: int, *, report: Any) -> bytes:
    """An answer that takes many reads."""
    report(0, size)
    return bytes(size)


def tell_own_id(*, report: Any) -> int:
    """The id of the process that runs this."""
    report(0, None)
    return os.getpid()


def work_on(*, report: Any) -> None:
    """Report the id of the process that runs this, and take long."""
    report(os.getpid(), None)
    time.sleep(600)


def go_silent(*, report: Any) -> None:
    """Report once and never again, while a process of one's own works on."""
    child = subprocess.Popen(["sleep", "600"])
    report(child.pid, None)
    time.sleep(600)


def die(*, report: Any) -> None:
    """End as a crash in native code would."""
    report(0, None)
    os.kill(os.getpid(), signal.SIGSEGV)


def refuse(*, report: Any) -> None:
    """Raise an error."""
    report(0, None)
    raise LookupError("there is nothing here")
