"""The server's application: the faces that answer over HTTP, and the server's own health checks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus

from kodit.composition import Application
from kodit.domain.errors import KoditError
from kodit.infrastructure.resident.connecting import ASK_PATH, SECRETS_PATH
from kodit.server.access import OPEN_PATHS
from kodit.server.activity import Activity
from kodit.server.asking import Asking
from kodit.server.faces import Face
from kodit.server.problems import AsgiApp, Receive, Refusal, Scope, Send, send_json
from kodit.server.resident import RESIDENT_PATHS, Residence
from kodit.server.secrets import HandedSecrets


@dataclass(frozen=True, slots=True)
class App:
    """Routes each request by its path."""

    rest: Face
    mcp: Face
    residence: AsgiApp
    asking: AsgiApp
    secrets: AsgiApp
    activity: Activity
    failure: Callable[[], KoditError | None]
    """Why nothing can be answered any more until the server is started again, if that is so."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application without a lifespan: see `running`."""
        path = scope["path"]
        if path in OPEN_PATHS:
            await self._answer_health_check(scope, send)
        elif path in RESIDENT_PATHS and scope["kodit.caller"].is_local:
            await self.residence(scope, receive, send)
        elif path == ASK_PATH and scope["kodit.caller"].policy.is_free:
            await self.asking(scope, receive, send)
        elif path == SECRETS_PATH and scope["kodit.caller"].is_local:
            await self.secrets(scope, receive, send)
        elif path == "/mcp" or path.startswith("/mcp/"):
            await self.mcp(scope, receive, send)
        else:
            await self.rest(scope, receive, send)

    async def _answer_health_check(self, scope: Scope, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            allow = (b"allow", b"GET, HEAD")
            only = f"{scope['path']} can only be read"
            await Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", only, (allow,)).send(
                send
            )
        elif (error := self.failure()) is not None:
            # Not its sentence, which names the database: this needs no key.
            about = {"status": "failed", "code": error.code}
            await send_json(send, HTTPStatus.SERVICE_UNAVAILABLE, about)
        elif scope["path"] == "/healthz":
            await send_json(send, HTTPStatus.OK, {"status": "ok"})
        elif self.activity.is_ready:
            await send_json(send, HTTPStatus.OK, {"status": "ready"})
        else:
            await send_json(send, HTTPStatus.SERVICE_UNAVAILABLE, {"status": "not ready"})

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The faces may be used inside the block."""
        try:
            yield
        finally:
            await self.rest.aclose()
            await self.mcp.aclose()

    async def load_faces(self) -> None:
        """Load the faces before they are needed."""
        await self.mcp.load()
        await self.rest.load()


def create_app(
    application: Application, activity: Activity, residence: Residence, secrets: HandedSecrets
) -> App:
    """The application of the server over one data directory."""

    def make_rest() -> AsgiApp:
        from kodit.faces.rest.app import create_rest_app  # noqa: PLC0415 - see `faces`

        rest = create_rest_app(application)
        rest.state.description()  # is cached, and takes too long to be made on the event loop
        return rest

    def make_mcp() -> AsgiApp:
        from kodit.faces.mcp.server import create_mcp_app  # noqa: PLC0415 - see `faces`

        return create_mcp_app(application)

    return App(
        rest=Face(make_rest),
        mcp=Face(make_mcp),
        residence=residence,
        asking=Asking(application),
        secrets=secrets,
        activity=activity,
        failure=lambda: application.upgraded,
    )
