"""Clients without a key never block clients with one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from http import HTTPStatus
from typing import cast

import pytest
from tests.support.listening import UNLIMITED, Client, Listening, echo, listening, patiently, until

from kodit.domain.caller import LOCAL_CALLER, Caller
from kodit.server.connection import Connection
from kodit.server.problems import Receive, Refusal, Scope, Send, header_values
from kodit.server.turns import Turns

LIMITS = UNLIMITED
ASK = "GET / HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: key\r\n\r\n"
HEALTH = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
ANSWER = (200, b'{"bytes": 0}')


class WithKey:
    """Admits requests with the key, and health checks without one."""

    def admit(self, scope: Scope) -> Caller | Refusal:
        if scope["path"] == "/healthz" or header_values(scope, b"x-api-key") == ["key"]:
            return LOCAL_CALLER
        return Refusal(HTTPStatus.UNAUTHORIZED, "key_missing", "a key is needed")


async def recognized(server: Listening) -> Client:
    client = await server.connect()
    await client.send(ASK)
    assert await client.receive() == ANSWER
    return client


def test_a_stranger_has_a_time_in_all() -> None:
    """However often it is answered; a client with a key stays."""

    async def run() -> None:
        limits = replace(LIMITS, stranger_seconds=0.2)
        async with listening(echo, limits, WithKey()) as server:
            known, stranger = await recognized(server), await server.connect()
            closed = asyncio.create_task(stranger.is_closed())
            while not closed.done():
                stranger.writer.write(ASK.replace("X-Api-Key: key\r\n", "").encode())
                await asyncio.wait({closed}, timeout=0.02)
            await known.send(ASK)
            assert await known.receive() == ANSWER

    patiently(run())


def test_a_monitor_keeps_its_connection() -> None:
    """Each health check restarts its time limit; other requests without a key do not."""

    async def run() -> None:
        async with listening(echo, replace(LIMITS, sweep_seconds=3600.0), WithKey()) as server:
            monitor = await server.connect()
            await monitor.send(HEALTH)
            assert await monitor.receive() == ANSWER
            (held,) = server.connections._all
            now = asyncio.get_running_loop().time()
            connection = cast(Connection, held)
            connection._stranger_since = now - LIMITS.stranger_seconds
            assert connection.is_overdue(now + 1.0)
            await monitor.send(ASK.replace("X-Api-Key: key\r\n", ""))
            assert (await monitor.receive())[0] == HTTPStatus.UNAUTHORIZED
            assert connection.is_overdue(now + 1.0)
            await monitor.send(HEALTH)
            assert await monitor.receive() == ANSWER
            assert not connection.is_overdue(now + 1.0)

    patiently(run())


def test_strangers_make_room_before_anybody_else() -> None:
    """Even if a client with a key has waited longer."""

    async def run() -> None:
        async with listening(echo, replace(LIMITS, connections=3), WithKey()) as server:
            known = [await recognized(server) for _ in range(2)]
            strangers = [await server.connect() for _ in range(10)]
            for stranger in strangers[:-1]:
                assert await stranger.is_closed()
            for client in known:
                await client.send(ASK)
                assert await client.receive() == ANSWER

    patiently(run())


def test_who_was_answered_last_is_closed_last() -> None:
    """Of clients with a key that have no request under way."""

    async def run() -> None:
        async with listening(echo, replace(LIMITS, connections=3), WithKey()) as server:
            first, second, third = [await recognized(server) for _ in range(3)]
            await first.send(ASK)
            assert await first.receive() == ANSWER
            assert await server.ask(ASK) == ANSWER
            assert await second.is_closed()
            for client in (first, third):
                await client.send(ASK)
                assert await client.receive() == ANSWER

    patiently(run())


def test_a_stranger_that_is_answered_makes_room() -> None:
    """A request that needs no key does not keep its place."""
    at_the_door = []

    async def work(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/healthz":
            at_the_door.append(scope)
            await asyncio.sleep(3600)
        await echo(scope, receive, send)

    async def run() -> None:
        async with listening(work, replace(LIMITS, connections=2), WithKey()) as server:
            for _ in range(2):
                await (await server.connect()).send(HEALTH)
            await until(lambda: len(at_the_door) == 2)
            assert await server.ask(ASK) == ANSWER

    patiently(run())


@pytest.mark.parametrize(
    "body", ["Content-Length: 900000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"]
)
def test_what_needs_no_key_has_no_body(body: str) -> None:
    """A client that sends one uses no memory and no time of others."""

    async def run() -> None:
        async with listening(echo, LIMITS, WithKey()) as server:
            client = await server.connect()
            await client.send(HEALTH[:-2] + body + "x" * 100_000)
            assert (await client.receive())[0] == 413
            assert await client.reader.read() == b""
            assert server.guard.bodies.left == LIMITS.bodies_bytes

    patiently(run())


def test_the_body_of_a_refused_request_is_not_read() -> None:
    """A body after a refusal ends the connection: reading it would cost as much as an answer."""

    async def run() -> None:
        async with listening(echo, LIMITS, WithKey()) as server:
            client = await server.connect()
            await client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n")
            assert (await client.receive())[0] == 401
            assert await client.reader.read() == b""

    patiently(run())


def test_chunks_of_a_stranger_are_not_looked_for() -> None:
    """Not even those that arrived with the header: there may be thousands."""

    async def run() -> None:
        async with listening(echo, replace(LIMITS, chunks=1), WithKey()) as server:
            chunked = "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
            chunks = "\r\n" + "1\r\nx\r\n" * 2 + "0\r\n\r\n"
            client = await server.connect()
            await client.send(chunked + chunks)
            assert (await client.receive())[0] == 401  # and not 413 for too many of them
            known = chunked + "X-Api-Key: key\r\n"
            assert (await server.ask(known + chunks))[0] == 413
            assert await server.ask(known + "\r\n1\r\nx\r\n0\r\n\r\n") == (200, b'{"bytes": 1}')

    patiently(run())


def test_requests_that_were_sent_ahead_come_after_others() -> None:
    """But one of them starts in each turn of the event loop."""

    async def run() -> list[str]:
        turns = Turns(2)
        started: list[str] = []

        async def ask(name: str) -> None:
            await turns.wait(is_ahead=name.startswith("ahead"))
            started.append(name)

        names = [f"ahead {number}" for number in range(6)] + [
            f"new {number}" for number in range(3)
        ]
        await asyncio.gather(*map(ask, names))
        return started

    assert asyncio.run(run()) == [
        *("ahead 0", "ahead 1"),  # nobody else was there
        *("new 0", "ahead 2", "new 1", "ahead 3", "new 2", "ahead 4", "ahead 5"),
    ]
