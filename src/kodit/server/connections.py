"""The connections of one way in: how many there may be, and who goes for a new one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from kodit.server.limits import Limits
from kodit.server.memory import SharedBytes

READ_BYTES = 8_192
"""So much is read in one turn of the event loop; what a client sends ahead stays in the system."""


class Held(Protocol):
    """What the group knows of a connection."""

    def is_overdue(self, now: float) -> bool:
        """Whether the client has had the time that it has for what it is doing."""

    def drop(self) -> None:
        """Close it, without waiting for anything."""


class Connections:
    """They share memory, too, and are looked at from time to time. `app` is an ASGI application
    that is told of the connection, too."""

    def __init__(
        self,
        app: Callable[..., Coroutine[Any, Any, None]],
        limits: Limits,
        *,
        are_local: bool = False,
    ) -> None:
        self.app = app
        self.limits = limits
        self.are_local = are_local
        self.heads = SharedBytes(limits.heads_bytes)
        self.received = memoryview(bytearray(READ_BYTES))
        """Where each connection finds what it has just received."""
        self._all: set[Held] = set()
        self._strangers: dict[Held, None] = {}
        self._waiting: dict[Held, None] = {}
        self._sweeping: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._all)

    def enter(self, connection: Held) -> bool:
        """Whether there is room for a new connection. A stranger makes room for it, or else who
        has waited longest."""
        if len(self._all) >= self.limits.connections:
            oldest = next(iter(self._strangers), None) or next(iter(self._waiting), None)
            if oldest is None:
                return False
            self.leave(oldest)
            oldest.drop()
        self._all.add(connection)
        if self.are_local:
            self._waiting[connection] = None
        else:
            self._strangers[connection] = None
        self._sweep_later()
        return True

    def leave(self, connection: Held) -> None:
        """Forget a connection that has ended."""
        self._all.discard(connection)
        self._strangers.pop(connection, None)
        self._waiting.pop(connection, None)

    def recognize(self, connection: Held) -> None:
        """Its client may ask. From now on it makes room for others only after all strangers."""
        if self._strangers.pop(connection, connection) is None:
            self._waiting[connection] = None

    def begin(self, connection: Held) -> None:
        """A request of somebody who may ask has come in whole. Until then its client may make room
        for others."""
        self._waiting.pop(connection, None)

    def end(self, connection: Held) -> None:
        """Its answer is complete."""
        if connection in self._all and connection not in self._strangers:
            self._waiting.pop(connection, None)  # it waits again, and goes last
            self._waiting[connection] = None

    def is_stranger(self, connection: Held) -> bool:
        """Whether nobody has shown on it yet that they may ask."""
        return connection in self._strangers

    def _sweep_later(self) -> None:
        if self._sweeping is None and self._all:
            loop = asyncio.get_running_loop()
            self._sweeping = loop.call_later(self.limits.sweep_seconds, self._sweep, loop)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sweeping = None
        now = loop.time()
        for connection in list(self._all):
            if connection.is_overdue(now):
                connection.drop()
        self._sweep_later()
