"""The server's own status for this user's programs, over its socket only."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from kodit.composition import Application
from kodit.domain.value_objects import RunState
from kodit.infrastructure.resident.connecting import END_PATH, HANDSHAKE_PATH
from kodit.server.activity import Activity
from kodit.server.problems import Receive, Refusal, Scope, Send, send_json
from kodit.version import VERSION

RESIDENT_PATHS = (HANDSHAKE_PATH, END_PATH)


@dataclass(frozen=True, slots=True)
class Residence:
    """The server as this user's programs see it. `count_clients` counts the open connections of its
    socket; `stays` says that it does not end by itself."""

    application: Application
    activity: Activity
    count_clients: Callable[[], int]
    stays: bool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for `RESIDENT_PATHS`."""
        if (scope["method"], scope["path"]) == ("GET", HANDSHAKE_PATH):
            await send_json(send, HTTPStatus.OK, await self._about())
        elif (scope["method"], scope["path"]) == ("POST", END_PATH):
            await self._end(send)
        else:
            allow = (b"allow", b"GET" if scope["path"] == HANDSHAKE_PATH else b"POST")
            await Refusal(
                HTTPStatus.METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "use GET to ask, and POST to stop the server",
                (allow,),
            ).send(send)

    async def _about(self) -> dict[str, object]:
        return {
            "version": VERSION,
            "settings": self.application.settings.digest,
            "pid": os.getpid(),
            "stays": self.stays,
            "busy_with": await self.busy_with(of_others_than=1),
        }

    async def _end(self, send: Send) -> None:
        busy_with = await self.busy_with(of_others_than=1)
        if self.stays:
            busy_with = "it was started to keep running"
        if busy_with is not None:
            await Refusal(
                HTTPStatus.CONFLICT, "server_busy", f"the server keeps running: {busy_with}"
            ).send(send)
            return
        await send_json(send, HTTPStatus.ACCEPTED, {"pid": os.getpid()})
        self.activity.stop.set()

    async def busy_with(self, *, of_others_than: int = 0) -> str | None:
        """Why the server is needed now, ignoring that many clients with a request each; None if it
        is idle. Whoever acts on that before anything else is awaited has no new client."""
        if (busy_with := self._busy_with_clients(of_others_than)) is not None:
            return busy_with
        if not self.activity.has_opened:
            return "it is starting"
        queue = self.application.queue
        states = [RunState.RUNNING]
        if await queue.paused_since() is None:
            states.append(RunState.QUEUED)
        runs = await queue.list_runs(states, 1)
        if runs:
            return f"it is indexing (run {runs[0].id})"
        return self._busy_with_clients(of_others_than)  # who came while the queue was read

    def _busy_with_clients(self, of_others_than: int) -> str | None:
        if (requests := self.activity.requests - of_others_than) > 0:
            return f"it is answering {_counted(requests, 'request')}"
        if (clients := self.count_clients() - of_others_than) > 0:
            return f"{_counted(clients, 'client')} {'is' if clients == 1 else 'are'} connected"
        return None

    async def end_when_idle(self, idle_seconds: float) -> None:
        """Stop the server when it has been unused for this long."""
        while not self.activity.stop.is_set():
            last_at = self.activity.last_at
            left = last_at + idle_seconds - time.monotonic()
            if left > 0:
                await asyncio.sleep(left)
            elif await self.busy_with() is not None:
                self.activity.note()
            elif self.activity.last_at == last_at:  # else it was used while the queue was read
                self.activity.stop.set()


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
