"""HTTP connections with limits: uvicorn's protocol, with limits of time and size. uvicorn alone
waits for ever for a header, for a body, and for a client to read an answer."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from kodit.server.connections import Connections
from kodit.server.heads import HeadChecks
from kodit.server.problems import Refusal

_FOR_EVER = 365 * 86400.0
_TOO_MANY = Refusal(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "overloaded",
    "the server has too many connections; try again",
    ((b"retry-after", b"1"),),
)
_UNREADABLE = Refusal(HTTPStatus.BAD_REQUEST, "request_invalid", "this is not a valid HTTP request")


class Connection(H11Protocol, asyncio.BufferedProtocol):
    """One connection. `on_lost` is called when the client disconnects during a request."""

    conn: HeadChecks

    def __init__(self, *, local: Connections, remote: Connections, **of_uvicorn: Any) -> None:
        super().__init__(**of_uvicorn)
        self._local = local
        self._remote = remote
        self._group = remote
        self._stranger_since = self.loop.time()
        self.on_lost: Callable[[], object] | None = None
        self.is_ahead = False
        """Whether the request was pipelined: sent before the previous answer."""
        self._partial_since: float | None = None
        self._stalled_since: float | None = None
        self._refused_since: float | None = None

    @property
    def is_local(self) -> bool:
        """Whether it came over the socket of the data directory."""
        return self._group.are_local

    @property
    def is_answering(self) -> bool:
        """Whether a request is active."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def is_fully_received(self) -> bool:
        """Whether the active request has been received completely."""
        return not self.cycle.more_body

    def is_overdue(self, now: float) -> bool:
        """Whether the client has used up its time for the current phase."""
        limits = self._group.limits
        if self.transport.is_closing() or self._refused_since is not None:
            self._refused_since = self._refused_since or now
            return now - self._refused_since > limits.linger_seconds
        if self._stalled_since is not None and now - self._stalled_since > limits.write_seconds:
            return True
        if self._partial_since is not None and now - self._partial_since > limits.header_seconds:
            return True
        is_stranger = self._group.is_stranger(self)
        return is_stranger and now - self._stranger_since > limits.stranger_seconds

    def connection_made(  # type: ignore[override] # as in uvicorn
        self, transport: asyncio.Transport
    ) -> None:
        super().connection_made(transport)
        if transport.get_extra_info("socket").family == socket.AF_UNIX:
            self._group = self._local
        self.app = partial(self._group.app, self)
        self.conn = self._new_parser()
        if self.is_local:
            self.timeout_keep_alive = _FOR_EVER  # type: ignore[assignment] # any number of seconds
        else:
            self.timeout_keep_alive = self._group.limits.keep_alive_seconds  # type: ignore[assignment]
            self._partial_since = self.loop.time()
        if not self._group.enter(self):
            transport.write(_TOO_MANY.as_http())
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._group.leave(self)
        self.conn.close()
        if self.on_lost is not None:
            self.on_lost()

    def get_buffer(self, _sizehint: int) -> memoryview:
        return self._group.received

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(bytes(self._group.received[:nbytes]))

    def data_received(self, data: bytes) -> None:
        if self._refused_since is not None:
            return
        if not self.is_answering:
            self.is_ahead = False
        super().data_received(data)

    def handle_events(self) -> None:
        super().handle_events()
        self._note_partial()

    def recognize(self) -> None:
        """Record that the client was admitted: it is no longer a stranger."""
        self._group.recognize(self)

    def start_over(self) -> None:
        """Restart a stranger's time limit: it asked for the health of the server, which a monitor
        does as long as it runs."""
        self._stranger_since = self.loop.time()

    def read_body(self) -> None:
        """Receive the body of an admitted client."""
        if self.conn.is_held:
            self.conn.is_held = False
            self.flow.resume_reading()
            self.handle_events()

    def begin(self) -> None:
        """Record that the request was received completely and is being answered."""
        self._group.begin(self)

    def refuse(self, refusal: Refusal) -> None:
        """Answer at once, and drop what the client still sends until it closes the connection too,
        but not for long. If the server closed first, the client might lose the answer."""
        if self.transport.is_closing() or self._refused_since is not None:
            return
        self._refused_since = self.loop.time()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()  # another answer has been sent already
            return
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.write(refusal.as_http())
        self.transport.write_eof()
        self.conn.close()
        self.conn = self._new_parser()  # the old one keeps its data
        self.flow.resume_reading()

    def _new_parser(self) -> HeadChecks:
        return HeadChecks(self._group.limits, self._group.heads)

    def send_400_response(self, _msg: str) -> None:
        self.refuse(self.conn.refusal or _UNREADABLE)

    def on_response_complete(self) -> None:
        self._group.end(self)
        self.is_ahead = self.conn.unread > 0
        super().on_response_complete()
        self._note_partial()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled_since = self.loop.time()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stalled_since = None

    def shutdown(self) -> None:
        if self._refused_since is None:
            super().shutdown()
        else:
            self.transport.close()

    def drop(self) -> None:
        """Close it: gracefully if it has no active request, else at once."""
        if self.is_answering or self.conn.unread or self.transport.is_closing():
            self.transport.abort()
        else:
            self.transport.close()

    def _note_partial(self) -> None:
        """Record since when a part of a header, or of an unread body, has been waiting."""
        is_partial = not self.is_answering and (
            self.conn.their_state is not h11.IDLE or self.conn.unread > 0
        )
        if not is_partial:
            self._partial_since = None
        elif self._partial_since is None:
            self._partial_since = self.loop.time()
