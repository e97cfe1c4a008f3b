"""The server's HTTP side within a test: its listeners over the test's own application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tests.support.command import PATIENCE_SECONDS

from kodit.domain.caller import LOCAL_CALLER, Caller
from kodit.server.access import Access
from kodit.server.activity import Activity
from kodit.server.connections import Connections
from kodit.server.guard import Guard
from kodit.server.http_server import HttpServer
from kodit.server.limits import Limits
from kodit.server.problems import AsgiApp, Receive, Refusal, Scope, Send, send_json
from kodit.server.sockets import listen_on_tcp


class Everybody:
    """Grants access to everybody."""

    def admit(self, _scope: Scope) -> Caller | Refusal:
        return LOCAL_CALLER


@dataclass
class Client:
    """A connection that sends given bytes, one piece at a time."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, text: str) -> None:
        self.writer.write(text.encode("latin-1"))
        await self.writer.drain()

    async def receive(self) -> tuple[int, bytes]:
        """The status and body of an answer of known length."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        [length] = [
            int(line[15:]) for line in head.split("\r\n") if line.startswith("content-length:")
        ]
        return int(head.split()[1]), await self.reader.readexactly(length)

    async def is_closed(self) -> bool:
        """Wait until the other side closes; anything it still sends is dropped."""
        with suppress(ConnectionError):
            while await self.reader.read(1 << 16):
                pass
        return True

    def close(self) -> None:
        self.writer.close()


@dataclass
class Listening:
    """A server that listens on loopback, within this event loop."""

    port: int
    activity: Activity
    connections: Connections
    guard: Guard
    clients: list[Client] = field(default_factory=list)

    async def connect(self) -> Client:
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port))
        self.clients.append(client)
        return client

    async def ask(self, text: str) -> tuple[int, bytes]:
        """One request on a connection of its own."""
        client = await self.connect()
        await client.send(text)
        answer = await client.receive()
        client.close()
        return answer


@asynccontextmanager
async def listening(
    app: AsgiApp, limits: Limits, access: Access | None = None
) -> AsyncIterator[Listening]:
    """A server over the application, ready, for the length of the block."""
    activity = Activity()
    activity.become_ready()
    guard = Guard(app, access or Everybody(), limits, activity)
    connections = Connections(guard, limits)
    server = HttpServer(local=connections, remote=connections, limits=limits, stop=activity.stop)
    [bound] = listen_on_tcp("127.0.0.1", 0)
    port = bound.getsockname()[1]
    serving = asyncio.create_task(server.serve([bound]))
    await server.is_listening.wait()
    there = Listening(port, activity, connections, guard)
    try:
        yield there
    finally:
        activity.stop.set()
        guard.end_streams()
        for client in there.clients:
            client.close()
        await serving


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    while not holds():  # noqa: ASYNC110 - what changes it tells nobody
        await asyncio.sleep(0.001)


FOR_EVER = 1e6
UNLIMITED = Limits(
    header_seconds=FOR_EVER,
    stranger_seconds=FOR_EVER,
    body_seconds=FOR_EVER,
    request_seconds=FOR_EVER,
    progress_seconds=FOR_EVER,
    write_seconds=FOR_EVER,
    keep_alive_seconds=FOR_EVER,
    linger_seconds=FOR_EVER,
    sweep_seconds=0.02,
)
"""A test that makes one of its times short waits for that one: none of the others passes before the
test fails."""


def patiently(work: Coroutine[Any, Any, None]) -> None:
    """Run a test that would wait for ever instead of failing."""
    asyncio.run(asyncio.wait_for(work, PATIENCE_SECONDS))


async def echo(_scope: Scope, receive: Receive, send: Send) -> None:
    """Returns the number of bytes it was sent."""
    message = await receive()
    await send_json(send, 200, {"bytes": len(message["body"])})
