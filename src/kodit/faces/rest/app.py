"""The ASGI application of this face."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI

from kodit.composition import Application
from kodit.faces.rest import documentation, events, files, indexes, metrics, runs, searching
from kodit.faces.rest.background import Background
from kodit.faces.rest.metrics import CountRequests, Metrics
from kodit.faces.rest.problems import answer_problems
from kodit.faces.rest.schema import describe

PREFIX = "/api/v1"


def create_rest_app(application: Application) -> FastAPI:
    """REST over an open application, from the start of its lifespan to the end. A listener puts the
    `Caller` into each scope under `kodit.caller`."""
    app = FastAPI(
        title="Kodit",
        version=version("kodit"),
        description="Durable, incremental code search.",
        openapi_url=None,  # `documentation` serves it
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_living,
    )
    app.state.application = application
    for router in (searching.router, indexes.router, files.router, runs.router, events.router):
        app.include_router(router, prefix=PREFIX)
    for router in (metrics.router, documentation.router):
        app.include_router(router)
    answer_problems(app)
    app.state.metrics = Metrics()
    app.add_middleware(CountRequests, metrics=app.state.metrics)
    describe(app)
    return app


@asynccontextmanager
async def _living(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    app.state.background = Background()
    app.state.metrics.follow(app.state.application)
    try:
        yield {}
    finally:
        await app.state.background.close()
