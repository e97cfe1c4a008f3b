"""The running server, from its first answer to its last."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack

from kodit.application.services.chores import Chore, chores_done
from kodit.application.services.key_service import KeyService
from kodit.application.services.threads import in_thread
from kodit.composition import Application
from kodit.composition.watching import make_watching
from kodit.domain.errors import KoditError
from kodit.domain.value_objects import SearchRequest
from kodit.faces.cli.signals import stopped_by
from kodit.server.access import LocalAccess, RemoteAccess
from kodit.server.activity import Activity
from kodit.server.app import create_app
from kodit.server.connections import Connections
from kodit.server.guard import Guard
from kodit.server.hosts import HostNames
from kodit.server.http_server import HttpServer
from kodit.server.limits import Limits
from kodit.server.log_file import log_chores
from kodit.server.options import ServeOptions
from kodit.server.resident import Residence
from kodit.server.secrets import HandedSecrets
from kodit.server.services import Service, services_running
from kodit.server.sockets import LocalSocket
from kodit.server.sources import add_sources
from kodit.server.workers import WorkerProcesses, default_workers
from kodit.settings import Settings

log = logging.getLogger(__name__)

SOCKET_LOOK_SECONDS = 30.0
"""How often the server checks whether its clients can still find it."""
OBJECTS_BETWEEN_COLLECTIONS = 10_000
"""Few of the objects that requests create survive, so a collection takes about a millisecond."""


class ServerProcess:
    """All parts of one server, on one event loop; run once."""

    def __init__(
        self,
        settings: Settings,
        options: ServeOptions,
        keys: KeyService,
        limits: Limits,
        *,
        needs_key: bool,
    ) -> None:
        """`needs_key` refuses every TCP client as long as there is no key."""
        self._settings = settings
        self._options = options
        self._activity = Activity()
        self._application = Application(settings)
        workers = default_workers() if options.workers is None else options.workers
        secrets = HandedSecrets()
        self._workers = WorkerProcesses(settings.data_dir, workers, secrets)
        self._residence = Residence(
            self._application,
            self._activity,
            count_clients=lambda: len(self._local),
            stays=options.idle_minutes is None,
        )
        self._app = create_app(self._application, self._activity, self._residence, secrets)
        remote_access = RemoteAccess(
            HostNames(options.host or "localhost", settings.allowed_hosts),
            keys,
            settings.policy_of_remote_callers,
            needs_key=needs_key,
        )
        self._guards = [
            Guard(self._app, access, limits, self._activity)
            for access in (LocalAccess(), remote_access)
        ]
        self._local = Connections(self._guards[0], limits, are_local=True)
        self._http = HttpServer(
            local=self._local,
            remote=Connections(self._guards[1], limits),
            limits=limits,
            stop=self._activity.stop,
        )

    def stop(self) -> None:
        """Finish current answers, release running tasks, and end."""
        self._activity.stop.set()

    async def run(self, local: LocalSocket, tcp: Sequence[socket.socket]) -> None:
        """Serve on listening sockets, until told to stop or until idle for long enough. Raises
        UserError if the data directory cannot be opened."""
        with stopped_by(self, (signal.SIGTERM, signal.SIGINT)):
            async with AsyncExitStack() as opened:
                opened.push_async_callback(in_thread, self._application.close)
                serving = asyncio.create_task(self._http.serve([local.socket, *tcp]))
                serving.add_done_callback(lambda _ended: self.stop())
                try:
                    await self._open(opened, local)
                    _freeze_objects()
                    self._activity.become_ready()
                    log.info("server ready", extra={"socket": local.path, "tcp": _shown(tcp)})
                    await self._activity.stop.wait()
                finally:
                    self._activity.give_up()
                    for guard in self._guards:
                        guard.end_streams()
                    await asyncio.gather(serving, self._workers.stop())
        log.info("server stopped")

    async def _load_faces(self) -> None:
        await self._app.load_faces()
        _freeze_objects()

    async def _open(self, opened: AsyncExitStack, local: LocalSocket) -> None:
        await in_thread(self._application.open)
        # A server would keep the move from being completed.
        await in_thread(self._application.database.refuse_moving)
        await in_thread(self._open_engines)
        await opened.enter_async_context(self._app.running())
        await opened.enter_async_context(self._workers.running())
        await opened.enter_async_context(services_running(self._services()))
        await opened.enter_async_context(chores_done(self._chores(local)))

    def _open_engines(self) -> None:
        """Load the engines, so that neither the first caller nor the event loop waits for them: a
        search loads the model and opens the indexes; modules for other questions are imported."""
        application = self._application
        _ = (application.answers, application.index_answers, application.run_answers)
        _ = (application.browse, application.grep, application.symbols, application.related)
        _ = (application.sources, application.indexing)
        try:
            application.search.search(SearchRequest("ready", limit=1))
        except KoditError as error:  # of one index, which its searchers are told about
            log.warning("an engine is not usable", extra={"error": str(error)})

    def _chores(self, local: LocalSocket) -> list[Chore]:
        """The server's periodic work."""

        async def check_socket() -> bool:
            if not local.is_there:
                # Clients can no longer find this server, and another one may have started.
                log.error("the socket is gone; the server stops", extra={"socket": local.path})
                self.stop()
            return False

        return [
            *self._application.schedule,
            *log_chores(self._settings.data_dir),
            Chore("check the socket", SOCKET_LOOK_SECONDS, check_socket),
        ]

    def _services(self) -> list[Service]:
        """What runs beside the answers, each supervised."""
        services = [
            Service("add sources", lambda: add_sources(self._application, self._settings.sources)),
            Service("watch folders", lambda: make_watching(self._application).run()),
        ]
        if self._options.host is not None:
            services.append(Service("load the faces", self._load_faces))
        if self._options.idle_minutes is not None:
            seconds = self._options.idle_minutes * 60
            services.append(
                Service("exit when idle", lambda: self._residence.end_when_idle(seconds))
            )
        return services


def _freeze_objects() -> None:
    """Exempt existing objects from garbage collection: scanning them repeatedly would block the
    event loop. New ones are collected before much garbage accumulates."""
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)


def _shown(sockets: Sequence[socket.socket]) -> str:
    names = [one.getsockname() for one in sockets]
    return " ".join(f"{name[0]}:{name[1]}" for name in names) or "none"
