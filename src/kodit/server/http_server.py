"""uvicorn on sockets that are already bound, on the server's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import uvicorn

from kodit.server.connection import Connection
from kodit.server.connections import Connections
from kodit.server.limits import Limits
from kodit.server.sockets import BACKLOG, WAITING_CONNECTIONS


class HttpServer(uvicorn.Server):
    """Serves until `stop` is set; then it accepts no more connections and finishes its answers.
    Signals and readiness are handled by its owner; it is idle while nothing happens."""

    def __init__(
        self, *, local: Connections, remote: Connections, limits: Limits, stop: asyncio.Event
    ) -> None:
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # not errors of clients
        super().__init__(
            uvicorn.Config(
                _answered_by_connections,
                http=partial(Connection, local=local, remote=remote),  # type: ignore[arg-type] # any factory
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                backlog=BACKLOG,
                timeout_graceful_shutdown=int(limits.stop_seconds),
            )
        )
        self._stop = stop
        self.is_listening = asyncio.Event()

    async def startup(self, sockets: Sequence[socket.socket] | None = None) -> None:
        await super().startup(list(sockets or ()))
        for one in sockets or ():
            one.listen(WAITING_CONNECTIONS)  # asyncio has made it as short as one turn
        self.is_listening.set()

    async def main_loop(self) -> None:
        await self._stop.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _answered_by_connections(_scope: Any, _receive: Any, _send: Any) -> None:
    raise RuntimeError("each connection has the application of the way it came")
