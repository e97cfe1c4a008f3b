"""The workers of a server, where they cannot even be started."""

from __future__ import annotations

import asyncio
import logging
import signal
from asyncio.subprocess import Process
from pathlib import Path
from typing import Any

import pytest
from tests.support.listening import patiently, until

from kodit.infrastructure.processes.allocator import ALLOCATOR_VARIABLES
from kodit.server import workers
from kodit.server.secrets import HandedSecrets
from kodit.server.workers import WorkerProcesses, default_workers


@pytest.mark.parametrize(("cores", "count"), [(1, 1), (4, 1), (7, 1), (8, 2), (64, 2)])
def test_there_is_a_worker_however_few_cores(
    monkeypatch: pytest.MonkeyPatch, cores: int, count: int
) -> None:
    monkeypatch.setattr(workers, "available_cores", lambda: cores)
    assert default_workers() == count


def test_a_worker_that_cannot_be_started_is_tried_more_and_more_rarely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Here its folder has gone. The server goes on, and ends as soon as it is told to."""
    monkeypatch.setattr(workers, "FIRST_PAUSE_SECONDS", 0.001)

    async def run() -> None:
        there = WorkerProcesses(tmp_path / "gone", 1, HandedSecrets())
        async with there.running():
            await until(lambda: len(caplog.records) >= 4)

    with caplog.at_level(logging.ERROR, "kodit.server.workers"):
        patiently(run())
    told = [(vars(record)["ended"], vars(record)["in"]) for record in caplog.records[:4]]
    ended = "cannot be started: No such file or directory"
    assert told == [(ended, pause) for pause in (0.001, 0.002, 0.004, 0.008)]


def test_a_worker_that_starts_as_the_server_stops_is_stopped_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was not there yet when all were told."""
    start = asyncio.create_subprocess_exec
    started: list[Process] = []

    async def run() -> None:
        there = WorkerProcesses(tmp_path, 1, HandedSecrets())

        async def start_late(*_command: str, **options: Any) -> Process:
            await there.stop()
            assert options["env"].items() >= ALLOCATOR_VARIABLES.items()
            started.append(await start("sleep", "3600", **options))
            return started[0]

        monkeypatch.setattr(asyncio, "create_subprocess_exec", start_late)
        async with there.running():
            await until(lambda: bool(started))
            assert await started[0].wait() == -signal.SIGTERM

    patiently(run())
