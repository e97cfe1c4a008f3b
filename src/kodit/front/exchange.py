"""One request to the server: a POST over its socket, and the messages that come back."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator

from kodit.front.messages import Message

LONGEST_SILENCE_SECONDS = 60.0
"""The server answers every call in less time, and sends something every 15 seconds meanwhile."""
LONGEST_LINE_BYTES = 16_000_000


class LostConnectionError(Exception):
    """The connection ended before the server had answered."""


class Exchange:
    """One request over a connection of its own. `close` ends it from any thread, and the server
    then stops working on it."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(LONGEST_SILENCE_SECONDS)
        self._socket = connection
        self._http = http.client.HTTPConnection("localhost", timeout=LONGEST_SILENCE_SECONDS)
        self._http.sock = connection
        self._closing = threading.Lock()
        self.is_closed = False

    def close(self) -> None:
        """End the exchange, even while another thread waits for it."""
        with self._closing:
            if self.is_closed:
                return
            self.is_closed = True
            with contextlib.suppress(OSError):  # the other side was faster
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()

    def messages(self, message: Message, headers: dict[str, str]) -> Iterator[Message]:
        """Send a message and yield what comes back, the response last. Raises LostConnectionError
        if the connection ends before that."""
        try:
            self._http.request(
                "POST",
                "/mcp",
                json.dumps(message, separators=(",", ":")).encode(),
                {
                    "Content-Type": "application/json",
                    "Accept": "application/json, text/event-stream",
                    "Connection": "close",
                    **headers,
                },
            )
            response = self._http.getresponse()
            if response.headers.get_content_type() == "text/event-stream":
                yield from _events(response)
                return
            text = response.read()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise LostConnectionError(str(error) or type(error).__name__) from error
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or "id" not in answer:
            said = text.decode("utf-8", "replace").strip()[:500]
            raise RefusedError(f"the server answered {response.status}: {said}")
        if answer["id"] is None:  # the server could not read the identifier, but here it is known
            answer["id"] = message["id"]
        yield answer


class RefusedError(Exception):
    """The server answered with something that is not a message."""


def _events(response: http.client.HTTPResponse) -> Iterator[Message]:
    """The messages of a stream of server-sent events."""
    data: list[bytes] = []
    while line := response.readline(LONGEST_LINE_BYTES):
        line = line.rstrip(b"\r\n")
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif not line and data:
            message = json.loads(b"\n".join(data))
            data = []
            if isinstance(message, dict):
                yield message
                if "method" not in message:
                    return  # the response
    raise http.client.IncompleteRead(b"")
