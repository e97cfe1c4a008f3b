"""The messages that the guard passes to an application and back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from email.utils import formatdate

from kodit.server.problems import Message, Refusal, Send

_EVENT_STREAM = b"text/event-stream"


class Replay:
    """Sends an application the body in one piece, then the end of the connection."""

    def __init__(self, body: bytes, lost: asyncio.Event) -> None:
        self._body: bytes | None = body
        self._lost = lost

    async def __call__(self) -> Message:
        body, self._body = self._body, None
        if body is not None:
            return {"type": "http.request", "body": body, "more_body": False}
        await self._lost.wait()
        return {"type": "http.disconnect"}


class Answer:
    """Tracks how much of an answer has been sent. `on_stream` is called when it turns out to be a
    stream of events."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._is_closed = False
        self._is_complete = False
        self.is_started = False
        self.is_stream = False
        self.on_stream: Callable[[], object] | None = None

    async def send(self, message: Message) -> None:
        """Send, unless the answer was completed in another way meanwhile."""
        if not self._is_closed:
            await self.force_send(message)

    async def force_send(self, message: Message) -> None:
        """Send, with the headers of every answer."""
        if message["type"] == "http.response.start":
            self.is_started = True
            headers = list(message.get("headers", ()))
            kinds = [value for name, value in headers if name.lower() == b"content-type"]
            self.is_stream = any(kind.startswith(_EVENT_STREAM) for kind in kinds)
            if self.is_stream and self.on_stream is not None:
                self.on_stream()
            headers.append((b"date", formatdate(usegmt=True).encode("ascii")))
            message = {**message, "headers": headers}
        elif message["type"] == "http.response.body":
            self._is_complete = not message.get("more_body", False)
        await self._send(message)

    def close(self) -> None:
        """Drop everything that the application still sends."""
        self._is_closed = True

    async def complete(self, otherwise: Refusal) -> None:
        """End a stream that has started, or send another answer; does nothing for a complete
        answer."""
        self.close()
        if not self.is_started:
            await otherwise.send(self.force_send)
        elif self.is_stream and not self._is_complete:
            await self.force_send({"type": "http.response.body", "body": b""})
