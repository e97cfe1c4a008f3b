"""Metrics for Prometheus: the queue, indexes, answers, requests, and the process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
)
from prometheus_client.exposition import choose_encoder

from kodit.domain.value_objects import RunState, TaskType
from kodit.faces.rest.asking import ApplicationOf, CallerOf

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from kodit.composition import Application

router = APIRouter(tags=["operation"])

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
INDEX_STATES = ("complete", "updating", "indexing", "incomplete", "failed")


class Metrics:
    """The metrics of one server, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._reading: asyncio.Task[None] | None = None
        self._written: dict[str, bytes] = {}
        """The written metrics of the last reading, by media type."""
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "kodit_http_requests",
            "Requests to the REST API, by the path of their route.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.request_seconds = Histogram(
            "kodit_http_request_seconds",
            "How long requests to the REST API took, except event streams.",
            ("route",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.answer_seconds = Histogram(
            "kodit_answer_seconds",
            "How long answers took, through any interface: search, grep, symbols, files, read, "
            "outline, "
            "related.",
            ("question",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self._paused = self._gauge("kodit_queue_paused", "1 while the queue is paused.")
        self._waiting = self._gauge(
            "kodit_queue_tasks_waiting",
            "Tasks that are waiting to be claimed; 1000 means 1000 or more.",
        )
        self._running = self._gauge("kodit_queue_tasks_running", "Running tasks, by type.", "type")
        self._readers = self._gauge("kodit_event_readers", "Open event streams.")
        self._workers = self._gauge("kodit_workers", "Live workers.")
        self._runs = self._gauge("kodit_runs", "Runs that are queued or running.", "state")
        self._indexes = self._gauge("kodit_indexes", "Indexes, by state.", "state")
        self._gauge("kodit_build_info", "The version of the program.", "version").labels(
            version("kodit")
        ).set(1)

    def follow(self, application: Application) -> None:
        """Count the application's answers from now on."""
        application.answers.subscribe(self._count_answer)

    async def written(self, application: Application, accept: str) -> tuple[bytes, str]:
        """The current state, in the format that `accept` asks for, and its media type. Concurrent
        callers share one reading, so that many scrapes at once cost as much as one."""
        if self._reading is None:
            self._written.clear()
            self._reading = asyncio.create_task(self._read(application))
            self._reading.add_done_callback(lambda _ended: setattr(self, "_reading", None))
        await asyncio.shield(self._reading)
        encode, media_type = choose_encoder(accept)
        if media_type not in self._written:
            self._written[media_type] = encode(self.registry)
        return self._written[media_type], media_type

    async def _read(self, application: Application) -> None:
        """Record the current state."""
        overview, runs = await application.run_answers.counts()
        states = await application.index_answers.count_states()
        self._paused.set(overview.paused_since is not None)
        self._waiting.set(len(overview.waiting))
        self._readers.set(application.events.readers)
        self._workers.set(len(overview.workers))
        for kind in TaskType:
            self._running.labels(kind.name).set(overview.running.get(kind, 0))
        for state in (RunState.QUEUED, RunState.RUNNING):
            self._runs.labels(state.value).set(runs[state])
        for name in INDEX_STATES:
            self._indexes.labels(name).set(states[name])

    def _gauge(self, name: str, about: str, *labels: str) -> Gauge:
        return Gauge(name, about, labels, registry=self.registry)

    def _count_answer(self, question: str, seconds: float) -> None:
        self.answer_seconds.labels(question).observe(seconds)


class CountRequests:
    """ASGI middleware that counts requests."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0
        is_stream = False
        began = time.perf_counter()

        async def sending(message: Message) -> None:
            nonlocal status, is_stream
            if message["type"] == "http.response.start":
                status = message["status"]
                is_stream = _is_stream(message.get("headers", ()))
                if is_stream:  # counted now, as a stream has no end
                    self._count(scope, status)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            if not is_stream:
                self._count(scope, status)
                seconds = time.perf_counter() - began
                self._metrics.request_seconds.labels(_route(scope)).observe(seconds)

    def _count(self, scope: Scope, status: int) -> None:
        """Count a request; one that ended without an answer, because its client has gone, has the
        status 0."""
        self._metrics.requests.labels(_method(scope), _route(scope), str(status)).inc()


def _method(scope: Scope) -> str:
    known = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    return scope["method"] if scope["method"] in known else "other"


def _route(scope: Scope) -> str:
    """The path of the matching route, since the requested path could be anything."""
    return str(getattr(scope.get("route"), "path", "other"))


def _is_stream(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(b"text/event-stream")
        for name, value in headers
    )


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def show_metrics(request: Request, application: ApplicationOf, _caller: CallerOf) -> Response:
    """Metrics as Prometheus reads them."""
    metrics = request.app.state.metrics
    if not isinstance(metrics, Metrics):
        raise TypeError("the REST application was made without metrics")
    content, media_type = await metrics.written(application, request.headers.get("accept", ""))
    return Response(content, headers={"Content-Type": media_type})
