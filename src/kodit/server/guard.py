"""Guards the faces: which requests are admitted, how much they may send, and how long an answer may
take."""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import replace
from functools import partial
from http import HTTPStatus

from kodit.application.services.threads import in_thread
from kodit.domain.caller import Caller
from kodit.infrastructure.resident.connecting import SECRETS_PATH
from kodit.server.access import OPEN_PATHS, Access
from kodit.server.activity import Activity
from kodit.server.answers import Answer, Replay
from kodit.server.bodies import Body, ClientGoneError, why_unclear
from kodit.server.connection import Connection
from kodit.server.limits import Limits
from kodit.server.memory import SharedBytes
from kodit.server.problems import AsgiApp, Receive, Refusal, Scope, Send
from kodit.server.resident import RESIDENT_PATHS
from kodit.server.turns import Turns

log = logging.getLogger(__name__)

CALLER = "kodit.caller"
"""The key of an ASGI scope under which faces find their caller."""


class Guard:
    """The application of one listener, over the faces."""

    def __init__(self, app: AsgiApp, access: Access, limits: Limits, activity: Activity) -> None:
        self._app = app
        self._access = access
        self._limits = limits
        self._activity = activity
        self.bodies = SharedBytes(limits.bodies_bytes)
        self._turns = Turns(limits.started_at_once)
        self._streams: dict[asyncio.Task[None], None] = {}
        self._late: set[asyncio.Task[None]] = set()

    async def __call__(
        self, connection: Connection, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer one request."""
        with self._activity.request():
            if connection.is_ahead or scope["path"] not in OPEN_PATHS:
                await self._turns.wait(is_ahead=connection.is_ahead)
            body = Body(self._limits, self.bodies)
            try:
                refusal = await self._admit(connection, scope, receive, body)
                if refusal is None:
                    connection.begin()
                    await self._run(connection, scope, body.content, Answer(send))
                elif connection.is_fully_received:
                    await refusal.send(Answer(send).send)
                else:
                    connection.refuse(refusal)
            except ClientGoneError:
                return
            finally:
                body.close()

    async def _admit(
        self, connection: Connection, scope: Scope, receive: Receive, body: Body
    ) -> Refusal | None:
        """Read an admitted request, or return why it is refused. Requests that need no key may have
        no body, so that strangers use no memory of others."""
        if (unclear := why_unclear(scope)) is not None:
            return unclear
        admitted = self._access.admit(scope)
        if not isinstance(admitted, Caller):
            return admitted
        scope[CALLER] = admitted
        if scope["path"] in OPEN_PATHS and not connection.is_local:
            if not connection.is_fully_received:
                return _needs_no_body()
            connection.start_over()
            return None
        connection.recognize()
        connection.read_body()
        return await body.receive(scope, receive)

    def end_streams(self) -> None:
        """End the streams, which have no end of their own."""
        for task in list(self._streams):
            task.cancel()

    async def _run(self, connection: Connection, scope: Scope, body: bytes, answer: Answer) -> None:
        lost = asyncio.Event()
        task = asyncio.create_task(self._when_ready(scope, Replay(body, lost), answer.send))

        def on_lost() -> None:
            lost.set()
            task.cancel()

        connection.on_lost = on_lost
        if scope["method"] == "GET":
            answer.on_stream = partial(self._note_stream, task)
        try:
            await asyncio.wait({task}, timeout=self._limits.request_seconds)
            if not task.done() and answer.is_stream:
                is_endless = task in self._streams
                seconds = None if is_endless else self._limits.progress_seconds
                await asyncio.wait({task}, timeout=seconds)
            if not task.done():
                await self._give_up(connection, scope, task, answer)
            elif not lost.is_set():
                await self._finish(scope, task, answer)
        finally:
            connection.on_lost = None
            task.cancel()

    async def _when_ready(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] not in (*OPEN_PATHS, *RESIDENT_PATHS, SECRETS_PATH):
            await self._activity.wait_until_open()
            if not self._activity.has_opened:
                await _stopping().send(send)
                return
            scope[CALLER] = await _found(scope[CALLER])
        await self._app(scope, receive, send)

    def _note_stream(self, task: asyncio.Task[None]) -> None:
        """Register a stream, which lasts as long as its client reads. If there are too many, the
        oldest is ended; its client will reconnect."""
        if self._activity.stop.is_set():
            task.cancel()
        if len(self._streams) >= self._limits.streams:
            oldest = next(iter(self._streams))
            del self._streams[oldest]
            oldest.cancel()
        self._streams[task] = None
        task.add_done_callback(lambda ended: self._streams.pop(ended, None))

    async def _give_up(
        self, connection: Connection, scope: Scope, task: asyncio.Task[None], answer: Answer
    ) -> None:
        """Answer although the work has not ended: its thread continues until it can stop."""
        log.warning("a request took too long", extra={"path": scope["path"]})
        was_started = answer.is_started
        answer.close()
        self._late.add(task)
        task.add_done_callback(self._forget)
        task.cancel()
        if was_started:
            connection.transport.abort()
            return
        seconds = f"{self._limits.request_seconds:g}"
        await Refusal(
            HTTPStatus.GATEWAY_TIMEOUT, "request_too_slow", f"no answer within {seconds} s"
        ).send(answer.force_send)

    def _forget(self, late: asyncio.Task[None]) -> None:
        self._late.discard(late)
        if not late.cancelled() and (error := late.exception()) is not None:
            log.error("a request that took too long has failed", exc_info=error)

    async def _finish(self, scope: Scope, task: asyncio.Task[None], answer: Answer) -> None:
        """Complete the answer after the work has ended by itself."""
        if task.cancelled():
            await answer.complete(_stopping())
        elif (error := task.exception()) is not None:
            log.error("a request failed", extra={"path": scope["path"]}, exc_info=error)
            failed = "the server failed to answer; its log says why"
            await answer.complete(
                Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", failed)
            )


async def _found(caller: Caller) -> Caller:
    """The caller with its folder resolved: every symbolic link is followed, which may be slow on a
    network."""
    folder = caller.folder
    if folder is None:
        return caller
    if not folder.startswith("/") or "\0" in folder:
        return replace(caller, folder=None)
    return replace(caller, folder=await in_thread(lambda: os.path.realpath(folder)))


def _needs_no_body() -> Refusal:
    return Refusal(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", "this request takes no body"
    )


def _stopping() -> Refusal:
    return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "server_stopping", "the server is stopping")
