"""A process that has loaded Kodit and forks a command on request.

Each command is a process of its own, in its own session, as if started by a shell; this saves the
half second of imports, a thousand times over. The server loads the modules of commands, builds
these, and starts no thread, so that no lock is held at a fork.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import runpy
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer.main
from tests.support import child_server
from tests.support.built_commands import built_command

MESSAGE_BYTES = 1 << 20
STREAMS = 3
"""Standard output, standard error, and the pipe for the exit status."""

PACKAGES = ("application", "composition", "faces.cli", "infrastructure")
LIBRARIES = ("alembic.command", "numpy", "sqlalchemy.dialects.sqlite.pysqlite", "tantivy")
"""Modules that commands import on demand."""


class CommandServer:
    """The process, started when first needed; it ends with its client."""

    def __init__(self) -> None:
        self._connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for kind in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            self._connection.setsockopt(socket.SOL_SOCKET, kind, MESSAGE_BYTES)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            )

    def start(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        folder: str,
        *,
        forks_children: bool,
    ) -> tuple[int, list[int]]:
        """Fork `kodit ARGUMENTS`: its process id, and descriptors to read its output, its errors
        and its exit status (in decimal digits, in the form of `os.waitpid`). If `forks_children`,
        its own children are forked too.
        """
        ours, theirs = zip(*(os.pipe() for _ in range(STREAMS)), strict=True)
        asked = {
            "arguments": list(arguments),
            "environment": dict(environment),
            "folder": folder,
            "forks_children": forks_children,
        }
        try:
            socket.send_fds(self._connection, [json.dumps(asked).encode()], theirs)
            process_id = int(self._connection.recv(MESSAGE_BYTES))
        finally:
            for end in theirs:
                os.close(end)
        return process_id, list(ours)


def serve(connection: socket.socket) -> dict[str, Any] | None:
    """Fork for each message, until there are no more; in a fork, return its command."""
    keepers: set[int] = set()
    while True:
        message, ends, _, _ = socket.recv_fds(connection, MESSAGE_BYTES, STREAMS)
        keepers -= {keeper for keeper in keepers if os.waitpid(keeper, os.WNOHANG)[0]}
        if not message:
            return None
        keeper = os.fork()
        if keeper == 0:
            _keep(connection, *ends)
            return dict(json.loads(message))
        keepers.add(keeper)
        for end in ends:
            os.close(end)


def _keep(connection: socket.socket, output: int, errors: int, status: int) -> None:
    """Fork the command, wait for it and report its exit status, while the server takes the next
    one. Returns only in the command's process.
    """
    command = os.fork()
    if command == 0:
        os.setsid()
        os.dup2(output, 1)
        os.dup2(errors, 2)
        for end in (output, errors, status):
            os.close(end)
        connection.close()
        return
    connection.send(str(command).encode())
    connection.close()
    os.close(output)
    os.close(errors)
    _, ended = os.waitpid(command, 0)
    os.write(status, str(ended).encode())
    os._exit(0)


def load() -> None:
    """Import the modules of commands, and check that none of them started a thread."""
    for name in PACKAGES:
        package = importlib.import_module(f"kodit.{name}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" not in module.name:
                importlib.import_module(module.name)
    for name in LIBRARIES:
        importlib.import_module(name)
    built_command(importlib.import_module("kodit.faces.cli.app").app)
    typer.main.get_command = built_command
    child_server.load()
    assert len(list(Path("/proc/self/task").iterdir())) == 1
    gc.collect()
    gc.freeze()


def main() -> None:
    """Run the server, and in each fork the command."""
    connection = socket.socket(fileno=int(sys.argv[1]))
    load()
    asked = serve(connection)
    if asked is None:
        return
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    sys.argv = ["kodit", *asked["arguments"]]
    if asked["forks_children"] and "index" in asked["arguments"]:
        child_server.fork_server()
        child_server.let_pools_fork(True)
    runpy.run_module("kodit", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
