"""The server's status for this user's own programs, and when it ends by itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.command import wait_until
from tests.support.sources import write_file

import kodit
from kodit.application.services.source_service import IndexRequest
from kodit.composition import Application
from kodit.domain.entities import IndexRun
from kodit.domain.errors import UserError
from kodit.infrastructure.resident import place
from kodit.infrastructure.resident.connecting import END_PATH, ask_to_end, connect, handshake
from kodit.infrastructure.resident.starting import start_server, why_it_ended
from kodit.server.activity import Activity
from kodit.server.log_file import shorten_log
from kodit.server.problems import Message
from kodit.server.resident import Residence
from kodit.settings import Settings


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Application]:
    with Application(Settings(data_dir=tmp_path / "data")) as application:
        yield application


def test_a_server_that_nobody_waits_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It reports its identity, stays while there is a client, and ends on request."""
    data_dir = tmp_path / "data"
    monkeypatch.setenv("KODIT_LOG_LEVEL", "info")
    process = start_server(data_dir)
    wait_until((data_dir / "server.sock").exists)
    connection, other = connect(data_dir), connect(data_dir)
    assert connection is not None
    assert other is not None
    with connection:
        with other:
            assert handshake(other).pid == process.pid
            about = handshake(connection)
            assert about.version == kodit.__version__
            assert about.settings == Settings(data_dir=data_dir).digest
            assert not about.stays
            assert about.busy_with == "1 client is connected"
            assert not ask_to_end(connection)
        wait_until(lambda: handshake(connection).busy_with is None)
        assert ask_to_end(connection)
    assert process.wait() == 0
    assert connect(data_dir) is None
    assert 'event="server stopped"' in (data_dir / "server.log").read_text()


def test_why_a_server_is_busy(application: Application, tmp_path: Path) -> None:
    """It is starting, has clients or requests, or runs are active; not if the queue is paused."""
    clients = 0
    activity = Activity()
    residence = Residence(application, activity, lambda: clients, stays=False)

    async def run() -> None:
        nonlocal clients
        assert await residence.busy_with() == "it is starting"
        activity.become_ready()
        assert await residence.busy_with() is None

        clients = 2
        assert await residence.busy_with(of_others_than=1) == "1 client is connected"
        with activity.request(), activity.request():
            assert await residence.busy_with() == "it is answering 2 requests"
        clients = 0
        write_file(tmp_path / "shop" / "cart.py", "x = 1\n")
        [run] = await application.sources.add(IndexRequest([str(tmp_path / "shop")]))
        assert await residence.busy_with() == f"it is indexing (run {run.id})"
        await application.queue.pause()
        assert await residence.busy_with() is None

    asyncio.run(run())


def test_an_idle_server_waits_for_its_last_client(application: Application) -> None:
    """And afterwards as long as for the first one."""
    activity = Activity()
    activity.become_ready()
    looks = iter((1, 1, 0, 0))
    residence = Residence(application, activity, lambda: next(looks), stays=False)
    began = activity.last_at

    asyncio.run(residence.end_when_idle(0.01))

    assert activity.stop.is_set()
    assert list(looks) == []
    assert activity.last_at > began


def test_an_idle_server_stays_for_a_client_that_came_while_the_queue_was_read(
    application: Application,
) -> None:
    """It was told that the server stays as long as it is connected."""
    activity = Activity()
    activity.become_ready()
    looks = iter((0, 1, 0, 0))
    residence = Residence(application, activity, lambda: next(looks), stays=False)
    asyncio.run(residence.end_when_idle(0.01))
    assert list(looks) == []


def test_an_idle_server_stays_for_a_request_that_came_while_the_queue_was_read(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its client, which was answered meanwhile, may ask again."""
    activity = Activity()
    activity.become_ready()
    list_runs = application.queue.list_runs
    reads = 0

    async def asked_meanwhile(*arguments: Any) -> list[IndexRun]:
        nonlocal reads
        reads += 1
        if reads == 1:
            with activity.request():
                pass
        return await list_runs(*arguments)

    monkeypatch.setattr(application.queue, "list_runs", asked_meanwhile)
    asyncio.run(Residence(application, activity, lambda: 0, stays=False).end_when_idle(0.01))
    assert reads == 2


@pytest.mark.parametrize(
    ("stays", "clients", "status"), [(False, 1, 202), (False, 2, 409), (True, 1, 409)]
)
def test_who_may_end_a_server(
    application: Application, *, stays: bool, clients: int, status: int
) -> None:
    """Its last client, which is itself connected; but not a server that was started to stay."""
    activity = Activity()
    activity.become_ready()
    residence = Residence(application, activity, lambda: clients, stays=stays)
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    async def ask() -> None:
        with activity.request():
            await residence({"method": "POST", "path": END_PATH}, receive, send)

    asyncio.run(ask())
    assert sent[0]["status"] == status
    assert activity.stop.is_set() is (status == 202)


def test_its_log_stays_short(tmp_path: Path) -> None:
    """The moved part is kept once; a process that has the file open continues to append to it."""
    path = tmp_path / "server.log"
    with path.open("ab", buffering=0) as log:
        log.write(b"old\n" * 100)
        shorten_log(path, largest=400)
        assert path.stat().st_size == 400
        log.write(b"new\n")
        shorten_log(path, largest=400)
        log.write(b"newest\n")
    assert path.read_bytes() == b"newest\n"
    assert path.with_name("server.log.1").read_bytes() == b"old\n" * 99 + b"new\n"


def test_why_a_server_did_not_start(tmp_path: Path) -> None:
    """Its log says so."""
    data_dir = tmp_path / "data"
    assert why_it_ended(data_dir) is None
    (data_dir / "server.sock").mkdir(parents=True)
    assert start_server(data_dir).wait() == 2
    assert why_it_ended(data_dir) == (
        f"the data directory {data_dir} is not used: {data_dir / 'server.sock'} is a folder, and "
        "Kodit needs that name for a file; move it away; choose another one with --data-dir or "
        "KODIT_DATA_DIR"
    )


@pytest.mark.parametrize("where", ["ssh/agent.sock", "kodit/other.sock", "../kodit-0/x.sock", ""])
def test_a_place_that_leads_elsewhere(tmp_path: Path, where: str) -> None:
    """A data directory may come from another person, who could make this user's programs talk to
    others."""
    place_file = tmp_path / place.PLACE_FILE
    place_file.write_text(str(tmp_path / where) if where else "")
    place_file.chmod(0o600)
    with pytest.raises(
        UserError, match="does not lead to the socket of a server of this data directory"
    ):
        connect(tmp_path)


def test_a_place_in_a_folder_that_others_may_enter(tmp_path: Path) -> None:
    folder = tmp_path / "kodit"
    folder.mkdir()
    folder.chmod(0o755)
    (tmp_path / place.PLACE_FILE).write_text(str(place.socket_elsewhere(tmp_path, folder)))
    with pytest.raises(UserError, match="is not used for sockets: other users can access it"):
        connect(tmp_path)
    folder.chmod(0o700)
    assert connect(tmp_path) is None  # nobody is there


def test_a_file_in_the_place_of_the_socket(tmp_path: Path) -> None:
    (tmp_path / "server.sock").write_text(json.dumps({}))
    assert connect(tmp_path) is None
