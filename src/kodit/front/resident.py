"""Connects the front to the resident server, and starts one if there is none."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

from kodit.domain.errors import KoditError, TransientError, UserError
from kodit.infrastructure.resident.connecting import ask_to_end, connect, handshake
from kodit.infrastructure.resident.starting import start_server, why_it_ended
from kodit.settings import Settings

SECONDS_TO_START = 40.0
"""How long a server may take to answer for the first time, on a machine that is busy indexing."""
SECONDS_BETWEEN_LOOKS = 0.02
ALREADY_RUNNING = 3
"""The exit status of a server that finds another one running."""


class Resident:
    """Connections to the server of a data directory, for any number of threads. One connection is
    kept open, so that the server stays as long as it has a client."""

    def __init__(self, settings: Settings, folder: str | None, version: str) -> None:
        """`folder` is the client's working folder; `version` is that of this program."""
        self._data_dir = settings.data_dir
        self._settings = settings.digest
        self._version = version
        self._starting = threading.Lock()
        self._kept: socket.socket | None = None
        self._folder = folder

    def headers(self, roots: Sequence[str] = ()) -> dict[str, str]:
        """The headers with the client's folder and, if it has any, its roots. For a program that
        works in another folder than it was started in, the first root is the folder."""
        folder = self._folder
        if roots and not any(f"{folder}/".startswith(f"{root.rstrip('/')}/") for root in roots):
            folder = roots[0]
        headers = {} if folder is None else {"X-Kodit-Folder": percent_encoded(folder)}
        return headers | ({"X-Kodit-Roots": ",".join(map(percent_encoded, roots))} if roots else {})

    def connect(self) -> socket.socket:
        """A new connection. Raises KoditError if there is no server and none can be started."""
        with self._starting:
            connection = connect(self._data_dir) if self._kept is not None else None
            if connection is None:
                if self._kept is not None:
                    self._kept.close()
                self._kept = self._joined()
                connection = connect(self._data_dir)
        if connection is None:
            raise TransientError("the Kodit server stopped as soon as it had started; try again")
        return connection

    def _joined(self) -> socket.socket:
        """A connection to a server of this version, which is started if there is none."""
        deadline = time.monotonic() + SECONDS_TO_START
        started: subprocess.Popen[bytes] | None = None
        while True:
            connection = connect(self._data_dir)
            if connection is not None and self._is_right(connection):
                return connection
            if started is None and connection is None:
                started = self._start()
            if started is not None and started.poll() not in (None, 0, ALREADY_RUNNING):
                why = why_it_ended(self._data_dir) or f"exit status {started.returncode}"
                raise KoditError(f"the Kodit server did not start: {why}")
            if time.monotonic() > deadline:
                raise TransientError(
                    f"the Kodit server has not answered within {SECONDS_TO_START:.0f} seconds; its "
                    f"log is {self._data_dir / 'server.log'}"
                )
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            started = start_server(self._data_dir)
        except OSError as error:
            raise KoditError(
                f"the Kodit server of {self._data_dir} cannot be started: {error}"
            ) from None
        except UserError as refused:
            raise KoditError(
                f"the Kodit server did not start: {refused}; choose another data directory with "
                "--data-dir or KODIT_DATA_DIR"
            ) from None
        # It may end long before this process, and must not stay a zombie then.
        threading.Thread(target=started.wait, daemon=True).start()
        return started

    def _is_right(self, connection: socket.socket) -> bool:
        """Whether to use the server. An idle one of another version or with other settings is asked
        to end, and is replaced; one that does not end is used as it is."""
        try:
            about = handshake(connection)
            if (about.version, about.settings) == (self._version, self._settings):
                return True
            if not ask_to_end(connection):
                what = (
                    f"is version {about.version}, not {self._version}"
                    if about.version != self._version
                    else "has other settings"
                )
                why = about.busy_with or "it was started to keep running"
                sys.stderr.write(
                    f"kodit: the server of {self._data_dir} (process {about.pid}) {what}, and is "
                    f"not replaced: {why}\n"
                )
                return True
        except TransientError:
            pass  # it has just ended
        connection.close()
        return False


def percent_encoded(path: str) -> str:
    """The bytes of a path in a form that a header allows."""
    return "".join(
        chr(byte) if (chr(byte).isalnum() and byte < 128) or byte in b"/._-~" else f"%{byte:02X}"
        for byte in os.fsencode(path)
    )
