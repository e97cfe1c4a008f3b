"""Starting a server in the background: it outlives the process that started it, and ends by
itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from kodit.domain.errors import UserError
from kodit.infrastructure.another_program import refuse_another_database
from kodit.infrastructure.processes.environment import steady_environment
from kodit.infrastructure.resident.place import LOG_FILE
from kodit.infrastructure.trust import open_plain_file

IDLE_MINUTES = 30
ALREADY_RUNNING = 3
"""The exit status of a server that finds another one running."""


def start_server(data_dir: Path, idle_minutes: float = IDLE_MINUTES) -> subprocess.Popen[bytes]:
    """Start a detached server of the data directory: in its own session, without pipes to this
    process, logging to `server.log`. It listens only on its socket. If one is already running, the
    new one exits immediately (`ALREADY_RUNNING`), so several may be started at once.

    Raises OSError if no process can be started or the data directory cannot be written, and
    UserError if the log is not a file, or if another program keeps its database there.
    """
    refuse_another_database(data_dir / "kodit.db")
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = open_plain_file(data_dir / LOG_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        return subprocess.Popen(
            [
                *(sys.executable, "-P", "-m", "kodit", "--data-dir", str(data_dir)),
                *("serve", "--no-tcp", "--idle-minutes", f"{idle_minutes:g}"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            cwd=data_dir,
            env=steady_environment(),
            start_new_session=True,
        )
    finally:
        os.close(log)


def why_it_ended(data_dir: Path) -> str | None:
    """The last line in the log of a server that failed to start."""
    try:
        with os.fdopen(open_plain_file(data_dir / LOG_FILE, os.O_RDONLY), "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 10_000))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except (OSError, UserError):
        return None
    said = [line for line in lines if line.startswith("kodit: ")]
    return said[-1].removeprefix("kodit: ") if said else None
