"""`kodit serve` as a separate process, and plain HTTP with it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from tests.support.command import PATIENCE_SECONDS, KoditCommand, kill_group, wait_until


class Reply(NamedTuple):
    """A server's answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class RunningServer:
    """A server over a data directory, at a free port of loopback by default; ended at the end of
    the block.
    """

    def __init__(self, command: KoditCommand, *arguments: str) -> None:
        self.command = command
        self._arguments = arguments or ("--port", "0", "--no-worker")
        self._lines: list[str] = []

    def __enter__(self) -> Self:
        self.process = self.command.start("serve", *self._arguments)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            wait_until(lambda: self.is_ready or self.process.poll() is not None)
            assert self.is_ready, self.log
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE_SECONDS)
        finally:
            self._end()

    def _end(self) -> None:
        kill_group(self.process)
        self.process.wait()
        self._reader.join()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    @property
    def log(self) -> str:
        """What the server has logged so far."""
        return "".join(self._lines)

    @property
    def is_ready(self) -> bool:
        return 'event="server ready"' in self.log

    @property
    def port(self) -> int:
        """Where it listens at loopback."""
        found = re.search(r"tcp=[\d.]+:(\d+)", self.log)
        assert found is not None, self.log
        return int(found[1])

    @property
    def socket_path(self) -> Path:
        found = re.search(r"socket=(\S+)", self.log)
        assert found is not None, self.log
        return Path(found[1])

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; returns the exit status."""
        os.kill(self.process.pid, number)
        return self.process.wait(PATIENCE_SECONDS)

    def get(self, path: str, **headers: str) -> Reply:
        """A request over TCP."""
        return self.ask("GET", path, headers=headers)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = {}
    ) -> Reply:
        """A request over TCP. `_` in a header's name stands for `-`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        return exchange(connection, method, path, body, headers)

    def ask_locally(self, method: str, path: str, **headers: str) -> Reply:
        """A request over the socket."""
        connection = http.client.HTTPConnection("localhost", timeout=PATIENCE_SECONDS)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.socket_path))
        return exchange(connection, method, path, None, headers)

    def children(self) -> list[int]:
        """Its descendants, on Linux."""
        return [
            int(child)
            for task in Path(f"/proc/{self.process.pid}/task").iterdir()
            for child in (task / "children").read_text("ascii").split()
        ]

    def _read(self) -> None:
        assert self.process.stderr is not None
        self._lines.extend(self.process.stderr)  # as they come


def exchange(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] = {},
) -> Reply:
    try:
        connection.request(
            method, path, body, {name.replace("_", "-"): value for name, value in headers.items()}
        )
        response = connection.getresponse()
        return Reply(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()
