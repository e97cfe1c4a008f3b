"""What stands between a connection and the faces: who may come in, how much they may send, and how
long an answer may take."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path

from kodit.application.services.threads import in_thread
from kodit.domain.caller import Caller
from kodit.server.access import OPEN_PATHS, Access
from kodit.server.activity import Activity
from kodit.server.connections import Connection
from kodit.server.limits import Limits
from kodit.server.problems import (
    AsgiApp,
    Message,
    Receive,
    Refusal,
    Scope,
    Send,
    header_values,
)
from kodit.server.resident import RESIDENT_PATHS

log = logging.getLogger(__name__)

CALLER = "kodit.caller"
"""The key of an ASGI scope under which faces find their caller."""
_EVENT_STREAM = b"text/event-stream"


class Bodies:
    """How much memory the bodies of all requests take."""

    def __init__(self, most: int) -> None:
        self.left = most


class Guard:
    """The application of one way in, over the faces."""

    def __init__(
        self, app: AsgiApp, access: Access, limits: Limits, activity: Activity, bodies: Bodies
    ) -> None:
        self._app = app
        self._access = access
        self._limits = limits
        self._activity = activity
        self.bodies = bodies
        self._streams: set[asyncio.Task[None]] = set()
        self._late: set[asyncio.Task[None]] = set()

    async def __call__(
        self, connection: Connection, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer one request."""
        answer = _Answer(send)
        with self._activity.request():
            admitted = self._access.admit(scope)
            if not isinstance(admitted, Caller):
                await admitted.send(answer.send)
                return
            scope[CALLER] = admitted
            body = bytearray()
            try:
                refusal = await self._receive(scope, receive, body)
                if refusal is not None:
                    await refusal.send(answer.send)
                else:
                    await self._run(connection, scope, bytes(body), answer)
            except _ClientGone:
                return
            finally:
                self.bodies.left += len(body)

    def end_streams(self) -> None:
        """End the answers that have no end of their own."""
        for task in self._streams:
            task.cancel()

    async def _receive(self, scope: Scope, receive: Receive, body: bytearray) -> Refusal | None:
        """Read the whole body, or say why it is not read."""
        most = self._limits.body_bytes
        too_large = Refusal(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "body_too_large",
            f"the body is larger than {most:,} bytes",
        )
        lengths = header_values(scope, b"content-length")
        if any(len(length) > 18 or int(length) > most for length in lengths):
            return too_large
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _ClientGone
                    part = message.get("body", b"")
                    if len(body) + len(part) > most:
                        return too_large
                    if len(part) > self.bodies.left:
                        return _overloaded()
                    body += part
                    self.bodies.left -= len(part)
                    if not message.get("more_body", False):
                        return None
        except TimeoutError:
            return Refusal(
                HTTPStatus.REQUEST_TIMEOUT,
                "body_too_slow",
                f"the body has not come within {self._limits.body_seconds:g} s",
                ((b"connection", b"close"),),
            )

    async def _run(
        self, connection: Connection, scope: Scope, body: bytes, answer: _Answer
    ) -> None:
        lost = asyncio.Event()
        task = asyncio.create_task(self._when_ready(scope, _Replay(body, lost), answer.send))

        def on_lost() -> None:
            lost.set()
            task.cancel()

        connection.on_lost = on_lost
        try:
            await asyncio.wait({task}, timeout=self._limits.request_seconds)
            if not task.done() and answer.is_stream:
                await self._stream(task)
            if not task.done():
                await self._give_up(connection, scope, task, answer)
            elif not lost.is_set():
                await self._finish(scope, task, answer)
        finally:
            connection.on_lost = None
            task.cancel()

    async def _when_ready(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] not in (*OPEN_PATHS, *RESIDENT_PATHS):
            await self._activity.wait_until_open()
            if not self._activity.has_opened:
                await _stopping().send(send)
                return
            scope[CALLER] = await _found(scope[CALLER])
        await self._app(scope, receive, send)

    async def _stream(self, task: asyncio.Task[None]) -> None:
        """Let an answer go on that tells what happens as it happens."""
        self._streams.add(task)
        try:
            if self._activity.stop.is_set():
                task.cancel()
            await asyncio.wait({task})
        finally:
            self._streams.discard(task)

    async def _give_up(
        self, connection: Connection, scope: Scope, task: asyncio.Task[None], answer: _Answer
    ) -> None:
        """Answer although the work has not ended: what it does in a thread goes on until it can
        stop."""
        log.warning("a request took too long", extra={"path": scope["path"]})
        was_begun = answer.is_begun
        answer.close()
        self._late.add(task)
        task.add_done_callback(self._late.discard)
        task.cancel()
        if was_begun:
            connection.transport.abort()
            return
        seconds = f"{self._limits.request_seconds:g}"
        await Refusal(
            HTTPStatus.GATEWAY_TIMEOUT, "request_too_slow", f"no answer within {seconds} s"
        ).send(answer.send_anyway)

    async def _finish(self, scope: Scope, task: asyncio.Task[None], answer: _Answer) -> None:
        """What is left to say when the work has ended by itself."""
        if task.cancelled():
            await answer.complete(_stopping())
        elif (error := task.exception()) is not None:
            log.error("a request failed", extra={"path": scope["path"]}, exc_info=error)
            await answer.complete(
                Refusal(
                    HTTPStatus.INTERNAL_SERVER_ERROR,
                    "internal_error",
                    "the server failed to answer; its log says why",
                )
            )


