"""The secret in a caller's variable reaches the workers of a server, and no other process."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

import pytest
from tests.support.command import KoditCommand, processes_of_session, succeeded, wait_until
from tests.support.server import RunningServer

from kodit.domain.errors import SourceError, TransientError
from kodit.domain.source import Credentials
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.files import remove_tree
from kodit.infrastructure.git.bindings import Bindings
from kodit.infrastructure.git.credentials import CredentialStore
from kodit.infrastructure.resident.connecting import SECRETS_PATH, connect, exchange
from kodit.infrastructure.resident.secrets import SecretsForServer, SecretsFromServer
from kodit.server.access import LocalAccess
from kodit.server.activity import Activity
from kodit.server.connection import Connection
from kodit.server.guard import Guard
from kodit.server.limits import Limits
from kodit.server.problems import Message
from kodit.server.secrets import HandedSecrets

if TYPE_CHECKING:
    from tests.git.conftest import GitServer, MakeRepository, Repository

PASSWORD = "qu4rtz/b@ttery%20"  # noqa: S105 - of this test alone
REFERENCE = "env:TOKEN_OF_TEST"
HOST = "https://git.example.org"
SOURCE = Source(SourceKind.GIT, f"{HOST}/x")
ADA = Credentials("ada", "first")


class Place:
    """A git server that asks for a password, and two users of one data directory: one has the
    password in a variable, and the other, who also starts the server, does not."""

    def __init__(self, git: GitServer, origin: Repository, data_dir: Path) -> None:
        self.git = git
        self.origin = origin
        self.url = git.url("origin/.git")
        self.without = KoditCommand(data_dir)
        self.having = KoditCommand(data_dir, TOKEN_OF_TEST=f"user:{PASSWORD}")

    def serve(self) -> RunningServer:
        return RunningServer(self.without, "--port", "0", "--workers", "1")

    def outcome(self, command: KoditCommand, *arguments: str) -> str:
        """The end of the latest run after a command, which leaves the work to the server."""
        succeeded(command.run_here(*arguments))
        wait_until(lambda: self.without.status()["run"]["state"] in ("succeeded", "failed"))
        return str(self.without.status()["run"]["state"])


@pytest.fixture
def place(make_repository: MakeRepository, server: GitServer, tmp_path: Path) -> Place:
    origin = make_repository()
    origin.commit({"a.py": "def quartz():\n    return 1\n"})
    server.password = PASSWORD
    return Place(server, origin, tmp_path / "data")


def test_a_server_without_the_variable(place: Place) -> None:
    """Its worker uses the caller's value, and so does the next worker. It is in no file or log, and
    in the command line and environment of no process of the server.
    """
    with place.serve() as server:
        place.having.succeed("index", "--no-wait", "--credentials", REFERENCE, place.url)
        assert place.outcome(place.without, "status") == "succeeded", server.log

        [worker] = server.children()
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: server.log.count('event="worker started"') == 2)
        newest = place.origin.commit({"b.py": "def feldspar():\n    return 2\n"})
        assert place.outcome(place.without, "index", "--no-wait", place.url) == "succeeded"
        assert place.without.status()["commit"] == newest

        encoded = base64.b64encode(f"user:{PASSWORD}".encode()).decode()
        forms = [form.encode() for form in (PASSWORD, quote(PASSWORD, safe=""), encoded)]
        processes = (server.process.pid, *server.children())
        shown = [Path(f"/proc/{process}/environ").read_bytes() for process in processes]
        shown += [line.encode() for line in processes_of_session(server.process.pid)]
        assert len(shown) >= 4
        assert not [one for one in shown if any(form in one for form in forms)]
    assert not any(form in server.log.encode() for form in forms)
    places = (place.without.data_dir, place.without.user_folder)
    files = [path for folder in places for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 3
    assert not [path for path in files if any(form in path.read_bytes() for form in forms)]


def test_a_server_that_was_told_nothing(place: Place) -> None:
    """Whichever command needs the secret hands it over: a retry of a run that lacked it, or a
    search of a source stored with it. The last value counts.
    """
    place.having.succeed("index", "--credentials", REFERENCE, place.url)
    again = ("index", "--no-wait", place.url)
    with place.serve() as server:
        assert place.outcome(place.without, *again) == "failed"
        [task, *_] = place.without.status()["run"]["tasks"]
        assert task["error"] == "the environment variable TOKEN_OF_TEST holds no credentials"

        assert place.outcome(place.having, "queue", "retry", "2") == "succeeded", server.log
        assert place.outcome(place.without, *again) == "succeeded"

        place.git.password = "new"  # noqa: S105
        place.having.environment["TOKEN_OF_TEST"] = "user:new"  # noqa: S105
        assert place.outcome(place.having, "search", "quartz", place.url) == "succeeded"
        assert place.outcome(place.without, *again) == "succeeded", server.log


def test_a_repair_hands_over_what_its_runs_need(place: Place) -> None:
    """The server's worker may claim them."""
    place.having.succeed("index", "--credentials", REFERENCE, place.url)
    with place.serve() as server:
        remove_tree(place.having.data_dir / "clones" / "1.git")
        (place.having.data_dir / "clones" / "1.git").mkdir()
        place.having.succeed("doctor", "--repair")
        again = ("index", "--no-wait", place.url)
        assert place.outcome(place.without, *again) == "succeeded", server.log


