"""What is served: the faces that answer over HTTP, and what the server says of itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from kodit.composition import Application
from kodit.faces.mcp.server import create_mcp_app
from kodit.faces.rest.app import create_rest_app
from kodit.infrastructure.resident.connecting import ASK_PATH
from kodit.server.access import OPEN_PATHS
from kodit.server.activity import Activity
from kodit.server.asking import Asking
from kodit.server.problems import AsgiApp, Message, Receive, Refusal, Scope, Send, send_json
from kodit.server.resident import RESIDENT_PATHS, Residence


@dataclass(frozen=True, slots=True)
class App:
    """Sends each request where its path leads."""

    rest: AsgiApp
    mcp: AsgiApp
    residence: AsgiApp
    asking: AsgiApp
    activity: Activity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application without lifespan: see `running`."""
        path = scope["path"]
        if path in OPEN_PATHS:
            await self._say_how_it_is(scope, send)
        elif path in RESIDENT_PATHS and scope["kodit.caller"].is_local:
            await self.residence(scope, receive, send)
        elif path == ASK_PATH and scope["kodit.caller"].policy.is_free:
            await self.asking(scope, receive, send)
        elif path == "/mcp" or path.startswith("/mcp/"):
            await self.mcp(scope, receive, send)
        else:
            await self.rest(scope, receive, send)

    async def _say_how_it_is(self, scope: Scope, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            allow = (b"allow", b"GET, HEAD")
            only = f"{scope['path']} can be read, and nothing else"
            await Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", only, (allow,)).send(
                send
            )
        elif scope["path"] == "/healthz":
            await send_json(send, HTTPStatus.OK, {"status": "ok"})
        elif self.activity.is_ready:
            await send_json(send, HTTPStatus.OK, {"status": "ready"})
        else:
            await send_json(send, HTTPStatus.SERVICE_UNAVAILABLE, {"status": "not ready"})

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The faces are open inside the block."""
        async with _lifespan_of(self.rest), _lifespan_of(self.mcp):
            yield


def create_app(application: Application, activity: Activity, residence: Residence) -> App:
    """The application of the server over one data directory."""
    return App(
        rest=create_rest_app(application),
        mcp=create_mcp_app(application),
        residence=residence,
        asking=Asking(application),
        activity=activity,
    )


@asynccontextmanager
async def _lifespan_of(app: AsgiApp) -> AsyncIterator[None]:
    """Start an ASGI application, and stop it at the end of the block. One that knows nothing of
    that is left alone."""
    told: asyncio.Queue[Message] = asyncio.Queue()
    answers: asyncio.Queue[Message] = asyncio.Queue()
    scope: dict[str, Any] = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}

    async def live() -> None:
        await app(scope, told.get, answers.put)

    life = asyncio.create_task(live())

    async def tell(what: str) -> None:
        await told.put({"type": f"lifespan.{what}"})
        answer = asyncio.create_task(answers.get())
        await asyncio.wait({life, answer}, return_when=asyncio.FIRST_COMPLETED)
        if answer.done() and answer.result()["type"].endswith(".failed"):
            raise RuntimeError(f"a face failed at {what}: {answer.result().get('message', '')}")
        answer.cancel()

    await tell("startup")
    try:
        yield
    finally:
        if not life.done():
            await tell("shutdown")
        life.cancel()
        await asyncio.wait({life})
