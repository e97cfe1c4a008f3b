"""`kodit serve` from start to end: one server of a data directory, on a socket and on TCP."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.command import PATIENCE_SECONDS, KoditCommand, finish, wait_until
from tests.support.server import RunningServer
from tests.support.sources import python_function, write_file

from kodit.application.services.lanes import Lane
from kodit.infrastructure.resident.connecting import ask_to_end, connect, exchange, handshake
from kodit.server import process


@pytest.fixture
def command(tmp_path: Path) -> KoditCommand:
    return KoditCommand(tmp_path / "data")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(KoditCommand(tmp_path_factory.mktemp("serving") / "data")) as running:
        yield running


def test_it_answers_over_tcp_and_over_its_socket(server: RunningServer) -> None:
    assert server.get("/healthz").status == 200
    assert server.get("/readyz").json() == {"status": "ready"}
    assert server.ask_locally("GET", "/readyz").json() == {"status": "ready"}


def test_its_socket_is_its_users_alone(server: RunningServer) -> None:
    status = (server.command.data_dir / "server.sock").lstat()
    assert stat.S_ISSOCK(status.st_mode)
    assert stat.S_IMODE(status.st_mode) == 0o600


def test_a_second_server_is_refused(server: RunningServer) -> None:
    """With a sentence that names the first one, which continues."""
    outcome = server.command.run("serve", "--port", "0")

    assert outcome.code == 3
    assert outcome.said == [
        f"kodit: a server for the data directory {server.command.data_dir} is already running "
        f"(process {server.process.pid}); assistants that are connected keep it running; "
        f"`kill {server.process.pid}` ends it"
    ]
    assert server.get("/healthz").status == 200


def test_ten_starters_make_one_server(command: KoditCommand) -> None:
    processes = [command.start("serve", "--no-tcp", "--no-worker") for _ in range(10)]
    wait_until(lambda: sum(process.poll() is None for process in processes) == 1)
    [left] = [process for process in processes if process.poll() is None]

    connection = connect(command.data_dir)
    assert connection is not None
    with connection:
        assert handshake(connection).pid == left.pid
    left.terminate()
    codes = sorted(finish(process).code for process in processes)
    assert codes == [0, *[3] * 9]


def test_a_server_started_by_an_assistant_gives_way(command: KoditCommand) -> None:
    """If it is not in use; a user who starts a server wants that one."""
    idle = ("--no-tcp", "--no-worker", "--idle-minutes", "30")
    with RunningServer(command, *idle) as first:
        wait_until(lambda: _is_idle(command))
        with RunningServer(command) as second:
            assert first.process.wait(PATIENCE_SECONDS) == 0
            assert second.get("/readyz").status == 200


def _is_idle(command: KoditCommand) -> bool:
    connection = connect(command.data_dir)
    assert connection is not None
    with connection:
        return handshake(connection).busy_with is None


def test_it_is_not_ended_by_its_clients(server: RunningServer) -> None:
    """It was started to stay."""
    connection = connect(server.command.data_dir)
    assert connection is not None
    with connection:
        assert handshake(connection).stays
        assert not ask_to_end(connection)
        assert handshake(connection).pid == server.process.pid


def test_a_server_that_is_killed(command: KoditCommand) -> None:
    """Its workers end with it, and another server replaces its socket. That one is ended by a
    second signal."""
    with RunningServer(command, "--port", "0", "--workers", "1") as first:
        wait_until(lambda: 'event="worker started"' in first.log)
        workers = first.children()
        first.stop(signal.SIGKILL)
        wait_until(lambda: not any(_is_alive(worker) for worker in workers))
    assert (command.data_dir / "server.sock").exists()
    assert connect(command.data_dir) is None

    with RunningServer(command, "--no-tcp", "--no-worker") as second:
        assert second.ask_locally("GET", "/healthz").status == 200
        _end_at_once(second)


def _end_at_once(server: RunningServer) -> None:
    """By a second signal, while a client still sends its request, for which the server waits after
    the first."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(server.socket_path))
        head = b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
        client.sendall(head + b"Expect: 100-continue\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 100 ")  # it waits for the body now

        def ended() -> bool:
            server.process.terminate()
            return server.process.poll() is not None

        wait_until(ended)
        assert server.process.returncode == -signal.SIGTERM


