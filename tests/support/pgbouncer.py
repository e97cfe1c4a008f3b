"""A pooler between the tests and their PostgreSQL server."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.support.command import wait_until
from tests.support.ports import free_port


@contextmanager
def running_pgbouncer(url: str, mode: str) -> Iterator[str]:
    """The address of the database at `url`, which is on a socket of this machine, through a pooler
    in this mode; skips the test where `pgbouncer` is not installed."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    parts = urlsplit(url)
    database, (folder,) = parts.path[1:], parse_qs(parts.query)["host"]
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="kodit-pgbouncer-") as own:
        shutil.chown(own, user)
        settings = Path(own) / "pgbouncer.ini"
        settings.write_text(
            f"[databases]\n{database} = host={folder} dbname={database} user=kodit\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\n"
            f"pool_mode = {mode}\nunix_socket_dir =\n"
            "max_client_conn = 200\ndefault_pool_size = 50\n"
        )
        settings.chmod(0o644)
        command = [program, "-q", *(["-u", user] if os.geteuid() == 0 else []), str(settings)]
        with subprocess.Popen(command, cwd="/", stderr=subprocess.DEVNULL) as pooler:
            try:
                wait_until(lambda: _answers(port) or pooler.poll() is not None)
                yield f"postgresql://kodit@127.0.0.1:{port}/{database}"
            finally:
                pooler.terminate()


def _answers(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0
