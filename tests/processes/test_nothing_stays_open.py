"""What fails half-way leaves nothing open."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from tests.support.model_server import ModelServer, error

from kodit import Kodit
from kodit.composition import Application
from kodit.domain.errors import KoditError, PermanentError
from kodit.infrastructure.endpoints import connection as endpoint
from kodit.infrastructure.endpoints.connection import Access, EndpointConnections, Request
from kodit.infrastructure.files import replacing
from kodit.infrastructure.watching.watches import NotifiedWatch
from kodit.server.workers import WorkerProcesses
from kodit.settings import Settings


def open_descriptors() -> int:
    return len([*Path("/proc/self/fd").iterdir()])


def test_a_watch_on_a_folder_that_is_gone(tmp_path: Path) -> None:
    """Though it was set on others before."""
    (tmp_path / "there").mkdir()
    before = open_descriptors()
    with pytest.raises(FileNotFoundError):
        NotifiedWatch([str(tmp_path / "there"), str(tmp_path / "gone")])
    assert open_descriptors() == before


def test_a_program_whose_database_cannot_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither as a class nor as an application."""
    (tmp_path / "kodit.db").write_bytes(b"of another program" * 1_000)
    closed: list[Application] = []
    close = Application.close

    def note(self: Application) -> None:
        closed.append(self)
        close(self)

    monkeypatch.setattr(Application, "close", note)
    before = open_descriptors()
    with pytest.raises(KoditError):
        Kodit(tmp_path).status()
    assert len(closed) == 1
    application = Application(Settings(data_dir=tmp_path))
    stores = []
    monkeypatch.setattr(application.store, "close", lambda: stores.append(application.store))
    with pytest.raises(KoditError):
        application.open()
    assert stores == [application.store]
    shutil.rmtree(tmp_path)
    monkeypatch.undo()
    application.close()
    assert open_descriptors() <= before


@pytest.fixture
def server() -> Iterator[ModelServer]:
    server = ModelServer()
    server.start()
    yield server
    server.stop()


def test_a_connection_over_which_an_answer_is_too_large(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not used again, unlike one over which an error was told."""
    connections = EndpointConnections(Access("KODIT_EMBEDDING", server.url, "key"))
    made: list[Any] = []
    make = connections._make

    def make_and_note() -> Any:
        made.append(make())
        return made[-1]

    monkeypatch.setattr(connections, "_make", make_and_note)
    request = {"model": "m", "input": ["x"]}
    server.script = lambda _asked: error(400)
    for _ in range(2):
        with pytest.raises(PermanentError):
            connections.post(Request("/embeddings", request))
    assert len(made) == 1
    assert made[0].sock is not None
    server.script = lambda _asked: None
    monkeypatch.setattr(endpoint, "LARGEST_ANSWER_BYTES", 10)
    with pytest.raises(PermanentError, match="as one answer"):
        connections.post(Request("/embeddings", request))
    assert made[0].sock is None
    assert connections._idle == []


def test_a_socket_that_nobody_listens_at(tmp_path: Path) -> None:
    before = open_descriptors()
    unix = endpoint._UnixConnection(str(tmp_path / "nowhere.sock"), timeout=1.0)
    kept: list[BaseException] = []
    with pytest.raises(FileNotFoundError) as failure:
        unix.connect()
    kept.append(failure.value)  # with the frames of its traceback, and what they hold
    assert open_descriptors() == before
    assert unix.sock is None


def test_a_worker_that_cannot_be_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_program: object, **_how: object) -> NoReturn:
        raise OSError("no more processes")

    monkeypatch.setattr(asyncio, "create_subprocess_exec", fail)
    workers = WorkerProcesses.__new__(WorkerProcesses)
    workers._data_dir = tmp_path
    workers._running = set()

    async def run() -> tuple[int, int, OSError]:
        before = open_descriptors()
        with pytest.raises(OSError, match="no more processes") as failure:
            await workers._run_one()
        return before, open_descriptors(), failure.value

    before, after, _error = asyncio.run(run())
    assert after == before


def test_a_file_that_is_not_written_to_its_end(tmp_path: Path) -> None:
    """The former one stays, and nothing beside it; an error of the system names it."""
    path = tmp_path / "a.json"
    path.write_text("former")
    for failure in (OSError(28, "No space left on device"), ValueError("no"), KeyboardInterrupt()):
        with pytest.raises(type(failure)) as raised, replacing(path) as file:
            file.write(b"half")
            raise failure
        assert raised.value is failure
        assert [one.name for one in tmp_path.iterdir()] == ["a.json"]
        assert path.read_text() == "former"
        if isinstance(failure, OSError):
            assert failure.filename == str(path)
    named = OSError(13, "Permission denied", "another")
    with pytest.raises(OSError, match="another"), replacing(path):
        raise named
    assert named.filename == "another"
