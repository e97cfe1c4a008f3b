"""Serving, from the first socket on: one server for each data directory."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from socket import socket

from kodit.composition.keys import make_keys
from kodit.domain.errors import UserError
from kodit.infrastructure.data_directory import make_data_directory
from kodit.server.limits import Limits, allow_many_descriptors
from kodit.server.options import ServeOptions
from kodit.server.sockets import LocalSocket, ServerLock, is_loopback, listen_on_tcp
from kodit.settings import Settings

SYNC_EVERY_SECONDS = 1800.0
"""How often indexes are brought up to date unless that is set."""


def serve(settings: Settings, options: ServeOptions) -> None:
    """Serve until SIGTERM or SIGINT, or until nobody needs the server any more.

    Raises ServerRunsError where a server of the data directory runs already, and UserError for
    what keeps this one from listening.
    """
    make_data_directory(settings.data_dir)
    lock = ServerLock(settings.data_dir)
    try:
        local = LocalSocket(settings.data_dir)
        try:
            _serve_on(settings, options, local)
        finally:
            local.remove()
    finally:
        lock.release()


def _serve_on(settings: Settings, options: ServeOptions, local: LocalSocket) -> None:
    keys = make_keys(settings)
    tcp: list[socket] = []
    if options.host is not None:
        tcp = listen_on_tcp(options.host, options.port)
    is_open = bool(tcp) and not is_loopback(tcp)
    if is_open and not keys.list_all():
        raise UserError(
            f"without a key, the server listens to this machine alone and not at {options.host}",
            code="key_needed",
        )
    if settings.sync_every_seconds is None:
        settings = replace(settings, sync_every_seconds=SYNC_EVERY_SECONDS)
    limits = Limits()
    limits = replace(limits, connections=min(limits.connections, allow_many_descriptors()))
    # The sockets listen already: who connects waits while all this is imported.
    from kodit.server.process import ServerProcess  # noqa: PLC0415 - see above

    server = ServerProcess(settings, options, keys, limits, needs_key=is_open)
    asyncio.run(server.run(local, tcp))