def test_only_the_socket_takes_secrets(tmp_path: Path) -> None:
    """It never returns them, and does not repeat invalid ones."""
    body = json.dumps(
        {"reference": REFERENCE, "server": HOST, "username": "ada", "password": PASSWORD}
    ).encode()
    with RunningServer(KoditCommand(tmp_path / "data")) as server:
        for method in ("POST", "GET", "PUT"):
            assert server.ask(method, SECRETS_PATH, body).status == 404
        connection = connect(server.command.data_dir)
        assert connection is not None
        with connection:
            assert exchange(connection, "POST", SECRETS_PATH, body) == (200, {})
            assert exchange(connection, "GET", SECRETS_PATH)[0] == 405
            for unusable in (body[:-1], b"[]", body.replace(b'"ada"', b"7"), b""):
                status, problem = exchange(connection, "POST", SECRETS_PATH, unusable)
                assert (status, problem["detail"]) == (422, "this is not a secret")


def test_a_server_that_is_still_starting_takes_secrets() -> None:
    """Starting may take longer than a command waits."""
    body = json.dumps(
        {"reference": REFERENCE, "server": HOST, "username": "ada", "password": "first"}
    ).encode()
    limits = Limits(request_seconds=5.0)  # a request that waits is refused in the end
    guard = Guard(HandedSecrets(), LocalAccess(), limits, Activity())
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    async def send(message: Message) -> None:
        sent.append(message)

    async def post() -> None:
        connection = cast(
            Connection,
            SimpleNamespace(
                on_lost=None,
                begin=lambda: None,
                recognize=lambda: None,
                read_body=lambda: None,
                is_local=True,
                is_ahead=False,
                is_fully_received=True,
            ),
        )
        scope = {"method": "POST", "path": SECRETS_PATH, "headers": []}
        await guard(connection, scope, receive, send)

    asyncio.run(post())
    assert sent[0]["status"] == 200


def test_where_there_is_no_server(tmp_path: Path) -> None:
    """A command hands nothing over, and finds nothing."""
    secrets = SecretsForServer(tmp_path)
    secrets.give(REFERENCE, HOST, ADA)
    assert secrets.find(REFERENCE, HOST) is None
    (tmp_path / "server.place").write_text("/nowhere")  # of somebody else
    secrets.give(REFERENCE, HOST, ADA)


def test_what_is_handed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it, over a connection that is closed then."""
    monkeypatch.chdir(tmp_path)
    asked: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("server.sock")
        listening.listen()
        before = set(os.listdir("/dev/fd"))  # noqa: PTH208 - of descriptors

        def answer() -> None:
            accepted, _ = listening.accept()
            with accepted:
                asked.append(accepted.recv(10_000))
                accepted.sendall(b"HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\n{}")
                accepted.recv(1)  # until the other side has closed it

        thread = threading.Thread(target=answer)
        thread.start()
        SecretsForServer(Path()).give(REFERENCE, HOST, ADA)
        thread.join()
        assert set(os.listdir("/dev/fd")) == before  # noqa: PTH208 - likewise
    head, _, body = asked[0].partition(b"\r\n\r\n")
    assert head.startswith(f"POST {SECRETS_PATH} ".encode())
    assert json.loads(body) == {
        "reference": REFERENCE,
        "server": HOST,
        "username": ADA.username,
        "password": ADA.password,
    }


def test_half_an_answer_is_none() -> None:
    """The server has ended while it gave it."""
    for said in (b"", b'{"username": "ada"', b"null"):
        ours, theirs = socket.socketpair()
        worker = SecretsFromServer(theirs)
        with theirs:
            with ours:
                ours.sendall(said)
            with pytest.raises(TransientError, match="has ended"):
                worker.find(REFERENCE, HOST)


class Line:
    """A worker's line to a server, in this process."""

    def __init__(self) -> None:
        self.handed = HandedSecrets()
        self._ours, theirs = socket.socketpair()
        self.worker = SecretsFromServer(theirs)
        self._thread = threading.Thread(target=lambda: asyncio.run(self.handed.answer(self._ours)))
        self._thread.start()
        self._theirs = theirs

    async def _give(self, body: bytes) -> None:
        async def receive() -> dict[str, object]:
            return {"body": body}

        async def send(_message: object) -> None:
            """Nobody looks."""

        await self.handed({"method": "POST"}, receive, send)

    def give(self, server: str, credentials: Credentials) -> None:
        body = {
            "reference": REFERENCE,
            "server": server,
            "username": credentials.username,
            "password": credentials.password,
        }
        asyncio.run(self._give(json.dumps(body).encode()))

    def close(self) -> None:
        if self._theirs.fileno() >= 0:
            self._theirs.shutdown(socket.SHUT_RDWR)
            self._thread.join()
            self._theirs.close()
            self._ours.close()


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.close()


def test_bindings_say_where_it_may_go(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret handed over for one server is used for no other, and for no user without a binding;
    a variable of the worker's own still works.
    """
    bindings = Bindings(tmp_path / "user")
    store = CredentialStore(tmp_path, bindings, line.worker)
    line.give(HOST, ADA)
    with pytest.raises(SourceError, match="holds no credentials"):
        store.load(REFERENCE, SOURCE)

    monkeypatch.setenv("TOKEN_OF_TEST", "ada:own")
    elsewhere = Source(SourceKind.GIT, "https://git.example.com/x")
    for source in (SOURCE, elsewhere):
        store.bind(REFERENCE, source)
    assert store.load(REFERENCE, SOURCE) == ADA
    assert store.load(REFERENCE, elsewhere) == Credentials("ada", "own")

    line.give(HOST, Credentials("grace", "first"))
    assert store.load(REFERENCE, SOURCE) == Credentials("ada", "own")
    line.give(HOST, Credentials("ada", "sécond\n"))
    assert store.load(REFERENCE, SOURCE) == Credentials("ada", "sécond\n")


def test_a_worker_whose_server_has_ended(line: Line) -> None:
    """The failure is transient: the next worker may have the secret."""
    line.close()
    with pytest.raises(TransientError, match="has ended"):
        line.worker.find(REFERENCE, HOST)
