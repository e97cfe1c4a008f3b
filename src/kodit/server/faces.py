"""Loads the HTTP faces on first use: importing their frameworks takes longer than everything else
together, and few servers need both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from kodit.application.services.threads import in_thread
from kodit.server.problems import AsgiApp, Message, Receive, Scope, Send


class Face:
    """An ASGI application that is created in a thread, so that other requests are answered
    meanwhile."""

    def __init__(self, make: Callable[[], AsgiApp]) -> None:
        self._make = make
        self._opened = AsyncExitStack()
        self._loading: asyncio.Task[AsgiApp] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        app = await self.load()
        await app(scope, receive, send)

    async def load(self) -> AsgiApp:
        """The application, created and started on first use. Raises the error of a failed start,
        and tries again the next time."""
        if self._loading is None or (self._loading.done() and _has_failed(self._loading)):
            self._loading = asyncio.create_task(self._load())
        # If this caller is cancelled, loading continues for the others.
        return await asyncio.shield(self._loading)

    async def aclose(self) -> None:
        """Stop the application, if it has started."""
        if self._loading is not None:
            await asyncio.wait({self._loading})
        await self._opened.aclose()

    async def _load(self) -> AsgiApp:
        app = await in_thread(self._make)
        await self._opened.enter_async_context(lifespan_of(app))
        return app


def _has_failed(task: asyncio.Task[AsgiApp]) -> bool:
    return task.cancelled() or task.exception() is not None


@asynccontextmanager
async def lifespan_of(app: AsgiApp) -> AsyncIterator[None]:
    """Start an ASGI application, and stop it at the end of the block. An application without a
    lifespan is left alone."""
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
