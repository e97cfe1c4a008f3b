"""The workers of a server: started, supervised, stopped, or failing to start."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from pathlib import Path
from typing import Any, NoReturn

import pytest
from tests.support.listening import patiently, until

from kodit.infrastructure.processes.allocator import allocator_variables
from kodit.infrastructure.processes.environment import steady_environment
from kodit.server import worker_process, workers
from kodit.server.secrets import HandedSecrets
from kodit.server.workers import WorkerProcesses, default_workers
from kodit.settings import Settings


@pytest.mark.parametrize(("cores", "count"), [(1, 1), (4, 1), (7, 1), (8, 2), (64, 2)])
def test_there_is_a_worker_however_few_cores(
    monkeypatch: pytest.MonkeyPatch, cores: int, count: int
) -> None:
    monkeypatch.setattr(workers, "available_cores", lambda: cores)
    assert default_workers() == count


def test_a_worker_that_cannot_be_started_is_tried_more_and_more_rarely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Here its folder is missing. The server continues, and ends as soon as it is told to."""
    monkeypatch.setattr(workers, "FIRST_PAUSE_SECONDS", 0.001)

    async def run() -> None:
        before = asyncio.all_tasks()
        there = WorkerProcesses(tmp_path / "gone", 1, HandedSecrets())
        async with there.running():
            await until(lambda: len(caplog.records) >= 4)
        assert asyncio.all_tasks() == before  # nothing of it goes on

    with caplog.at_level(logging.ERROR, "kodit.server.workers"):
        patiently(run())
    told = [(vars(record)["ended"], vars(record)["in"]) for record in caplog.records[:4]]
    ended = "cannot be started: No such file or directory"
    assert told == [(ended, pause) for pause in (0.001, 0.002, 0.004, 0.008)]


def test_a_worker_that_starts_as_the_server_stops_is_stopped_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It did not exist yet when the others were told to stop."""
    start = asyncio.create_subprocess_exec
    started: list[Process] = []

    async def run() -> None:
        there = WorkerProcesses(tmp_path, 1, HandedSecrets())

        async def start_late(*_command: str, **options: Any) -> Process:
            await there.stop()
            assert options["env"].items() >= allocator_variables().items()
            started.append(await start("sleep", "3600", **options))
            return started[0]

        monkeypatch.setattr(asyncio, "create_subprocess_exec", start_late)
        async with there.running():
            await until(lambda: bool(started))
            assert await started[0].wait() == -signal.SIGTERM

    patiently(run())


class SilentSecrets(HandedSecrets):
    """Answers no worker, and leaves the connection as it is."""

    async def answer(self, connection: socket.socket) -> None:
        await asyncio.sleep(3600)


def test_how_a_worker_is_started_and_what_it_ended_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It inherits its own ends of the pipes, and neither side leaves one open."""
    start = asyncio.create_subprocess_exec
    scripts = iter(["exit 3", "kill -9 $$", "exit 0"])
    started: list[tuple[tuple[str, ...], dict[str, Any]]] = []

    async def start_other(*command: str, **options: Any) -> Process:
        started.append((command, options))
        script = next(scripts, "sleep 3600")
        return await start("sh", "-c", script, **options)

    async def run() -> None:
        there = WorkerProcesses(tmp_path, 1, SilentSecrets())
        async with there.running():
            await until(lambda: len(started) == 4)

    monkeypatch.setattr(workers, "FIRST_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(asyncio, "create_subprocess_exec", start_other)
    before = len([*Path("/proc/self/fd").iterdir()])
    with caplog.at_level(logging.ERROR, "kodit.server.workers"):
        patiently(run())
    assert [vars(one)["ended"] for one in caplog.records] == ["status 3", "signal 9", "status 0"]
    for command, options in started:
        assert command[:5] == (
            *(sys.executable, "-P", "-m", "kodit.server.worker_process"),
            str(tmp_path),
        )
        assert [int(one) for one in command[5:]] == options["pass_fds"]
        assert options["env"] == {**allocator_variables(), **steady_environment()}
        assert (options["stdin"], options["stdout"], options["cwd"]) == (DEVNULL, DEVNULL, tmp_path)
    assert len([*Path("/proc/self/fd").iterdir()]) == before


def test_a_worker_that_does_not_stop_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    start = asyncio.create_subprocess_exec
    started: list[Process] = []
    script = "trap '' TERM; touch deaf; while :; do sleep 0.01; done"

    async def start_deaf(*_command: str, **options: Any) -> Process:
        started.append(await start("sh", "-c", script, **options))
        return started[-1]

    async def run() -> None:
        async with WorkerProcesses(tmp_path, 1, HandedSecrets()).running():
            await until((tmp_path / "deaf").exists)

    monkeypatch.setattr(workers, "STOP_SECONDS", 0.01)
    monkeypatch.setattr(asyncio, "create_subprocess_exec", start_deaf)
    with caplog.at_level(logging.WARNING, "kodit.server.workers"):
        patiently(run())
    assert [one.returncode for one in started] == [-9]
    [record] = caplog.records
    assert "did not stop and was killed" in record.message
    assert vars(record)["pid"] == started[0].pid


def test_a_worker_that_has_run_for_long_is_restarted_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(workers, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(workers, "LONGEST_PAUSE_SECONDS", 0.0)

    async def run() -> None:
        async with WorkerProcesses(tmp_path / "gone", 1, HandedSecrets()).running():
            await until(lambda: len(caplog.records) >= 3)

    with caplog.at_level(logging.ERROR, "kodit.server.workers"):
        patiently(run())
    assert [vars(record)["in"] for record in caplog.records[:3]] == [0.001] * 3


def test_a_worker_leaves_the_schedule_to_its_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise each of them would request the runs that are due."""
    opened: list[Settings] = []

    class OpenedError(Exception):
        pass

    def open_session(settings: Settings, **_options: object) -> NoReturn:
        opened.append(settings)
        raise OpenedError

    monkeypatch.setenv("KODIT_SYNC_EVERY_SECONDS", "60")
    monkeypatch.setattr(worker_process, "Session", open_session)
    monkeypatch.setattr(worker_process, "_end_with_server", lambda _lifeline: None)
    monkeypatch.setattr(os, "nice", lambda _steps: 0)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(worker_process, "SecretsFromServer", lambda connection: connection.close())
    ours, theirs = socket.socketpair()
    monkeypatch.setattr(sys, "argv", ["worker", str(tmp_path), "0", str(theirs.detach())])
    with ours, pytest.raises(OpenedError):
        worker_process.main()
    assert Settings.load(data_dir=str(tmp_path)).sync_every_seconds == 60
    assert [(one.sync_every_seconds, one.data_dir) for one in opened] == [(None, tmp_path)]
