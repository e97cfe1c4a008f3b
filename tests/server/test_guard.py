"""What the guard does with a request before the faces see it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import cast

import pytest
from tests.support.listening import UNLIMITED, echo, listening, patiently, until

from kodit.domain.caller import Caller
from kodit.server.activity import Activity
from kodit.server.connection import Connection
from kodit.server.guard import CALLER, Guard
from kodit.server.problems import Message, Receive, Refusal, Scope, Send

LARGE = UNLIMITED
"""Nothing in these tests reaches a limit."""


def test_a_question_to_a_server_that_ends_before_it_has_opened() -> None:
    """It is not passed on to faces that cannot answer."""

    async def run() -> None:
        async with listening(echo, LARGE) as server:
            server.activity.has_opened = False
            server.activity.give_up()
            status, body = await _asked(server.guard)
            assert (status, json.loads(body)["code"]) == (503, "server_stopping")

    patiently(run())


@pytest.mark.parametrize(
    ("named", "folder"),
    [("/", "/"), ("/usr/../usr/lib/..", "/usr"), ("usr", None), ("/a\0b", None), (None, None)],
)
def test_the_folder_of_a_caller_is_one(named: str | None, folder: str | None) -> None:
    """With every link resolved; an invalid one is dropped."""
    found: list[str | None] = []

    async def note(scope: Scope, receive: Receive, send: Send) -> None:
        found.append(scope[CALLER].folder)
        await echo(scope, receive, send)

    activity = Activity()
    activity.become_ready()
    guard = Guard(note, Standing(named), LARGE, activity)
    patiently(_check_answered(guard))
    assert found == [folder]


@pytest.mark.parametrize(
    ("error", "status", "code", "logged"),
    [
        (asyncio.CancelledError(), 503, "server_stopping", []),
        (ValueError("/secret/place"), 500, "internal_error", ["a request failed"]),
    ],
    ids=["stopped", "failed"],
)
def test_work_that_ends_without_an_answer(
    error: BaseException,
    status: int,
    code: str,
    logged: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The client gets an answer nevertheless, which reveals nothing."""

    async def fail(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise error

    async def run() -> None:
        activity = Activity()
        activity.become_ready()
        told, body = await _asked(Guard(fail, Standing(None), LARGE, activity))
        assert (told, json.loads(body)["code"]) == (status, code)
        assert b"secret" not in body

    patiently(run())
    records = [one for one in caplog.records if one.name == "kodit.server.guard"]
    assert [one.message for one in records] == logged
    assert [vars(one)["path"] for one in records] == ["/"] * len(logged)


def test_work_for_a_request_that_is_cancelled_stops() -> None:
    """As where the server is closed around it."""

    async def run() -> None:
        started, stopped = asyncio.Event(), asyncio.Event()

        async def work(_scope: Scope, _receive: Receive, _send: Send) -> None:
            started.set()
            try:
                await asyncio.Event().wait()
            finally:
                stopped.set()

        activity = Activity()
        activity.become_ready()
        asked = asyncio.create_task(_asked(Guard(work, Standing(None), LARGE, activity)))
        await started.wait()
        asked.cancel()
        await asyncio.wait({asked})
        for _ in range(3):
            await asyncio.sleep(0)
        assert stopped.is_set()

    patiently(run())


@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
def test_a_body_that_becomes_unreadable_is_given_up_at_once(kind: str) -> None:
    """However long its client stays: nothing more is waited for, and its memory is free again."""

    async def run() -> None:
        async with listening(echo, replace(LARGE, bodies_bytes=200_000)) as server:
            client = await server.connect()
            head = f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
            await client.send(f"{head}Transfer-Encoding: chunked\r\n\r\n")
            await client.send(f"{150_000:x}\r\n{'x' * 150_000}\r\n")
            await until(lambda: server.guard.bodies.left < 200_000)
            await client.send("no number\r\n")
            status, _body = await client.receive()
            assert status == 400
            await until(lambda: server.guard.bodies.left == 200_000)

    patiently(run())


@dataclass(frozen=True)
class Standing:
    """Admits every request, as a caller with a folder."""

    folder: str | None

    def admit(self, _scope: Scope) -> Caller | Refusal:
        return Caller(folder=self.folder)


async def _check_answered(guard: Guard) -> None:
    status, _body = await _asked(guard)
    assert status == 200


async def _asked(guard: Guard) -> tuple[int, bytes]:
    """The guard's answer to one request, without a connection."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    connection = SimpleNamespace(
        begin=list, recognize=list, read_body=list, is_local=True, is_ahead=False
    )
    await guard(cast(Connection, connection), scope, receive, send)
    return sent[0]["status"], sent[1]["body"]
