"""The program of a server's worker: it ends with the server, and runs at a lower priority.

Started by `workers.py` as `python -P -m kodit.server.worker_process DATA_DIR LIFELINE SECRETS`.
LIFELINE is the read end of a pipe whose other end the server holds: it closes when the server has
ended, in whatever way. SECRETS is a socket at whose other end the server answers with the secrets
that were handed over to it.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace

from kodit.application.services.event_loop_threads import start_threads
from kodit.faces.cli.session import Session
from kodit.faces.cli.signals import on_signals
from kodit.infrastructure.resident.secrets import SecretsFromServer
from kodit.settings import Settings

NICENESS = 10
"""Answering takes precedence over indexing."""
RELEASE_SECONDS = 10.0
"""How long a worker without a server may take to release its tasks."""


def main() -> None:
    """Serve the queue until SIGTERM, or until the server has ended."""
    data_dir, lifeline, secrets = sys.argv[1:]
    # Ctrl-C reaches the whole process group; the server tells its workers what to do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(OSError):
        os.nice(NICENESS)
    # The server itself schedules what is due.
    settings = replace(Settings.load(data_dir=data_dir), sync_every_seconds=None)
    threading.Thread(
        target=_end_with_server, args=(int(lifeline),), daemon=True, name="lifeline"
    ).start()
    exchange = SecretsFromServer(socket.socket(fileno=int(secrets)))
    with Session(settings, log_level="info", exchange=exchange) as session:
        start_threads()
        host = session.application.host
        session.run(host.serve_until_stopped(on_signals(signal.SIGTERM)))


def _end_with_server(lifeline: int) -> None:
    os.read(lifeline, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(RELEASE_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
