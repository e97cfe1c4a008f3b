"""An append-only record of what parsers and models did, outside the database.

Tests ask for it, to see that a crash makes nothing be done twice. Each line is one batch: a name,
a space, a count. It is written before the batch starts, so that one which a kill cuts short
counts too. Appends of this size are atomic on a local file system.
"""

from __future__ import annotations

import os

VARIABLE = "KODIT_WORK_LOG"


def record_work(name: str, count: int) -> None:
    """Append a line, when the environment variable names a file."""
    path = os.environ.get(VARIABLE)
    if not path:
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, f"{name} {count}\n".encode())
    finally:
        os.close(descriptor)
