"""Metrics for Prometheus."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from tests.rest.conftest import Idle
from tests.support.rest import Rest

from kodit.application.services.events.event_feed import EventFilter
from kodit.composition import Application
from kodit.domain.value_objects import TaskType
from kodit.faces.rest.app import create_rest_app
from kodit.faces.rest.metrics import CountRequests, Metrics


def samples(rest: Rest) -> dict[tuple[str, ...], float]:
    """The value of each series, by its name and the values of its labels."""
    reply = rest.ask("GET", "/metrics")
    assert reply.status == 200
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(reply.body.decode())
        for sample in family.samples
    }


def test_the_queue_and_the_indexes(idle: Idle) -> None:
    rest = idle.rest
    for name in ("one", "two"):
        rest.post("indexes", idle.caller, source=str(idle.root / name))
    rest.ask("POST", "runs/1/cancel")
    rest.ask("POST", "queue/pause")
    found = samples(rest)
    assert found["kodit_queue_paused",] == 1
    assert found["kodit_event_readers",] == 0
    assert found["kodit_queue_tasks_waiting",] == 1
    assert found["kodit_workers",] == 1  # it is there, and serves nothing
    runs = {series[1]: value for series, value in found.items() if series[0] == "kodit_runs"}
    assert runs == {"queued": 1, "running": 0}
    assert {
        kind: found["kodit_queue_tasks_running", kind.name] for kind in TaskType
    } == dict.fromkeys(TaskType, 0)
    assert (found["kodit_indexes", "indexing"], found["kodit_indexes", "incomplete"]) == (1, 1)
    states = {series[1] for series in found if series[0] == "kodit_indexes"}
    assert states == {"complete", "updating", "indexing", "incomplete", "failed"}

    rest.ask("POST", "runs/1/retry")

    async def read_events(application: Application) -> dict[tuple[str, ...], float]:
        async with application.events.reading(EventFilter()):
            return await asyncio.to_thread(samples, rest)

    found = rest.serving.call(read_events)
    assert found["kodit_event_readers",] == 1
    assert found["kodit_queue_tasks_waiting",] == 2
    assert samples(rest)["kodit_event_readers",] == 0
    rest.ask("POST", "runs/1/cancel")

    rest.ask("POST", "queue/resume")
    rest.serving.call(lambda application: application.queue.claim("worker"))
    found = samples(rest)
    assert found["kodit_queue_paused",] == 0
    assert found["kodit_queue_tasks_waiting",] == 0
    assert found["kodit_queue_tasks_running", "SYNC"] == 1
    assert (found["kodit_runs", "running"], found["kodit_runs", "queued"]) == (1, 0)


def test_answers_and_requests(rest: Rest) -> None:
    """Answers by question, for all callers and including refused ones; requests by route, whatever
    path was sent."""
    before = samples(rest)

    def grown(*series: str) -> float:
        return after.get(series, 0) - before.get(series, 0)

    for _ in range(2):
        rest.get("search", query="price")
    rest.get("search", query="   ")
    rest.get("symbols", name="Cart")
    rest.get("indexes/1/files/shop/cart.py")
    rest.get("indexes/99")
    rest.get("no/such/path")
    rest.ask("BREW", "search")
    after = samples(rest)
    assert grown("kodit_answer_seconds_count", "search") == 3
    assert grown("kodit_answer_seconds_count", "symbols") == 1
    assert grown("kodit_answer_seconds_count", "read") == 1
    assert grown("kodit_answer_seconds_bucket", "+Inf", "search") == 3
    assert grown("kodit_answer_seconds_sum", "search") > 0
    assert grown("kodit_http_requests_total", "GET", "/search", "200") == 2
    assert grown("kodit_http_requests_total", "GET", "/search", "409") == 1
    assert grown("kodit_http_requests_total", "GET", "/indexes/{index_id}", "404") == 1
    assert grown("kodit_http_requests_total", "GET", "other", "404") == 1
    assert grown("kodit_http_requests_total", "other", "/search", "405") == 1
    assert grown("kodit_http_request_seconds_count", "/search") == 4
    assert not any("no/such/path" in value for series in after for value in series)


def test_the_requested_format(rest: Rest) -> None:
    metrics = rest.app.state.metrics
    asked = "application/openmetrics-text; version=1.0.0"
    content, kind = rest.serving.call(lambda application: metrics.written(application, asked))
    assert kind.startswith(asked)
    assert content.endswith(b"# EOF\n")
    plain = rest.ask("GET", "/metrics")
    assert plain.headers["content-type"].startswith("text/plain; version=")


def test_the_process(rest: Rest) -> None:
    found = samples(rest)
    assert found["process_resident_memory_bytes",] > 0
    assert found["process_open_fds",] > 0
    assert [series for series in found if series[0] == "kodit_build_info"]


def test_each_application_counts_by_itself(rest: Rest, idle: Idle) -> None:
    rest.get("search", query="price")
    assert ("kodit_answer_seconds_count", "search") not in samples(idle.rest)


def test_many_scrapes_at_once_are_one(rest: Rest) -> None:
    """The next one reads again."""
    metrics = rest.app.state.metrics

    async def scrape(application: Application) -> list[Any]:
        return await asyncio.gather(*(metrics.written(application, "") for _ in range(20)))

    first, second = (rest.serving.call(scrape) for _ in range(2))
    assert {id(content) for content, _media_type in first} == {id(first[0][0])}
    assert second[0][0] is not first[0][0]


def test_scrapes_at_once_have_each_their_format(rest: Rest) -> None:
    """And if one client disconnects, the others still get the reading."""
    metrics = rest.app.state.metrics
    asked = ("", "application/openmetrics-text; version=1.0.0", "")

    async def scrape(application: Application) -> list[Any]:
        scrapes = [asyncio.ensure_future(metrics.written(application, one)) for one in asked]
        await asyncio.sleep(0)
        scrapes[0].cancel()
        return await asyncio.gather(*scrapes, return_exceptions=True)

    gone, metric, plain = rest.serving.call(scrape)
    assert isinstance(gone, asyncio.CancelledError)
    assert (metric[1].partition(";")[0], metric[0].endswith(b"# EOF\n")) == (
        "application/openmetrics-text",
        True,
    )
    assert (plain[1].partition(";")[0], plain[0].endswith(b"# EOF\n")) == ("text/plain", False)


def _counted(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    return {
        tuple(sample.labels.values()): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == name
    }


def test_streams_are_counted_as_they_begin_and_never_timed() -> None:
    """A request that ends without an answer has the status 0; other scopes are not counted."""
    metrics = Metrics()
    started: list[dict[tuple[str, ...], float]] = []

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] == "/gone":
            raise ConnectionError("gone")
        kind = b"text/event-stream; charset=utf-8" if scope["path"] == "/stream" else b"text/plain"
        headers = [(b"Content-Type", kind)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        started.append(_counted(metrics, "kodit_http_requests_total"))
        await send({"type": "http.response.body", "body": b""})

    async def nothing(*_: Any) -> Any:
        """Nobody asks and nobody reads."""

    async def ask(kind: str, path: str) -> None:
        scope = {"type": kind, "method": "GET", "path": path, "route": SimpleNamespace(path=path)}
        with suppress(ConnectionError):
            await CountRequests(app, metrics)(scope, nothing, nothing)

    async def run() -> None:
        for path in ("/plain", "/stream", "/gone"):
            await ask("http", path)
        await ask("websocket", "/other")

    asyncio.run(run())
    stream = ("GET", "/stream", "200")
    assert [stream in one for one in started] == [False, True]
    assert _counted(metrics, "kodit_http_requests_total") == {
        ("GET", "/plain", "200"): 1,
        stream: 1,
        ("GET", "/gone", "0"): 1,
    }
    timed = _counted(metrics, "kodit_http_request_seconds_count")
    assert timed == {("/plain",): 1, ("/gone",): 1}


def test_background_work_ends_with_the_application(rest: Rest) -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("ended")

    async def live(application: Application) -> None:
        app = create_rest_app(application)
        async with app.router.lifespan_context(app):
            app.state.background.run(work())
            await asyncio.sleep(0)

    rest.serving.call(live)
    assert ended == ["ended"]
