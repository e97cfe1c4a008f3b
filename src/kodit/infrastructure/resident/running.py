"""Whether a server of a data directory runs, found out without disturbing it."""

from __future__ import annotations

import os
from pathlib import Path

from kodit.infrastructure.locks import open_lock_file, try_lock
from kodit.infrastructure.resident.place import LOCK_FILE


def server_process(data_dir: Path) -> str | None:
    """The server in words, with its process; None if none runs."""
    path = data_dir / LOCK_FILE
    if not path.exists():
        return None
    descriptor = open_lock_file(path)
    try:
        if try_lock(descriptor):
            return None
        held_by = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
    finally:
        os.close(descriptor)
    return f"a server (process {held_by})" if held_by.isdecimal() else "a server"
