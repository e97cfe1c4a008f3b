"""A separate real PostgreSQL server for tests, on a socket that no other user can reach."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL

_UNPRIVILEGED = "nobody"
"""The server's user when the tests run as root: it refuses to run as root."""


def find_postgresql() -> Path | None:
    """The folder of the server's programs, which Debian keeps off PATH."""
    found = [*Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if (on_path := shutil.which("initdb")) is not None:
        found.append(Path(on_path))
    return found[-1].parent if found else None


@contextmanager
def running_postgresql(programs: Path) -> Iterator[URL]:
    """A new server with an empty database, as an address for SQLAlchemy; removed afterwards."""
    owner = _UNPRIVILEGED if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    # Not below pytest's folder: only the user who runs the tests can enter that.
    with tempfile.TemporaryDirectory(prefix="kodit-postgresql-") as folder:
        shutil.chown(folder, owner)
        data = Path(folder) / "data"

        def run(program: str, *arguments: str) -> None:
            subprocess.run(
                [programs / program, *arguments],
                user=owner if os.geteuid() == 0 else None,
                cwd=folder,
                check=True,
                stdout=subprocess.DEVNULL,
            )

        run("initdb", "--pgdata", str(data), "--username=kodit", "--auth=trust", "--no-sync")
        settings = f"-c fsync=off -c listen_addresses='' -c unix_socket_directories={folder}"
        log = Path(folder) / "log"
        run("pg_ctl", "start", "--wait", "-D", str(data), "-l", str(log), "-o", settings)
        try:
            yield URL.create(
                "postgresql+psycopg", username="kodit", database="postgres", query={"host": folder}
            )
        finally:
            run("pg_ctl", "stop", "--wait", "-D", str(data), "-m", "immediate")
