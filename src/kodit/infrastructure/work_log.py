"""An append-only record of the work of parsers and models, outside the database.

Tests use it to check that no work is repeated after a crash. Each line is one batch: a name, a
space, a count. It is written before the batch starts, so that an interrupted batch counts too.
Appends of this size are atomic on a local file system.
"""

from __future__ import annotations

import os

VARIABLE = "KODIT_WORK_LOG"


def record_work(name: str, count: int) -> None:
    """Append a line, if the environment variable names a file."""
    path = os.environ.get(VARIABLE)
    if not path:
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, f"{name} {count}\n".encode())
    finally:
        os.close(descriptor)
