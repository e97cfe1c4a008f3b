"""Parts of the server by themselves: services, faces that are loaded on demand, and the completion
of answers."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import pytest
from tests.support.listening import patiently, until

from kodit.faces.rest.background import Background
from kodit.server import services
from kodit.server.activity import Activity
from kodit.server.answers import Answer, Replay
from kodit.server.app import App
from kodit.server.faces import Face
from kodit.server.problems import Message, Receive, Refusal, Scope, Send
from kodit.server.services import Service, services_running

REFUSED = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "server_stopping", "the server is stopping")
HTML, EVENTS = b"text/html", b"text/event-stream; charset=utf-8"


def test_a_service_that_fails_is_restarted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """After growing pauses; a service that returns is done, and none stops another."""
    pauses: list[float] = []
    started: list[str] = []
    wait = asyncio.sleep

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await wait(0)

    async def fail() -> None:
        started.append("fails")
        raise ValueError("no luck")

    async def end() -> None:
        started.append("ends")

    async def run() -> None:
        beside = [Service("fails", fail), Service("ends", end)]
        async with services_running(beside):
            while len(pauses) < 9:
                await wait(0)

    monkeypatch.setattr("kodit.server.services.asyncio.sleep", sleep)
    with caplog.at_level(logging.ERROR, "kodit.server.services"):
        patiently(run())
    assert pauses[:9] == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert started.count("ends") == 1
    assert {vars(record)["service"] for record in caplog.records} == {"fails"}


def test_a_service_that_has_run_for_long_is_restarted_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    wait = asyncio.sleep
    monkeypatch.setattr(services, "LONGEST_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(services, "FIRST_PAUSE_SECONDS", 0.5)

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await wait(0)

    async def fail() -> None:
        await wait(0.001)
        raise ValueError("no luck")

    async def run() -> None:
        async with services_running([Service("fails", fail)]):
            while len(pauses) < 3:
                await wait(0.001)

    monkeypatch.setattr("kodit.server.services.asyncio.sleep", sleep)
    patiently(run())
    assert pauses[:3] == [0.5, 0.5, 0.5]


class Living:
    """An application that records its lifespan, and fails on request."""

    def __init__(self, *, fails_at: str = "", knows_of_life: bool = True) -> None:
        self.told: list[str] = []
        self._fails_at = fails_at
        self._knows_of_life = knows_of_life

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.told.append(str(scope["type"]))
        if scope["type"] != "lifespan":
            return
        if not self._knows_of_life:
            raise TypeError("this is no request")
        while True:
            what = (await receive())["type"]
            self.told.append(str(what))
            if what == f"lifespan.{self._fails_at}":
                await send({"type": f"{what}.failed", "message": "no luck"})
                return
            await send({"type": f"{what}.complete"})


async def _receive() -> Message:
    raise AssertionError("nothing is asked for")


async def _send(_message: Message) -> None:
    raise AssertionError("nothing is answered")


def _asked(face: Face) -> Awaitable[None]:
    return face({"type": "http"}, _receive, _send)


def test_a_face_is_made_once_for_all_who_ask() -> None:
    """Also if one of the callers is cancelled. It ends with the server."""
    made: list[Living] = []

    def make() -> Living:
        made.append(Living())
        return made[-1]

    async def run() -> None:
        face = Face(make)
        asking = [asyncio.ensure_future(_asked(face)) for _ in range(3)]
        await asyncio.sleep(0)
        asking[0].cancel()
        await asyncio.gather(*asking[1:])
        assert asking[0].cancelled()
        await _asked(face)
        await face.aclose()

    patiently(run())
    [living] = made
    assert living.told == [
        *("lifespan", "lifespan.startup", "http", "http", "http", "lifespan.shutdown")
    ]


def test_a_face_that_cannot_be_made_is_tried_again() -> None:
    made: list[Living] = []

    def make() -> Living:
        made.append(Living(fails_at="startup" if len(made) == 1 else ""))
        if len(made) == 1:
            raise OSError("too many files")
        return made[-1]

    async def run() -> None:
        face = Face(make)
        with pytest.raises(OSError, match="too many files"):
            await _asked(face)
        with pytest.raises(RuntimeError, match="a face failed at startup: no luck"):
            await _asked(face)
        await _asked(face)
        await face.aclose()

    patiently(run())
    assert made[1].told == ["lifespan", "lifespan.startup"]
    assert made[2].told == ["lifespan", "lifespan.startup", "http", "lifespan.shutdown"]


def test_a_face_that_knows_nothing_of_its_life_is_left_alone() -> None:
    living = Living(knows_of_life=False)

    async def run() -> None:
        face = Face(lambda: living)
        await _asked(face)
        await face.aclose()
        await Face(lambda: living).aclose()  # which nobody has asked

    patiently(run())
    assert living.told == ["lifespan", "http"]


def test_all_faces_end_with_the_server() -> None:
    rest, mcp = Living(), Living()
    app = App(
        rest=Face(lambda: rest),
        mcp=Face(lambda: mcp),
        residence=Living(),
        asking=Living(),
        secrets=Living(),
        activity=Activity(),
        failure=lambda: None,
    )

    async def run() -> None:
        async with app.running():
            await _asked(app.rest)
            await _asked(app.mcp)

    patiently(run())
    assert [one.told[-1] for one in (rest, mcp)] == ["lifespan.shutdown"] * 2


def _start(kind: bytes) -> Message:
    return {"type": "http.response.start", "status": 200, "headers": [(b"Content-Type", kind)]}


@pytest.mark.parametrize(
    ("started", "kinds"),
    [
        ([], ["start 503", "body"]),
        ([_start(HTML)], ["start 200"]),
        ([_start(EVENTS)], ["start 200", "body"]),
        (
            [_start(EVENTS), {"type": "http.response.body", "body": b"a", "more_body": True}],
            ["start 200", "body", "body"],
        ),
        (
            [_start(EVENTS), {"type": "http.response.body", "body": b"a"}],
            ["start 200", "body"],
        ),
    ],
    ids=["nothing", "started", "stream", "stream-under-way", "whole-stream"],
)
def test_how_an_answer_is_completed(started: list[Message], kinds: list[str]) -> None:
    """A stream is ended, an answer that has not started is refused, and later output is dropped."""
    sent: list[Message] = []
    streams: list[bool] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def run() -> None:
        answer = Answer(send)
        answer.on_stream = lambda: streams.append(True)
        for message in started:
            await answer.send(message)
        await answer.complete(REFUSED)
        await answer.send({"type": "http.response.body", "body": b"late"})

    patiently(run())
    told = [f"start {one['status']}" if "status" in one else "body" for one in sent]
    assert told == kinds
    assert len(streams) == any(
        message.get("headers") == [(b"Content-Type", EVENTS)] for message in started
    )
    assert b"late" not in [one.get("body") for one in sent]
    assert all(
        [name for name, _ in one["headers"]].count(b"date") == 1 for one in sent if "status" in one
    )


def test_an_application_receives_the_body_and_then_the_end() -> None:
    async def run() -> None:
        lost = asyncio.Event()
        receive = Replay(b"all", lost)
        assert await receive() == {"type": "http.request", "body": b"all", "more_body": False}
        waiting = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        assert not waiting.done()
        lost.set()
        assert await waiting == {"type": "http.disconnect"}

    patiently(run())


def test_how_a_refusal_is_written_by_hand() -> None:
    """With its own fields, and the connection closed after it."""
    refusal = Refusal(HTTPStatus.NOT_FOUND, "not_found", "né", ((b"retry-after", b"1"),))
    head, _, body = refusal.as_http().partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"HTTP/1.1 404 Not Found",
        b"content-type: application/problem+json",
        b"retry-after: 1",
        f"content-length: {len(body)}".encode(),
        b"connection: close",
    ]
    assert json.loads(body) == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "né",
        "code": "not_found",
    }


def test_what_goes_on_in_the_background_ends_with_its_application(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ended: list[str] = []

    async def work(what: Callable[[], Any]) -> None:
        try:
            what()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("ended")

    async def run() -> None:
        background = Background()
        background.run(work(lambda: None), index=1)
        background.run(work(lambda: int("none")), index=2)
        await until(lambda: bool(caplog.records))
        await until(lambda: len(background._tasks) == 1)  # and no more of what has ended
        await background.close()
        assert len(ended) == 2
        await background.close()

    patiently(run())
    [record] = caplog.records
    assert (vars(record)["index"], record.exc_info is not None) == (2, True)
