"""Starts the server: one for each data directory.

The lock and the socket come before all slow imports: a process that finds another server exits at
once, and a client that connects waits for the rest.
"""

from __future__ import annotations

import time
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING

from kodit.composition import Application
from kodit.domain.errors import TransientError, UserError
from kodit.infrastructure.processes.allocator import configure_allocator
from kodit.infrastructure.resident.connecting import ask_to_end, connect
from kodit.server.options import ServeOptions
from kodit.server.sockets import (
    ENDING_SECONDS,
    LocalSocket,
    ServerLock,
    is_loopback,
    listen_on_tcp,
)
from kodit.settings import Settings

if TYPE_CHECKING:
    from kodit.application.services.key_service import KeyService

SYNC_EVERY_SECONDS = 1800.0
"""How often indexes are brought up to date by default."""
NOTICE_SECONDS = 1.0
"""How long a server may take to notice that its last client is gone."""
LOOK_SECONDS = 0.1


def serve(settings: Settings, options: ServeOptions) -> None:
    """Serve until SIGTERM or SIGINT, or until the server is no longer needed.

    Raises ServerRunsError if a server of the data directory already runs, and UserError if this one
    cannot listen.
    """
    Application(settings).make_data_directory()
    if options.idle_minutes is None:
        _replace_idle_server(settings.data_dir)
    lock = ServerLock(settings.data_dir)
    try:
        local = LocalSocket(settings.data_dir)
        try:
            tcp = [] if options.host is None else listen_on_tcp(options.host, options.port)
            _serve_on(settings, options, local, tcp)
        finally:
            local.remove()
    finally:
        lock.release()


def _replace_idle_server(data_dir: Path) -> None:
    """Ask an idle server that an assistant has started to end; wait until it accepts no more
    connections. A server that stays is detected by the lock."""
    deadline = time.monotonic() + NOTICE_SECONDS
    while (connection := connect(data_dir)) is not None:
        with closing(connection), suppress(TransientError):  # it has just ended
            if ask_to_end(connection):
                deadline = time.monotonic() + ENDING_SECONDS
        if time.monotonic() > deadline:
            return
        time.sleep(LOOK_SECONDS)


def _serve_on(
    settings: Settings, options: ServeOptions, local: LocalSocket, tcp: list[socket]
) -> None:
    import asyncio  # noqa: PLC0415 - see above

    from kodit.application.services.event_loop_threads import (  # noqa: PLC0415 - see above
        start_threads,
    )
    from kodit.composition.keys import make_keys  # noqa: PLC0415 - see above

    configure_allocator()
    start_threads()
    keys = make_keys(settings)
    is_open = bool(tcp) and not is_loopback(tcp)
    if is_open:
        _check_keys_exist(keys, options.host)
    from kodit.server.limits import Limits, allow_many_descriptors  # noqa: PLC0415 - see above
    from kodit.server.process import ServerProcess  # noqa: PLC0415 - see above

    if settings.sync_every_seconds is None:
        settings = replace(settings, sync_every_seconds=SYNC_EVERY_SECONDS)
    limits = Limits()
    limits = replace(limits, connections=min(limits.connections, allow_many_descriptors()))
    server = ServerProcess(settings, options, keys, limits, needs_key=is_open)
    asyncio.run(server.run(local, tcp))


def _check_keys_exist(keys: KeyService, host: str | None) -> None:
    if not keys.list_all():
        raise UserError(
            f"without a key, the server listens on this machine only, not on {host}",
            code="key_needed",
        )
