"""Ending a process and its descendants."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path


def end_process_tree(pid: int) -> None:
    """Kill a process and its descendants: git leaves its helpers behind when it is killed."""
    tree = [pid]
    for member in tree:
        tree += _children(member)
    for member in tree:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(member, signal.SIGKILL)


def _children(pid: int) -> list[int]:
    try:
        return [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text("ascii").split()
        ]
    except OSError:
        pass
    with suppress(OSError, subprocess.SubprocessError):
        listed = subprocess.run(
            ["pgrep", "-P", str(pid)], capture_output=True, check=False, timeout=5
        )
        return [int(child) for child in listed.stdout.split()]
    return []
