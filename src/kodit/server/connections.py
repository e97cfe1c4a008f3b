"""The connections of one listener: how many there may be, and which one is closed for a new one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from kodit.server.limits import Limits
from kodit.server.memory import SharedBytes

READ_BYTES = 8_192
"""How much is read in one turn of the event loop; further data stays in the system's buffers."""


class ManagedConnection(Protocol):
    """A connection, as the group needs it."""

    def is_overdue(self, now: float) -> bool:
        """Whether the client has used up its time for the current phase."""

    def drop(self) -> None:
        """Close it, without waiting for anything."""


class Connections:
    """A group of connections that share memory and are checked periodically. `app` is an ASGI
    application that also receives the connection."""

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
        """The buffer in which each connection finds the data just received."""
        self._all: set[ManagedConnection] = set()
        self._strangers: dict[ManagedConnection, None] = {}
        self._waiting: dict[ManagedConnection, None] = {}
        self._sweeping: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._all)

    def enter(self, connection: ManagedConnection) -> bool:
        """Admit a new connection if the limit allows it. If it is reached, a stranger is closed to
        make room, or else the connection that has waited longest."""
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

    def leave(self, connection: ManagedConnection) -> None:
        """Remove a connection that has ended."""
        self._all.discard(connection)
        self._strangers.pop(connection, None)
        self._waiting.pop(connection, None)

    def recognize(self, connection: ManagedConnection) -> None:
        """Its client was admitted. From now on it is closed for others only after all strangers."""
        if self._strangers.pop(connection, connection) is None:
            self._waiting[connection] = None

    def begin(self, connection: ManagedConnection) -> None:
        """A request of an admitted client was received completely. Until then, its connection may
        be closed for others."""
        self._waiting.pop(connection, None)

    def end(self, connection: ManagedConnection) -> None:
        """Its answer is complete."""
        if connection in self._all and connection not in self._strangers:
            self._waiting.pop(connection, None)  # it waits again, and is the last to be closed
            self._waiting[connection] = None

    def is_stranger(self, connection: ManagedConnection) -> bool:
        """Whether no request on it has been admitted yet."""
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