class _ClientGone(Exception):  # noqa: N818 - an outcome that travels as an exception
    """Nobody waits for the answer."""


class _Replay:
    """What an application receives: the body in one piece, then the end of the connection."""

    def __init__(self, body: bytes, lost: asyncio.Event) -> None:
        self._body: bytes | None = body
        self._lost = lost

    async def __call__(self) -> Message:
        body, self._body = self._body, None
        if body is not None:
            return {"type": "http.request", "body": body, "more_body": False}
        await self._lost.wait()
        return {"type": "http.disconnect"}


class _Answer:
    """What has been sent of an answer."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._is_closed = False
        self._is_complete = False
        self.is_begun = False
        self.is_stream = False

    async def send(self, message: Message) -> None:
        """Send, unless somebody else has answered in the meantime."""
        if not self._is_closed:
            await self.send_anyway(message)

    async def send_anyway(self, message: Message) -> None:
        """Send with what every answer carries."""
        if message["type"] == "http.response.start":
            self.is_begun = True
            headers = list(message.get("headers", ()))
            kinds = [value for name, value in headers if name.lower() == b"content-type"]
            self.is_stream = any(kind.startswith(_EVENT_STREAM) for kind in kinds)
            headers.append((b"date", formatdate(usegmt=True).encode("ascii")))
            message = {**message, "headers": headers}
        elif message["type"] == "http.response.body":
            self._is_complete = not message.get("more_body", False)
        await self._send(message)

    def close(self) -> None:
        """Drop whatever the application still sends."""
        self._is_closed = True

    async def complete(self, otherwise: Refusal) -> None:
        """End an answer that has begun, or give another one; nothing where it is complete."""
        self.close()
        if not self.is_begun:
            await otherwise.send(self.send_anyway)
        elif self.is_stream and not self._is_complete:
            await self.send_anyway({"type": "http.response.body", "body": b""})


async def _found(caller: Caller) -> Caller:
    """The caller in the folder that is meant: every symbolic link is followed, which may take a
    while where it lies on a network."""
    folder = caller.folder
    if folder is None:
        return caller
    if not folder.startswith("/") or "\0" in folder:
        return replace(caller, folder=None)
    return replace(caller, folder=await in_thread(lambda: str(Path(folder).resolve())))


def _stopping() -> Refusal:
    return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "server_stopping", "the server is stopping")


def _overloaded() -> Refusal:
    return Refusal(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "overloaded",
        "the server has too much to read at the moment; try again",
        ((b"retry-after", b"1"),),
    )
