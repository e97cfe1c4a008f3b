"""The events that readers receive: the current state, changes, and ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

import pytest
from tests.rest.conftest import Idle, Indexed

from kodit.application.services.events.event_feed import (
    DeliveredEvent,
    EventFeed,
    EventFilter,
    EventReader,
)
from kodit.application.services.events.event_log import EventLog, StateChange
from kodit.application.services.events.run_watch import RunWatch
from kodit.application.views.serialization import to_json
from kodit.composition import Application
from kodit.domain.entities import Task
from kodit.domain.value_objects import RunState, Source, SourceKind, TaskType
from kodit.faces.rest import events

T = TypeVar("T")
PATIENCE_SECONDS = 60.0


def change(identity: int, data: str = "", kind: str = "run") -> StateChange:
    return StateChange(kind, identity, None, identity, data)


def numbers(log: EventLog, after: int) -> list[int] | None:
    events = log.after(after)
    return None if events is None else [event.number for event in events]


def test_the_log_keeps_the_latest_of_each_thing() -> None:
    log = EventLog(most=3)
    for identity in (1, 2, 1):
        log.add(change(identity))
    log.add(change(1, kind="task"))
    assert numbers(log, 0) == [2, 3, 4]
    assert numbers(log, 2) == [3, 4]
    assert numbers(log, 4) == []
    assert numbers(log, 5) is None


def test_the_log_knows_what_it_has_dropped() -> None:
    """A reader who is further behind has to read the whole state again; replaced events are no
    loss."""
    log = EventLog(most=2)
    for identity in (1, 1, 2, 3):
        log.add(change(identity))
    assert numbers(log, 1) is None
    assert numbers(log, 2) == [3, 4]
    log.forget()
    assert numbers(log, 4) is None
    assert numbers(log, log.last) == []


def test_the_log_is_bounded() -> None:
    """To half a megabyte, however many runs there have been."""
    log = EventLog()
    for identity in range(10_000):
        log.add(change(identity))
    assert numbers(log, log.last - 501) is None
    assert len(log.after(log.last - 500) or ()) == 500


def told(events: list[DeliveredEvent]) -> list[tuple[str, Any, str]]:
    """Kind, identity and state of each."""
    found = []
    for event in events:
        data = to_json(event.about.data)
        found.append((event.about.kind, event.about.identity, data.get("task", data)["state"]))
    return found


async def read_until(reader: EventReader, wanted: tuple[str, Any, str]) -> list[DeliveredEvent]:
    """All events up to this one, without sleeping."""
    events: list[DeliveredEvent] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while wanted not in told(events):
            events += await reader.read(PATIENCE_SECONDS)
    return events


def run_with(idle: Idle, work: Callable[[Application], Awaitable[T]]) -> T:
    async def call(application: Application) -> T:
        return await work(application)

    return idle.rest.serving.call(call)


def new_feed(application: Application, log: EventLog | None = None) -> EventFeed:
    watch = RunWatch(database=application.database, standing=application.standing)
    return EventFeed(watch=watch, open_wake_up=application.wake_up, event_log=log)


async def claim(application: Application) -> Task:
    task = await application.queue.claim("worker")
    assert task is not None
    return task


def add(idle: Idle, name: str) -> int:
    """The identifier of a new run of a new index."""
    source = str(idle.root / name)
    run_id: int = idle.rest.post("indexes", idle.caller, source=source).json()["run"]["id"]
    return run_id


def test_the_current_state_comes_before_changes(idle: Idle) -> None:
    add(idle, "one")

    async def follow(application: Application) -> None:
        async with new_feed(application).reading(EventFilter()) as reader:
            first = await reader.read(PATIENCE_SECONDS)
            assert told(first) == [("run", 1, "queued"), ("index", 1, "indexing")]
            assert [event.mark is None for event in first] == [True, False]
            task = await claim(application)
            events = await read_until(reader, ("index", 1, "indexing"))
            assert ("run", 1, "running") in told(events)
            assert ("task", task.id, "running") in told(events)
            await application.queue.fail(task.claim, "it is gone")
            events = await read_until(reader, ("index", 1, "failed"))
            assert ("run", 1, "failed") in told(events)
            [ended] = [
                one.about.data
                for one in events
                if (one.about.kind, one.about.identity) == ("task", task.id)
            ]
            assert ended.task.error == "it is gone"

    run_with(idle, follow)


def test_only_the_requested_events(idle: Idle) -> None:
    add(idle, "one")
    add(idle, "two")

    async def follow(application: Application) -> None:
        feed = new_feed(application)
        async with (
            feed.reading(EventFilter(run_ids=(2,))) as of_run,
            feed.reading(EventFilter(index_ids=(2,))) as of_index,
            feed.reading(EventFilter(index_ids=(1,), run_ids=(2,))) as of_nothing,
        ):
            assert told(await of_run.read(PATIENCE_SECONDS)) == [("run", 2, "queued")]
            assert told(await of_index.read(PATIENCE_SECONDS)) == [
                ("run", 2, "queued"),
                ("index", 2, "indexing"),
            ]
            assert await of_nothing.read(PATIENCE_SECONDS) == []
            await application.queue.cancel(1)
            await application.queue.cancel(2)
            events = await read_until(of_run, ("run", 2, "cancelled"))
            assert {event.about.run_id for event in events} == {2}
            events = await read_until(of_index, ("index", 2, "incomplete"))
            assert {event.about.index_id for event in events} == {2}
            assert await of_nothing.read(0) == []

    run_with(idle, follow)


def test_a_mark_resumes(idle: Idle) -> None:
    """Also across a time without readers; a mark of another feed is ignored."""
    add(idle, "one")

    async def follow(application: Application) -> None:
        feed = new_feed(application)
        async with feed.reading(EventFilter()) as reader:
            *_, last = await reader.read(PATIENCE_SECONDS)
        await application.queue.cancel(1)
        async with feed.reading(EventFilter(), last.mark) as reader:
            events = await reader.read(PATIENCE_SECONDS)
            assert ("run", 1, "cancelled") in told(events)
            assert events[0].mark is not None
            newest = events[-1].mark
        async with feed.reading(EventFilter(), newest) as reader:
            assert await reader.read(0) == []
        for mark in (None, "", "x", "0-0", f"{newest}0", f"{newest}x", "²-²"):
            async with feed.reading(EventFilter(), mark) as reader:
                assert told(await reader.read(PATIENCE_SECONDS)) == [
                    ("run", 1, "cancelled"),
                    ("index", 1, "incomplete"),
                ]

    run_with(idle, follow)


def test_a_slow_reader_gets_the_last_event(idle: Idle) -> None:
    """Unread events are replaced or dropped, but the end always arrives."""
    add(idle, "one")
    add(idle, "two")

    async def follow(application: Application) -> None:
        for most in (100, 2):
            feed = new_feed(application, EventLog(most))
            async with feed.reading(EventFilter()) as slow, feed.reading(EventFilter()) as quick:
                for reader in (slow, quick):
                    await reader.read(PATIENCE_SECONDS)
                for state in (RunState.CANCELLED, RunState.QUEUED) * 2:
                    change = application.queue
                    for run_id in (1, 2):
                        is_end = state is RunState.CANCELLED
                        await (change.cancel(run_id) if is_end else change.retry(run_id))
                    await read_until(quick, ("run", 2, state.value))
                events = await read_until(slow, ("run", 2, "queued"))
                assert told(events).count(("run", 1, "queued")) == 1
                assert ("run", 1, "cancelled") not in told(events)

    run_with(idle, follow)


def test_runs_that_come_and_go_unseen(idle: Idle) -> None:
    """Between two checks, or without readers."""

    async def follow(application: Application) -> None:
        feed = new_feed(application)
        async with feed.reading(EventFilter()) as reader:
            assert await reader.read(0) == []
        await application.queue.enqueue_task(Task.create(TaskType.SYNC, 10, {}))
        task = await claim(application)
        await application.queue.complete(task.claim)
        async with feed.reading(EventFilter(), feed._mark(0)) as reader:
            events = await reader.read(PATIENCE_SECONDS)
            assert ("run", task.run_id, "succeeded") in told(events)

    run_with(idle, follow)


def test_an_index_without_a_run(idle: Idle) -> None:
    """It is new to who has looked before, although nothing was ever stored of its being complete;
    and told once."""

    async def follow(application: Application) -> None:
        watch = RunWatch(database=application.database, standing=application.standing)
        assert watch.look() == []
        with application.database.write() as transaction:
            source = Source(SourceKind.FOLDER, str(idle.root / "one"))
            index = transaction.indexes.add(source, application.clock.now())
        assert [(one.kind, one.identity) for one in watch.look() or ()] == [("index", index.id)]
        assert watch.look() == []

    run_with(idle, follow)


def test_an_index_that_is_deleted(idle: Idle) -> None:
    add(idle, "one")

    async def follow(application: Application) -> None:
        async with new_feed(application).reading(EventFilter()) as reader:
            await reader.read(PATIENCE_SECONDS)
            await application.indexes.delete(1)
            await read_until(reader, ("index", 1, "deleted"))

    run_with(idle, follow)


def test_no_watch_runs_without_a_reader(idle: Idle) -> None:
    """The watch ends with the last reader, and starts again with the next."""

    async def follow(application: Application) -> None:
        opened: asyncio.Queue[bool] = asyncio.Queue()

        @asynccontextmanager
        async def wake_up() -> AsyncIterator[Any]:
            async with application.wake_up() as made:
                opened.put_nowait(True)
                try:
                    yield made
                finally:
                    opened.put_nowait(False)

        watch = RunWatch(database=application.database, standing=application.standing)
        feed = EventFeed(watch=watch, open_wake_up=wake_up)
        async with asyncio.timeout(PATIENCE_SECONDS):
            for _ in range(2):
                async with feed.reading(EventFilter()), feed.reading(EventFilter()):
                    assert await opened.get()
                assert not await opened.get()
        assert opened.empty()

    run_with(idle, follow)


def test_a_failed_check_is_repeated(
    idle: Idle, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    add(idle, "one")

    async def follow(application: Application) -> None:
        watch = RunWatch(database=application.database, standing=application.standing)
        feed = EventFeed(watch=watch, open_wake_up=application.wake_up)
        look, checks = watch.look, iter(range(1_000_000))

        def failing() -> list[StateChange] | None:
            if next(checks) == 1:  # the reader waits for the one before
                raise OSError("the disk is gone")
            return look()

        monkeypatch.setattr(watch, "look", failing)
        async with feed.reading(EventFilter()) as reader:
            await reader.read(PATIENCE_SECONDS)
            await application.queue.cancel(1)
            await read_until(reader, ("run", 1, "cancelled"))
            assert "the disk is gone" in caplog.text

    run_with(idle, follow)


def test_the_stream_of_events(indexed: Indexed, monkeypatch: pytest.MonkeyPatch) -> None:
    """As server-sent events of the ASGI application; a comment keeps a silent stream from being
    closed by proxies."""
    rest = indexed.rest
    assert events.KEEP_ALIVE_SECONDS == 15
    monkeypatch.setattr(events, "KEEP_ALIVE_SECONDS", 0.001)

    async def follow(query: bytes, _application: Application) -> bytes:
        got: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        scope: dict[str, Any] = {
            "type": "http",
            "method": "GET",
            "path": "/api/v1/events",
            "raw_path": b"/api/v1/events",
            "query_string": query,
            "headers": [(b"last-event-id", b"stale-1")],
            "root_path": "",
            "http_version": "1.1",
            "scheme": "http",
            "client": None,
            "server": None,
            "state": {},
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            got.put_nowait(message)

        stream = asyncio.create_task(rest.app(scope, receive, send))
        async with asyncio.timeout(PATIENCE_SECONDS):
            start, first, second = [await got.get() for _ in range(3)]
        assert rest.application.events.readers == 1
        stream.cancel()
        await asyncio.wait({stream})
        assert rest.application.events.readers == 0
        headers = dict(start["headers"])
        assert headers[b"content-type"].startswith(b"text/event-stream")
        assert headers[b"cache-control"] == b"no-store"
        assert b"content-length" not in headers
        assert headers[b"x-accel-buffering"] == b"no"
        assert first["more_body"]
        assert (second["body"][:1], second["more_body"]) == (b":", True)
        body: bytes = first["body"]
        return body

    stream = rest.serving.call(partial(follow, b"runs=1")).decode()
    assert [line[:14] for line in stream.splitlines() if line[:5] == "data:"] == ['data: {"id":1,']
    run, index = (
        rest.serving.call(partial(follow, b"indexes=2")).decode().removesuffix("\n\n").split("\n\n")
    )
    assert run.startswith('event: run\ndata: {"id":2,"index_id":2,')
    assert index.startswith('event: index\ndata: {"index_id":2,')
    assert index.splitlines()[-1].startswith("id: ")
