"""HTTP connections that cannot be held: uvicorn's protocol, with limits of time and number.

uvicorn by itself waits for ever for a header, for a body, and for a client that takes an answer.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from kodit.server.limits import Limits
from kodit.server.problems import Receive, Scope, Send

_FOR_EVER = 365 * 86400.0
_TOO_MANY = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"retry-after: 1\r\nconnection: close\r\n\r\nthe server has too many connections\n"
)

ConnectionApp = Callable[["Connection", Scope, Receive, Send], Coroutine[Any, Any, None]]
"""An ASGI application that is told of the connection, too."""


class Connections:
    """The connections of one way in, each with the moment by which it must have moved."""

    def __init__(self, app: ConnectionApp, limits: Limits, *, are_local: bool = False) -> None:
        self.app = app
        self.limits = limits
        self.are_local = are_local
        self._all: set[Connection] = set()
        self._waiting: dict[Connection, None] = {}
        self._sweeping: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._all)

    def enter(self, connection: Connection) -> bool:
        """Whether there is room for a new connection. Who has waited longest makes room for it."""
        if len(self._all) >= self.limits.connections:
            oldest = next(iter(self._waiting), None)
            if oldest is None:
                return False
            self.leave(oldest)
            oldest.transport.abort()
        self._all.add(connection)
        self._waiting[connection] = None
        self._sweep_later()
        return True

    def leave(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        self._all.discard(connection)
        self._waiting.pop(connection, None)

    def begin(self, connection: Connection) -> None:
        """A request has come in whole. Until then its client may make room for others."""
        self._waiting.pop(connection, None)

    def end(self, connection: Connection) -> None:
        """Its answer is complete."""
        if connection in self._all:
            self._waiting.pop(connection, None)  # it waits anew, and is the last to go
            self._waiting[connection] = None

    def _sweep_later(self) -> None:
        if self._sweeping is None and self._all:
            loop = asyncio.get_running_loop()
            self._sweeping = loop.call_later(self.limits.sweep_seconds, self._sweep, loop)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sweeping = None
        now = loop.time()
        for connection in list(self._all):
            if connection.is_overdue(now):
                connection.transport.abort()
        self._sweep_later()


class Connection(H11Protocol):
    """One connection. `on_lost` is called when the client goes away during a request."""

    def __init__(self, *, local: Connections, remote: Connections, **of_uvicorn: Any) -> None:
        super().__init__(**of_uvicorn)
        self._local = local
        self._remote = remote
        self._group = remote
        self.on_lost: Callable[[], object] | None = None
        self._partial_since: float | None = None
        self._stalled_since: float | None = None
        self._closing_since: float | None = None

    @property
    def is_local(self) -> bool:
        """Whether it came over the socket of the data directory."""
        return self._group.are_local

    @property
    def is_answering(self) -> bool:
        """Whether a request is under way."""
        return self.cycle is not None and not self.cycle.response_complete

    def is_overdue(self, now: float) -> bool:
        """Whether the client has had the time that it has for what it is doing."""
        limits = self._group.limits
        if self.transport.is_closing():
            self._closing_since = self._closing_since or now
            return now - self._closing_since > limits.linger_seconds
        if self._stalled_since is not None:
            return now - self._stalled_since > limits.write_seconds
        if self._partial_since is not None:
            return now - self._partial_since > limits.header_seconds
        return False

    def connection_made(  # type: ignore[override] # as in uvicorn
        self, transport: asyncio.Transport
    ) -> None:
        super().connection_made(transport)
        if transport.get_extra_info("socket").family == socket.AF_UNIX:
            self._group = self._local
        self.app = partial(self._group.app, self)
        if self.is_local:
            self.timeout_keep_alive = _FOR_EVER  # type: ignore[assignment] # any number of seconds
        else:
            self.timeout_keep_alive = self._group.limits.keep_alive_seconds  # type: ignore[assignment]
            self._partial_since = self.loop.time()
        if not self._group.enter(self):
            transport.write(_TOO_MANY)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._group.leave(self)
        if self.on_lost is not None:
            self.on_lost()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._note_partial()

    def handle_events(self) -> None:
        super().handle_events()
        self._note_partial()

    def begin(self) -> None:
        """Note that the request has come in whole, and is being answered."""
        self._group.begin(self)

    def on_response_complete(self) -> None:
        self._group.end(self)
        super().on_response_complete()
        self._note_partial()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled_since = self.loop.time()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stalled_since = None

    def _note_partial(self) -> None:
        """Since when a part of a header, or of a body that nobody reads, is there."""
        is_partial = not self.is_answering and (
            self.conn.their_state is not h11.IDLE or bool(self.conn.trailing_data[0])
        )
        if not is_partial:
            self._partial_since = None
        elif self._partial_since is None:
            self._partial_since = self.loop.time()