@pytest.fixture
def runtime() -> Iterator[Path]:
    """A runtime directory, whose path is short as they are."""
    with tempfile.TemporaryDirectory(prefix="run", dir="/tmp") as folder:
        yield Path(folder)


def test_a_path_too_long_for_a_socket(tmp_path: Path, runtime: Path) -> None:
    """The socket is in the runtime directory, and is found from the data directory. Nothing is left
    when the server ends, which it does after it has been unused for long enough."""
    deep = tmp_path / ("d" * 60) / ("e" * 60) / "data"
    deep.parent.mkdir(parents=True)
    command = KoditCommand(deep, XDG_RUNTIME_DIR=str(runtime))
    process = command.start("serve", "--no-tcp", "--no-worker", "--idle-minutes", "0.001")

    wait_until((deep / "server.place").exists)
    connection = connect(deep)
    assert connection is not None
    with connection:
        assert handshake(connection).pid == process.pid
        folder = runtime / "kodit"
        assert stat.S_IMODE(folder.lstat().st_mode) == 0o700
        assert len(list(folder.iterdir())) == 1
    assert finish(process).code == 0
    assert list(folder.iterdir()) == []
    assert connect(deep) is None


def test_a_port_that_is_taken(command: KoditCommand) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        outcome = command.run("serve", "--port", port)
    assert outcome.code == 2
    assert outcome.said == [
        f"kodit: port {port} of 127.0.0.1 is in use by another program; choose one with --port"
    ]
    assert not (command.data_dir / "server.sock").exists()


def test_a_database_that_is_newer(command: KoditCommand) -> None:
    """The server ends with a sentence, and so does a client that has connected meanwhile."""
    command.ask("status")
    with sqlite3.connect(command.data_dir / "kodit.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    process = command.start("serve", "--no-tcp", "--no-worker")
    wait_until((command.data_dir / "server.sock").exists)
    connection = connect(command.data_dir)
    assert connection is not None
    with connection:
        status, problem = exchange(connection, "GET", "/api/v1/indexes")
        assert (status, problem["code"]) == (503, "server_stopping")
    outcome = finish(process)
    assert outcome.code == 2
    assert "newer" in outcome.said[-1]


def test_the_work_of_a_servers_worker(command: KoditCommand, tmp_path: Path) -> None:
    """The sources of the settings are added and indexed; a worker has all its threads from its
    start; a killed one is replaced, while the server answers; and on SIGTERM both end, with status
    0."""
    write_file(
        tmp_path / "shop" / "cart.py", python_function("add_to_cart", ["cart", "price", "total"])
    )
    sources = f"{tmp_path / 'missing'}, {tmp_path / 'shop'}"
    command.environment["KODIT_SOURCES"] = sources
    with RunningServer(command, "--port", "0", "--workers", "1") as server:
        wait_until(lambda: 'event="worker started"' in server.log)
        [worker] = server.children()
        threads = [*Path(f"/proc/{worker}/task").iterdir()]
        assert len(threads) > sum(lane.value[1] for lane in Lane)
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: 'ended="signal 9"' in server.log)
        assert server.get("/readyz").status == 200
        wait_until(lambda: server.log.count('event="worker started"') == 2)
        wait_until(lambda: command.status()["run"]["state"] == "succeeded")

        children = server.children()
        assert worker not in children
        assert server.stop() == 0
    assert f"{tmp_path / 'missing'}" in server.log
    assert 'event="worker stopped"' in server.log
    assert not any(_is_alive(child) for child in children)


def _is_alive(process: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text("ascii")
    except OSError:
        return False


def test_little_garbage_accumulates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects that exist at the start are exempt; the others are collected soon."""
    frozen: list[bool] = []
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(True))
    before = gc.get_threshold()
    gc.set_threshold(1_000_000)
    try:
        process._freeze_objects()
        assert gc.get_threshold()[0] <= 10_000
    finally:
        gc.set_threshold(*before)
    assert frozen == [True]
