"""Signals that ask a worker to stop."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any

from kodit.application.services.worker_host import Stoppable, StoppedBy

SAME_SIGNAL_SECONDS = 1.0
"""`timeout` and terminals may send the same signal twice, to a process and to its group."""


def on_signals(*signals: signal.Signals) -> StoppedBy:
    """Lets these signals stop a worker."""
    return partial(stopped_by, signals=signals)


@contextmanager
def stopped_by(worker: Stoppable, signals: Sequence[signal.Signals]) -> Iterator[None]:
    """Let these signals stop the worker, which releases its tasks; a later one ends the process at
    once. Has an effect in the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    asked_at: float | None = None

    def stop() -> None:
        nonlocal asked_at
        asked_at = time.monotonic()
        with _held_back(signals):
            for number in signals:
                loop.remove_signal_handler(number)
                signal.signal(number, _after(asked_at, signal.SIG_DFL))
        worker.stop()

    before = {number: signal.getsignal(number) for number in signals}
    for number in signals:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        with _held_back(signals):
            for number in signals:
                loop.remove_signal_handler(number)
                handler = before[number]
                signal.signal(number, handler if asked_at is None else _after(asked_at, handler))


@contextmanager
def _held_back(signals: Sequence[signal.Signals]) -> Iterator[None]:
    """Deliver the signals of the block at its end: an event loop that removes its handler restores
    the default, which ends the process."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _after(asked_at: float, handler: Any) -> Callable[[int, FrameType | None], None]:
    """Ignores a signal that may repeat an earlier one; after that, `handler` handles it."""

    def handle(number: int, _frame: FrameType | None) -> None:
        if time.monotonic() - asked_at >= SAME_SIGNAL_SECONDS:
            signal.signal(number, handler)
            signal.raise_signal(number)

    return handle
