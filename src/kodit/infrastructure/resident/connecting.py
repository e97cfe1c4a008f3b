"""Connecting to the server of a data directory and checking its identity.

    connection = connect(data_dir)             # None if no server answers
    about = handshake(connection, data_dir)    # its version, process, and what keeps it busy

The connection may then be used for requests (HTTP/1.1); as long as it is open, the server does not
stop for lack of clients.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
from collections.abc import Mapping
from os import geteuid
from pathlib import Path
from typing import Any, NamedTuple

from kodit.domain.errors import TransientError
from kodit.infrastructure.resident.place import find_socket

HANDSHAKE_PATH = "/resident"
END_PATH = "/resident/end"
ASK_PATH = "/resident/ask"
SECRETS_PATH = "/resident/secrets"
ANSWER_SECONDS = 10.0
"""How long a server may take for the handshake, which includes opening its engines."""
LARGEST_ANSWER_BYTES = 100_000
RECEIVED_AT_ONCE_BYTES = 262_144


class Resident(NamedTuple):
    """The server of a data directory, as it describes itself.

    `settings` is a digest of the settings that affect answers and runs. `stays` means that a user
    started it: it is never replaced. `busy_with` says in words why it would not end now; None if it
    is idle.
    """

    version: str
    settings: str
    pid: int
    stays: bool
    busy_with: str | None


def connect(data_dir: Path) -> socket.socket | None:
    """A connection to the server of a data directory; None if none answers. Raises UserError for a
    socket that cannot be trusted.
    """
    path = find_socket(data_dir)
    if path is None:
        return None
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(str(path))
        if _user_of(connection) not in (None, geteuid()):
            connection.close()
            return None
    except OSError:  # refused, gone, or reset: no server
        connection.close()
        return None
    return connection


def handshake(connection: socket.socket) -> Resident:
    """The server at the other end. Raises TransientError if it does not answer in time, or ends at
    that moment.
    """
    _, answer = exchange(connection, "GET", HANDSHAKE_PATH)
    try:
        return Resident(
            version=str(answer["version"]),
            settings=str(answer["settings"]),
            pid=int(answer["pid"]),
            stays=bool(answer["stays"]),
            busy_with=answer["busy_with"],
        )
    except (KeyError, TypeError, ValueError):
        raise TransientError(
            "the server of this data directory does not identify itself; stop it, and try again"
        ) from None


def ask_to_end(connection: socket.socket) -> bool:
    """Ask an idle server to end; returns whether it will. A busy or staying one continues."""
    status, _ = exchange(connection, "POST", END_PATH)
    return status == 202


def exchange(
    connection: socket.socket,
    method: str,
    path: str,
    body: bytes = b"",
    *,
    headers: Mapping[str, str] = {},
    seconds: float = ANSWER_SECONDS,
    largest: int = LARGEST_ANSWER_BYTES,
) -> tuple[int, Any]:
    """Send one request; returns the status and the JSON of its answer. Raises TransientError if
    that takes longer than `seconds` or is larger than `largest` bytes.
    """
    connection.settimeout(seconds)
    fields = {"Host": "localhost", "Content-Length": str(len(body)), **headers}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    try:
        connection.sendall("\r\n".join([*lines, "\r\n"]).encode("ascii") + body)
        return _read_answer(connection, largest)
    except (OSError, ValueError, IndexError, RecursionError) as error:
        raise TransientError(
            f"the server of this data directory has not answered: {error}"
        ) from None
    finally:
        connection.settimeout(None)


def _read_answer(connection: socket.socket, largest: int) -> tuple[int, Any]:
    head, start = _read_until(connection, b"", b"\r\n\r\n")
    fields = head.decode("latin-1").lower().split("\r\n")
    [length] = [int(field[15:]) for field in fields if field.startswith("content-length:")]
    body = bytearray(start)
    while len(body) < min(length, largest):
        body += _receive(connection)
    return int(fields[0].split()[1]), json.loads(body)


def _read_until(connection: socket.socket, data: bytes, end: bytes) -> tuple[bytes, bytes]:
    while end not in data:
        if len(data) > LARGEST_ANSWER_BYTES:
            raise ValueError("its answer is incomplete")
        data += _receive(connection)
    before, _, after = data.partition(end)
    return before, after


def _receive(connection: socket.socket) -> bytes:
    data = connection.recv(RECEIVED_AT_ONCE_BYTES)
    if not data:
        raise ConnectionError("it closed the connection")
    return data


def _user_of(connection: socket.socket) -> int | None:
    """The user id of the process at the other end; None if the system does not tell."""
    if sys.platform != "linux":
        return None
    format_ = "3i"
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize(format_))
    _, user, _ = struct.unpack(format_, data)
    return int(user)
