"""`kodit worker`: serving the queue until told to stop."""

from __future__ import annotations

import signal

from kodit.faces.cli.session import Session
from kodit.faces.cli.signals import on_signals
from kodit.infrastructure.processes.allocator import configure_allocator


def work_until_stopped(session: Session) -> None:
    """Serve the queue, finish interrupted deletions, and bring indexes up to date at the set
    interval, until SIGTERM or SIGINT; held tasks are then released."""
    configure_allocator()
    host = session.application.host
    session.run(host.serve_until_stopped(on_signals(signal.SIGTERM, signal.SIGINT)))
