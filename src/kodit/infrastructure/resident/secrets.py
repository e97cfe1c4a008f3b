"""Secrets that a server keeps for its workers, in memory only, as long as it runs.

A command with a secret in an environment variable hands it to the server over its socket, before it
queues a run that needs it. A worker of the server requests it when it reads the source, over one
end of a private socket pair: it sends a line of JSON, `[reference, server]`, and receives a line
`{"username": …, "password": …}` or `null`.
"""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from pathlib import Path

from kodit.domain.errors import TransientError, UserError
from kodit.domain.source import Credentials
from kodit.infrastructure.resident.connecting import SECRETS_PATH, connect, exchange


class SecretsForServer:
    """The side of a command, which hands secrets over."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir

    def give(self, reference: str, server: str, credentials: Credentials) -> None:
        """Hand over to the server of the data directory. Does nothing if no trusted server answers
        or it takes no secrets; a worker that lacks a secret reports that in its run.
        """
        body = {
            "reference": reference,
            "server": server,
            "username": credentials.username,
            "password": credentials.password,
        }
        with suppress(TransientError, UserError):
            connection = connect(self._data_dir)
            if connection is not None:
                with connection:
                    exchange(connection, "POST", SECRETS_PATH, json.dumps(body).encode("ascii"))

    def find(self, _reference: str, _server: str) -> Credentials | None:
        """Always None: a command has variables of its own."""
        return None


class SecretsFromServer:
    """The side of a worker. Thread-safe."""

    def __init__(self, connection: socket.socket) -> None:
        """`connection` belongs to the worker alone: no child process inherits it."""
        connection.set_inheritable(False)
        self._connection = connection
        self._answers = connection.makefile("rb")
        self._asking = threading.Lock()

    def give(self, _reference: str, _server: str, _credentials: Credentials) -> None:
        """Does nothing: the worker's variables are those of its server."""

    def find(self, reference: str, server: str) -> Credentials | None:
        """The value that was handed over to the server last. Raises TransientError if the server
        has ended.
        """
        question = json.dumps([reference, server]).encode("ascii") + b"\n"
        with self._asking:
            try:
                self._connection.sendall(question)
                line = self._answers.readline()
            except OSError:
                line = b""
        if not line.endswith(b"\n"):
            raise TransientError("the server that this worker belongs to has ended")
        answer = json.loads(line)
        return None if answer is None else Credentials(answer["username"], answer["password"])
