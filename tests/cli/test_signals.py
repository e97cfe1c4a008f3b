"""Signals that ask a worker to stop, in this process and to itself."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from kodit.faces.cli import signals
from kodit.faces.cli.signals import on_signals, stopped_by

ASKED = (signal.SIGUSR1, signal.SIGUSR2)


class Worker:
    def __init__(self) -> None:
        self.stops = 0

    def stop(self) -> None:
        self.stops += 1


@pytest.fixture
def heard() -> Iterator[list[int]]:
    """Signals received by the handlers that were installed before."""
    found: list[int] = []
    before = [
        signal.signal(number, lambda number, _frame: found.append(number)) for number in ASKED
    ]
    yield found
    for number, handler in zip(ASKED, before, strict=True):
        signal.signal(number, handler)


def test_a_second_signal_is_not_handled_by_the_worker(
    heard: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repetition, which a terminal sends to process and group, does not count as a second one."""
    worker = Worker()
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    async def run() -> None:
        with stopped_by(worker, ASKED):
            signal.raise_signal(signal.SIGUSR1)
            while not worker.stops:  # noqa: ASYNC110 - a signal tells nobody, and time stands
                await asyncio.sleep(0)
            signal.raise_signal(signal.SIGUSR1)
            signal.raise_signal(signal.SIGUSR2)
            await asyncio.sleep(0)

    asyncio.run(run())
    signal.raise_signal(signal.SIGUSR2)
    assert (worker.stops, heard) == (1, [])
    now[0] += signals.SAME_SIGNAL_SECONDS
    signal.raise_signal(signal.SIGUSR2)
    signal.raise_signal(signal.SIGUSR2)
    assert heard == [signal.SIGUSR2] * 2


def test_without_a_signal_everything_is_as_it_was(heard: list[int]) -> None:
    before = [signal.getsignal(number) for number in ASKED]

    async def run() -> None:
        with on_signals(*ASKED)(Worker()):
            assert [signal.getsignal(number) for number in ASKED] != before

    asyncio.run(run())
    assert [signal.getsignal(number) for number in ASKED] == before
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ()) & set(ASKED)
    signal.raise_signal(signal.SIGUSR1)
    assert heard == [signal.SIGUSR1]


def test_another_thread_handles_no_signals() -> None:
    entered: list[bool] = []

    async def run() -> None:
        with stopped_by(Worker(), ASKED):
            entered.append(True)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    thread.join()
    assert entered == [True]
