"""The sockets that the server listens on, bound before it does anything else.

A lock makes the server the only one of its data directory. Its socket appears under its name only
when it already listens and belongs to its user alone, so that every client that finds it is
accepted: clients may connect while the server still loads.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import secrets
import socket
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from kodit.domain.errors import KoditError, UserError
from kodit.infrastructure.files import write_atomically
from kodit.infrastructure.locks import open_lock_file, try_lock
from kodit.infrastructure.resident.connecting import connect
from kodit.infrastructure.resident.place import (
    LOCK_FILE,
    PLACE_FILE,
    SOCKET_FILE,
    fits,
    is_own_socket,
    private_folders,
    socket_elsewhere,
    why_not_private,
)

ENDING_SECONDS = 90.0
"""How long a server may take to end: to finish its answers and to stop its workers."""
LOOK_SECONDS = 0.02
BACKLOG = 128
"""How many connections are accepted in one turn of the event loop; few, so that a turn is short."""
WAITING_CONNECTIONS = 2048
"""How many the system queues until they are accepted."""


class ServerRunsError(KoditError):
    """A server of this data directory runs already."""

    default_code = "server_runs"


class ServerLock:
    """Held by the one server of a data directory, for as long as it lives."""

    def __init__(self, data_dir: Path) -> None:
        """Raises ServerRunsError if another one answers. A server that is ending or starting is
        waited for, since a starting one may fail."""
        self._descriptor = open_lock_file(data_dir / LOCK_FILE)
        if not self._is_taken(data_dir):
            held_by = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            process = f" (process {held_by})" if held_by.isdecimal() else ""
            raise ServerRunsError(
                f"a server for the data directory {data_dir} is already running{process}",
                data_dir=str(data_dir),
                process=int(held_by) if held_by.isdecimal() else None,
            )
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode("ascii"), 0)

    def _is_taken(self, data_dir: Path) -> bool:
        deadline = time.monotonic() + ENDING_SECONDS
        while not try_lock(self._descriptor):
            answering = connect(data_dir)
            if answering is not None:
                answering.close()
                return False
            if time.monotonic() > deadline:
                return False
            time.sleep(LOOK_SECONDS)
        return True

    def release(self) -> None:
        """Let another server start."""
        os.close(self._descriptor)


class LocalSocket:
    """The socket for this user's own programs; created and removed by the holder of the server's
    lock."""

    def __init__(self, data_dir: Path) -> None:
        """Raises UserError if no folder can hold a socket."""
        self._data_dir = data_dir
        for leftover in (data_dir / SOCKET_FILE, data_dir / PLACE_FILE):
            _remove_leftover(leftover)
        self.path = data_dir / SOCKET_FILE
        listening, problem = _listening_at(self.path)
        if listening is not None:
            self.socket = listening
        else:
            self.path, self.socket = self._elsewhere(problem)
            place = os.fsencode(self.path)
            write_atomically(data_dir / PLACE_FILE, place, durable=False)
        self._identity = _identity(self.path)

    def _elsewhere(self, problem: str) -> tuple[Path, socket.socket]:
        problems = [f"{self._data_dir}: {problem}"]
        for folder in private_folders():
            path = socket_elsewhere(self._data_dir, folder)
            try:
                folder.mkdir(mode=0o700, exist_ok=True)
                reason = why_not_private(folder)
            except OSError as error:
                reason = error.strerror
            if reason is None:
                if is_own_socket(path):
                    path.unlink(missing_ok=True)
                listening, reason = _listening_at(path)
                if listening is not None:
                    return path, listening
            problems.append(f"{folder}: {reason}")
        raise UserError(
            f"no folder can hold the server's socket ({'; '.join(problems)}); choose a data "
            "directory with a shorter path, or set XDG_RUNTIME_DIR to a folder of your own"
        )

    @property
    def is_there(self) -> bool:
        """Whether clients can still find it."""
        return _identity(self.path) == self._identity

    def remove(self) -> None:
        """Stop listening, and remove the file, unless another process has replaced it."""
        self.socket.close()
        if self.is_there:
            self.path.unlink(missing_ok=True)
            if self.path.parent != self._data_dir:
                (self._data_dir / PLACE_FILE).unlink(missing_ok=True)


def _remove_leftover(path: Path) -> None:
    """Remove the socket of a killed server. Never removes a folder, and of a link only the link."""
    with suppress(FileNotFoundError):
        if stat.S_ISDIR(path.lstat().st_mode):
            raise UserError(f"{path} is a folder, and the server needs that name; move it away")
        path.unlink()


def _listening_at(path: Path) -> tuple[socket.socket, str] | tuple[None, str]:
    """A socket that listens under this name, or why there can be none."""
    if not fits(path):
        return None, "its path is too long for a socket"
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    temporary = path.with_name(f"{secrets.token_hex(4)}.s")  # shorter than any name it may get
    try:
        listening.bind(str(temporary))
        temporary.chmod(0o600)
        listening.listen(WAITING_CONNECTIONS)
        temporary.replace(path)
    except OSError as error:
        listening.close()
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        return None, f"it cannot hold a socket: {error.strerror}"
    listening.setblocking(False)
    return listening, ""


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def listen_on_tcp(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen at every address of the host; port 0 picks a free one. Raises UserError
    if the host has no address or the port is taken."""
    try:
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
        )
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "it is not a host name"
        raise UserError(f"the host {host} has no address: {why}") from None
    sockets: list[socket.socket] = []
    try:
        for family, address in dict.fromkeys((one[0], one[4]) for one in found):
            if sockets and port == 0:  # the same free port at each address
                address = (address[0], sockets[0].getsockname()[1], *address[2:])  # noqa: PLW2901
            if (listening := _tcp_socket(family, address)) is not None:
                sockets.append(listening)
    except OSError as error:
        for listening in sockets:
            listening.close()
        if error.errno == errno.EADDRINUSE:
            raise UserError(
                f"port {port} of {host} is in use by another program; choose one with --port"
            ) from None
        raise UserError(f"cannot listen on {host}, port {port}: {error.strerror}") from None
    if not sockets:
        raise UserError(f"the host {host} has no address on this machine")
    return sockets


def _tcp_socket(family: int, address: Any) -> socket.socket | None:
    """A socket that listens; None for an address that this machine does not have, such as an IPv6
    one while IPv6 is off. Raises OSError."""
    try:
        # With an explicit protocol, asyncio sets TCP_NODELAY, so that no answer waits for more
        # data.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError as error:
        if error.errno == errno.EAFNOSUPPORT:
            return None
        raise
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(address)
        listening.listen(WAITING_CONNECTIONS)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRNOTAVAIL:
            return None
        raise
    return listening


def is_loopback(sockets: list[socket.socket]) -> bool:
    """Whether only this machine can reach them."""
    return all(
        ipaddress.ip_address(str(one.getsockname()[0]).partition("%")[0]).is_loopback
        for one in sockets
    )
