"""No client can block the server: time, memory and connections are limited for each."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace

import pytest
from tests.support.listening import (
    UNLIMITED,
    Listening,
    echo,
    listening,
    patiently,
    until,
)

from kodit.server.problems import Receive, Scope, Send

GET = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = "POST / HTTP/1.1\r\nHost: localhost\r\n"
LARGE = UNLIMITED
"""Nothing in these tests reaches a limit but the one that is made small."""


@pytest.mark.parametrize(
    "sent", ["", "GET / HT", "GET / HTTP/1.1\r\nHost: localhost\r\n", GET + "G"]
)
def test_a_header_that_does_not_come(sent: str) -> None:
    """No byte of it, a part of it, or the rest of a second one: the connection is closed."""

    async def run() -> None:
        async with listening(echo, replace(LARGE, header_seconds=0.05)) as server:
            client = await server.connect()
            await client.send(sent)
            assert await client.is_closed()

    patiently(run())


def test_a_header_that_comes_byte_by_byte() -> None:
    """A byte does not restart the time limit."""

    async def run() -> None:
        async with listening(echo, replace(LARGE, header_seconds=0.2)) as server:
            client = await server.connect()
            closed = asyncio.create_task(client.is_closed())
            while not closed.done():
                client.writer.write(b"a")
                await asyncio.wait({closed}, timeout=0.02)

    patiently(run())


@pytest.mark.parametrize("how", ["Content-Length: 10", "Transfer-Encoding: chunked"])
def test_a_body_that_does_not_come(how: str) -> None:
    async def run() -> None:
        async with listening(echo, replace(LARGE, body_seconds=0.05)) as server:
            client = await server.connect()
            await client.send(f"{POST}{how}\r\n\r\n")
            status, body = await client.receive()
            assert (status, json.loads(body)["code"]) == (408, "body_too_slow")
            assert await client.is_closed()

    patiently(run())


def test_a_body_that_nobody_reads_any_more() -> None:
    """After its refusal, a client that keeps sending has no longer than for a header."""

    async def run() -> None:
        limits = replace(LARGE, body_bytes=10, header_seconds=0.1)
        async with listening(echo, limits) as server:
            client = await server.connect()
            await client.send(f"{POST}Transfer-Encoding: chunked\r\n\r\nff\r\n{'x' * 255}\r\n")
            status, _ = await client.receive()
            assert status == 413
            closed = asyncio.create_task(client.is_closed())
            while not closed.done():
                client.writer.write(b"1\r\nx\r\n")
                await asyncio.wait({closed}, timeout=0.02)

    patiently(run())


@pytest.mark.parametrize(
    "request_text",
    [
        f"{POST}Content-Length: 1001\r\n\r\n",
        f"{POST}Content-Length: {'9' * 18}\r\n\r\n",
        f"{POST}Transfer-Encoding: chunked\r\n\r\n3e9\r\n{'x' * 1001}\r\n0\r\n\r\n",
        f"{POST}Transfer-Encoding: chunked\r\n\r\n" + f"1f4\r\n{'x' * 500}\r\n" * 3 + "0\r\n\r\n",
    ],
)
def test_a_body_that_is_too_large(request_text: str) -> None:
    """Whether the length is declared or not."""

    async def run() -> None:
        async with listening(echo, replace(LARGE, body_bytes=1000)) as server:
            status, body = await server.ask(request_text)
            assert (status, json.loads(body)["code"]) == (413, "body_too_large")

    patiently(run())


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (r"\u00e9" * 1_000, 200),
        (r"\u00e9" * 1_001, 413),
        (r"\u00e9" * 10 + "x" * 990, 200),
        (r"\u00e9" * 10 + "x" * 991, 413),
        ("x" * 1_001, 413),
        (r"\u" * 5_000, 413),
    ],
)
@pytest.mark.parametrize("at_once", [7, 10_000])
def test_an_escape_in_json_counts_as_one_byte(body: str, status: int, at_once: int) -> None:
    """A query may be equally long in every language, however a client encodes it."""

    async def run() -> None:
        limits = replace(LARGE, body_bytes=1_000, sent_body_bytes=8_000)
        async with listening(echo, limits) as server:
            client = await server.connect()
            kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}"
            await client.send(f"{POST}{kind}\r\n\r\n")
            for start in range(0, len(body), at_once):
                client.writer.write(body[start : start + at_once].encode())
                await asyncio.sleep(0)
            assert (await client.receive())[0] == status

    patiently(run())


def test_bodies_of_all_clients_together() -> None:
    """Memory held by one is not available to another; afterwards it is. Small bodies are always
    accepted."""

    async def run() -> None:
        async with listening(echo, replace(LARGE, bodies_bytes=200_000)) as server:
            half_sent = await server.connect()
            await half_sent.send(f"{POST}Content-Length: 200000\r\n\r\n{'x' * 199_000}")
            await until(lambda: server.guard.bodies.left < 100_000)
            large, small = (
                f"{POST}Content-Length: {size}\r\n\r\n{'x' * size}" for size in (180_000, 60_000)
            )
            status, body = await server.ask(large)
            assert (status, json.loads(body)["code"]) == (503, "overloaded")
            assert await server.ask(small) == (200, b'{"bytes": 60000}')

            await half_sent.send("x" * 1000)
            assert await half_sent.receive() == (200, b'{"bytes": 200000}')
            assert await server.ask(large) == (200, b'{"bytes": 180000}')
            assert server.guard.bodies.left == 200_000

    patiently(run())


def test_an_answer_that_nobody_takes() -> None:
    async def endless(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await send({"type": "http.response.body", "body": bytes(1 << 16), "more_body": True})

    async def run() -> None:
        async with listening(endless, replace(LARGE, write_seconds=0.05)) as server:
            client = await server.connect()
            await client.send(GET)
            await until(lambda: server.activity.requests > 0)
            await until(lambda: not (len(server.connections) or server.activity.requests))

    patiently(run())


def test_work_that_takes_too_long(caplog: pytest.LogCaptureFixture) -> None:
    """Its client gets an answer although the work has not ended; its later output is dropped."""
    ended = asyncio.Event()

    async def slow(_scope: Scope, _receive: Receive, send: Send) -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await asyncio.sleep(0.05)  # as a thread would that cannot be stopped
            await send({"type": "http.response.start", "status": 200, "headers": []})
            ended.set()

    async def run() -> None:
        async with listening(
            slow, replace(LARGE, request_seconds=0.05, body_seconds=3600.0)
        ) as server:
            client = await server.connect()
            await client.send(GET)
            status, body = await client.receive()
            assert (status, json.loads(body)["code"]) == (504, "request_too_slow")
            [record] = [one for one in caplog.records if one.name == "kodit.server.guard"]
            assert record.message == "a request took too long"
            assert not ended.is_set()
            await ended.wait()

    with caplog.at_level(logging.WARNING, "kodit.server.guard"):
        patiently(run())


async def pings(_scope: Scope, _receive: Receive, send: Send) -> None:
    """A stream of events without an end."""
    kind = (b"content-type", b"text/event-stream; charset=utf-8")
    await send({"type": "http.response.start", "status": 200, "headers": [kind]})
    while True:
        await send({"type": "http.response.body", "body": b": ping\n\n", "more_body": True})
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("times", [1, 10])
def test_a_stream_of_events_may_go_on(times: int) -> None:
    """Beyond the time limit of an answer; it ends properly with the server: its last chunk is
    empty."""

    async def run() -> None:
        limits = replace(LARGE, request_seconds=0.1, progress_seconds=0.05)
        async with listening(pings, limits) as server:
            client = await server.connect()
            await client.send(GET)
            for _ in range(times):
                await client.reader.readuntil(b": ping\n\n")
            server.activity.stop.set()
            server.guard.end_streams()
            rest = await client.reader.read()
            assert rest.endswith(b"0\r\n\r\n")

    patiently(run())


def test_the_progress_of_an_answer_may_go_on_a_little() -> None:
    """A POST has an end, whatever progress it reports."""

    async def run() -> None:
        limits = replace(LARGE, request_seconds=0.05, progress_seconds=0.05)
        async with listening(pings, limits) as server:
            client = await server.connect()
            await client.send(f"{POST}Content-Length: 0\r\n\r\n")
            assert await client.is_closed()

    patiently(run())


def test_many_streams_make_room_for_new_ones() -> None:
    """The oldest one ends, properly."""

    async def run() -> None:
        async with listening(pings, replace(LARGE, streams=2)) as server:
            clients = [await server.connect() for _ in range(3)]
            for client in clients:
                await client.send(GET)
                await client.reader.readuntil(b": ping\n\n")
            assert await clients[0].reader.readuntil(b"0\r\n\r\n")
            for client in clients[1:]:
                await client.reader.readuntil(b": ping\n\n")

    patiently(run())


def test_a_stream_that_is_asked_for_as_the_server_stops() -> None:
    """Existing streams have been told to end, and nothing would tell the new one later."""

    servers: list[Listening] = []

    async def stopping(scope: Scope, receive: Receive, send: Send) -> None:
        servers[0].activity.stop.set()
        await pings(scope, receive, send)

    async def run() -> None:
        async with listening(stopping, LARGE) as server:
            servers.append(server)
            client = await server.connect()
            await client.send(GET)
            assert (await client.reader.read()).endswith(b"0\r\n\r\n")

    patiently(run())


def test_a_client_that_goes_away_ends_its_work() -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def work(_scope: Scope, _receive: Receive, _send: Send) -> None:
        started.set()
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()

    async def run() -> None:
        async with listening(work, LARGE) as server:
            client = await server.connect()
            await client.send(GET)
            await started.wait()
            client.close()
            await ended.wait()

    patiently(run())


def test_answers_are_finished_before_the_server_ends() -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    async def work(_scope: Scope, receive: Receive, send: Send) -> None:
        started.set()
        await go_on.wait()
        await echo({}, receive, send)

    async def run() -> None:
        async with listening(work, LARGE) as server:
            client = await server.connect()
            await client.send(GET)
            await started.wait()
            server.activity.stop.set()
            go_on.set()
            assert await client.receive() == (200, b'{"bytes": 0}')
            assert await client.is_closed()

    patiently(run())


def test_many_connections_make_room_for_new_ones() -> None:
    """Those that have waited longest for a request are closed first, never one that is being
    answered."""
    started, go_on = asyncio.Event(), asyncio.Event()

    async def work(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/slow":
            started.set()
            await go_on.wait()
        await echo(scope, receive, send)

    async def run() -> None:
        async with listening(work, replace(LARGE, connections=5)) as server:
            busy = await server.connect()
            await busy.send(GET.replace("/ ", "/slow "))
            await started.wait()
            idle = [await server.connect() for _ in range(10)]
            assert await server.ask(GET) == (200, b'{"bytes": 0}')
            assert await idle[0].is_closed()
            assert len(server.connections) <= 5
            go_on.set()
            assert await busy.receive() == (200, b'{"bytes": 0}')

    patiently(run())


def test_bodies_that_do_not_come_keep_nobody_out() -> None:
    """A connection that has sent only a header is not being answered yet, and is closed like an
    idle one."""

    async def run() -> None:
        async with listening(echo, replace(LARGE, connections=5)) as server:
            slow = [await server.connect() for _ in range(5)]
            for client in slow:
                await client.send(f"{POST}Content-Length: 10\r\n\r\n")
            await until(lambda: server.activity.requests == 5)
            assert await server.ask(GET) == (200, b'{"bytes": 0}')
            assert await slow[0].is_closed()

    patiently(run())


def test_more_requests_at_once_than_connections_may_be() -> None:
    """Further clients are told to try again."""
    go_on = asyncio.Event()

    async def work(_scope: Scope, receive: Receive, send: Send) -> None:
        await go_on.wait()
        await echo({}, receive, send)

    async def run() -> None:
        async with listening(work, replace(LARGE, connections=2)) as server:
            busy = [await server.connect() for _ in range(2)]
            for client in busy:
                await client.send(GET)
            await until(lambda: server.activity.requests == 2)
            refused = await server.connect()
            assert (await refused.reader.read()).startswith(b"HTTP/1.1 503 ")
            go_on.set()
            for client in busy:
                assert await client.receive() == (200, b'{"bytes": 0}')

    patiently(run())
