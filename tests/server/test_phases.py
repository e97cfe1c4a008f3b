"""A connection on its way from one request to the next, and to its end."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from tests.support.listening import UNLIMITED, echo, listening, patiently, until

from kodit.server.problems import Receive, Scope, Send

GET = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = "POST / HTTP/1.1\r\nHost: localhost\r\n"


def test_a_client_that_reads_on_in_time_is_no_slow_one() -> None:
    """Though the rest of its answer takes longer than it may have read nothing."""

    async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": bytes(1 << 23), "more_body": True})
        await asyncio.sleep(0.5)
        await send({"type": "http.response.body", "body": b"the end"})

    async def run() -> None:
        async with listening(answer, replace(UNLIMITED, write_seconds=0.2)) as server:
            client = await server.connect()
            await client.send(GET)
            await asyncio.sleep(0.05)
            received = b""
            while b"the end" not in received:
                some = await client.reader.read(1 << 20)
                assert some
                received = received[-10:] + some

    patiently(run())


def test_a_request_that_was_sent_ahead_is_known_as_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited = []

    async def run() -> None:
        async with listening(echo, UNLIMITED) as server:
            turns = server.guard._turns
            wait = turns.wait

            async def noted(*, is_ahead: bool) -> None:
                waited.append(is_ahead)
                await wait(is_ahead=is_ahead)

            monkeypatch.setattr(turns, "wait", noted)
            client = await server.connect()
            await client.send(GET * 3)
            for _ in range(3):
                await client.receive()
            await client.send(GET)
            await client.receive()

    patiently(run())
    assert waited == [False, True, True, False]


def test_a_refused_client_does_not_keep_a_server_from_its_end() -> None:
    """Though it neither sends the rest of its request nor closes the connection."""

    async def run() -> None:
        async with listening(echo, replace(UNLIMITED, body_bytes=10)) as server:
            client = await server.connect()
            await client.send(f"{POST}Transfer-Encoding: chunked\r\n\r\nff\r\n{'x' * 99}")
            assert (await client.receive())[0] == 413
            assert len(server.connections) == 1
            server.activity.stop.set()
            await until(lambda: not len(server.connections))

    patiently(run())
