"""Heads of requests: their size, their number of fields, and the memory of all of them together."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from tests.support.listening import UNLIMITED, Client, echo, listening, patiently, until

from kodit.server.connections import READ_BYTES
from kodit.server.limits import Limits
from kodit.server.problems import Receive, Scope, Send

GET = "GET / HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
LIMITS = replace(UNLIMITED, line_bytes=2_000, fields_bytes=1_000, fields=10, chunks=5)


async def refusal(client: Client) -> tuple[int, str]:
    """The answer, after which nothing more comes."""
    status, body = await client.receive()
    assert await client.reader.read() == b""
    return status, json.loads(body)["code"]


@pytest.mark.parametrize("end", ["", "\r\n\r\n"])
@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ("GET /" + "x" * 2_000, 414, "line_too_long"),
        (f"GET /{'x' * 2_000} HTTP/1.1\r\nHost: localhost", 414, "line_too_long"),
        (f"{GET}X: {'x' * 1_000}", 431, "header_too_large"),
        (GET + "\r\n".join(f"X{number}: x" for number in range(10)), 431, "header_too_large"),
    ],
)
def test_a_head_that_is_too_large(sent: str, status: int, code: str, end: str) -> None:
    """It is refused as soon as the size is known, whether its end has arrived or not."""

    async def run() -> None:
        async with listening(echo, LIMITS) as server:
            client = await server.connect()
            await client.send(sent + ("\r\nMore: x" if code == "header_too_large" else "") + end)
            assert await refusal(client) == (status, code)

    patiently(run())


def test_the_largest_head_that_is_taken() -> None:
    async def run() -> None:
        async with listening(echo, LIMITS) as server:
            line = f"GET /{'x' * 1_980} HTTP/1.1"
            fields = "\r\n".join([f"X{number}: {'x' * 80}" for number in range(9)])
            head = f"{line}\r\nHost: localhost\r\n{fields}\r\n\r\n"
            assert await server.ask(head) == (200, b'{"bytes": 0}')
            assert await server.ask(head.replace("\r\n", "\n")) == (200, b'{"bytes": 0}')

    patiently(run())


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (CHUNKED + "1\r\nx\r\n" * 6, 413),
        (f"{CHUNKED}1;{'x' * 2 * READ_BYTES}", 431),
        (f"{CHUNKED}0\r\nX: {'x' * 2 * READ_BYTES}", 431),
    ],
)
def test_a_body_that_costs_more_than_it_holds(sent: str, status: int) -> None:
    """Many small chunks, chunk extensions, or trailers."""

    async def run() -> None:
        async with listening(echo, LIMITS) as server:
            client = await server.connect()
            await client.send(sent)
            assert (await refusal(client))[0] == status

    patiently(run())


def test_heads_of_all_connections_together() -> None:
    """Memory held by some is not available to others until they are answered; small heads are
    always accepted."""
    go_on = asyncio.Event()

    async def work(scope: Scope, receive: Receive, send: Send) -> None:
        if len(scope["path"]) > READ_BYTES:
            await go_on.wait()
        await echo(scope, receive, send)

    async def run() -> None:
        async with listening(work, Limits(heads_bytes=100_000)) as server:
            large = f"GET /{'x' * 60_000} HTTP/1.1\r\nHost: localhost\r\n\r\n"
            half_sent, asking, refused = [await server.connect() for _ in range(3)]
            await half_sent.send(large[:-2])
            await asking.send(large)
            await until(lambda: server.connections.heads.left < 20_000)
            await refused.send(large)
            assert await refusal(refused) == (503, "overloaded")
            assert await server.ask(GET + "\r\n") == (200, b'{"bytes": 0}')

            go_on.set()
            assert await asking.receive() == (200, b'{"bytes": 0}')
            half_sent.close()
            await until(lambda: server.connections.heads.left == 100_000)

    patiently(run())


def test_what_is_sent_ahead_stays_with_the_system() -> None:
    """The server reads no more of it than one buffer, and answers all of it in order."""
    go_on = asyncio.Event()
    started = asyncio.Event()
    paths = []

    async def work(scope: Scope, receive: Receive, send: Send) -> None:
        started.set()
        await go_on.wait()
        paths.append(scope["path"])
        await echo(scope, receive, send)

    async def run() -> None:
        async with listening(work, Limits(heads_bytes=0)) as server:
            client = await server.connect()
            requests = [GET.replace("/ ", f"/{number} ") + "\r\n" for number in range(1_000)]
            await client.send("".join(requests))
            await started.wait()
            go_on.set()
            for _ in requests:
                assert await client.receive() == (200, b'{"bytes": 0}')
            assert paths == [f"/{number}" for number in range(1_000)]

    patiently(run())


def test_a_client_that_is_still_sending_sees_the_refusal() -> None:
    """The connection is not reset before the answer is read."""

    async def run() -> None:
        async with listening(echo, replace(LIMITS, linger_seconds=60)) as server:
            client = await server.connect()
            await client.send(f"{GET}X: {'x' * 4_000_000}")
            assert await refusal(client) == (431, "header_too_large")
            client.close()
            await until(lambda: not len(server.connections))

    patiently(run())


def test_a_refused_connection_is_closed() -> None:
    async def run() -> None:
        async with listening(echo, replace(LIMITS, linger_seconds=0.05)) as server:
            client = await server.connect()
            await client.send(f"{GET}X: {'x' * 1_000}")
            assert await refusal(client) == (431, "header_too_large")
            await until(lambda: not len(server.connections))

    patiently(run())
