"""Signals that ask a worker to stop."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from kodit.application.services.indexing_worker_service import IndexingWorkerService


@contextmanager
def stopped_by(worker: IndexingWorkerService, signals: Sequence[signal.Signals]) -> Iterator[None]:
    """Let these signals stop the worker, which releases what it holds; a second one ends the
    process at once. Only a main thread can ask for that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()

    def stop() -> None:
        for number in signals:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        worker.stop()

    before = {number: signal.getsignal(number) for number in signals}
    for number in signals:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
            signal.signal(number, before[number])
