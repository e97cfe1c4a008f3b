"""How a program finds the server of a data directory, and what it makes of its answers."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kodit.domain.errors import TransientError
from kodit.infrastructure.resident import connecting, place
from kodit.infrastructure.resident.connecting import (
    LARGEST_ANSWER_BYTES,
    Resident,
    ask_to_end,
    connect,
    exchange,
    handshake,
)
from kodit.infrastructure.resident.place import (
    LOG_FILE,
    PLACE_FILE,
    find_socket,
    fits,
    has_socket,
    is_own_socket,
    private_folders,
    socket_elsewhere,
    why_not_private,
)
from kodit.infrastructure.resident.starting import start_server, why_it_ended

ABOUT = b'{"version": "2", "settings": "d", "pid": 7, "stays": true, "busy_with": null}'


def answer(body: bytes, status: str = "200 OK", length: str = "Content-Length") -> bytes:
    return f"HTTP/1.1 {status}\r\nX: y\r\n{length}: {len(body)}\r\n\r\n".encode() + body


@contextmanager
def server_that_says(*pieces: bytes) -> Iterator[tuple[socket.socket, list[bytes]]]:
    """A connection to a server that sends these pieces and ends; and what it was asked."""
    ours, theirs = socket.socketpair()
    asked: list[bytes] = []

    def say() -> None:
        with theirs:
            asked.append(theirs.recv(10_000))
            for piece in pieces:
                theirs.sendall(piece)

    thread = threading.Thread(target=say)
    thread.start()
    with ours:
        yield ours, asked
    thread.join()


def test_a_server_says_who_it_is() -> None:
    """In however many pieces; the connection waits for as long as it takes from then on."""
    said = answer(ABOUT, length="content-LENGTH")
    with server_that_says(said[:30], said[30:100], said[100:]) as (connection, asked):
        assert handshake(connection) == Resident("2", "d", 7, stays=True, busy_with=None)
        assert connection.gettimeout() is None
    [request] = asked
    assert request.startswith(b"GET /resident HTTP/1.1\r\nHost: localhost\r\n")


def test_a_request_carries_its_headers_and_its_body() -> None:
    with server_that_says(answer(b"[1]", "201 Created")) as (connection, asked):
        told = exchange(connection, "POST", "/x", b"body", headers={"Accept": "text/plain"})
    assert told == (201, [1])
    [request] = asked
    assert request.splitlines()[2:] == [b"Content-Length: 4", b"Accept: text/plain", b"", b"body"]


@pytest.mark.parametrize(("status", "ends"), [("202 Accepted", True), ("409 Conflict", False)])
def test_whether_a_server_ends(status: str, ends: bool) -> None:
    with server_that_says(answer(b"{}", status)) as (connection, asked):
        assert ask_to_end(connection) is ends
    assert asked[0].startswith(b"POST /resident/end ")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"", "has not answered: it closed the connection"),
        (b"HTTP/1.1 200 OK\r\n\r\n{}", "has not answered: "),  # of no length
        (b"HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", "has not answered: "),  # without a status
        (answer(b"no JSON"), "has not answered: "),
        (answer(b"[" * 5_000), "has not answered: maximum recursion depth"),
        (answer(ABOUT)[:-1], "has not answered: it closed the connection"),
        (b"x" * (LARGEST_ANSWER_BYTES + 1), "has not answered: its answer is incomplete"),
        (answer(b"{}"), "does not identify itself"),
        (answer(b"[]"), "does not identify itself"),
        (answer(ABOUT.replace(b"7", b'"seven"')), "does not identify itself"),
    ],
)
def test_who_is_no_server(said: bytes, told: str) -> None:
    with (
        server_that_says(said) as (connection, _asked),
        pytest.raises(TransientError, match=told),
    ):
        handshake(connection)


def test_no_more_is_received_than_is_asked_for() -> None:
    """Whatever length is announced."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
    with (
        server_that_says(head + b"no JSON") as (connection, _asked),
        pytest.raises(TransientError, match="has not answered: Expecting value"),
    ):
        exchange(connection, "GET", "/x", largest=7)


def test_a_server_that_is_silent() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(TransientError, match="has not answered: timed out"):
        exchange(ours, "GET", "/x", seconds=0.01)


def test_a_socket_that_nobody_listens_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its server was killed."""
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind("server.sock")
    before = set(os.listdir("/dev/fd"))  # noqa: PTH208 - of descriptors
    assert has_socket(tmp_path)
    assert connect(tmp_path) is None
    assert set(os.listdir("/dev/fd")) == before  # noqa: PTH208 - likewise


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell who listens")
def test_who_listens_is_of_this_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever the socket belongs to."""
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("server.sock")
        listening.listen()
        found = connect(Path())
        assert found is not None
        found.close()
        before = set(os.listdir("/dev/fd"))  # noqa: PTH208 - of descriptors
        monkeypatch.setattr(connecting, "geteuid", lambda: os.geteuid() + 1)
        assert connect(Path()) is None
        assert set(os.listdir("/dev/fd")) == before  # noqa: PTH208 - likewise


def test_a_link_to_a_socket_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind("other.sock")
    (tmp_path / "server.sock").symlink_to("other.sock")
    assert is_own_socket(tmp_path / "other.sock")
    assert not is_own_socket(tmp_path / "server.sock")
    assert find_socket(tmp_path) is None


def test_a_socket_elsewhere_is_found_by_any_name_of_its_data_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a server has made one there; and no other data directory leads to it."""
    data_dir, folder = tmp_path / "data", tmp_path / f"kodit-{os.geteuid()}"
    data_dir.mkdir()
    folder.mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("data")
    path = socket_elsewhere(data_dir, folder)
    assert socket_elsewhere(tmp_path / "link", folder) == path != socket_elsewhere(folder, folder)
    for one in (data_dir, folder):
        (one / PLACE_FILE).write_text(str(path))
        (one / PLACE_FILE).chmod(0o600)
    assert find_socket(data_dir) is None
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path.name)  # its whole path may be too long in a test's folder
        assert find_socket(data_dir) == find_socket(tmp_path / "link") == path
        assert has_socket(data_dir)
        assert not has_socket(folder)
    wrong = path.rename(tmp_path / path.name)  # in a folder of another name
    (data_dir / PLACE_FILE).write_text(str(wrong))
    assert not has_socket(data_dir)


def test_a_runtime_folder_that_has_gone_holds_no_socket(tmp_path: Path) -> None:
    """It goes when its user logs out, and `server.place` stays."""
    path = socket_elsewhere(tmp_path, tmp_path / "kodit")
    (tmp_path / PLACE_FILE).write_text(str(path))
    (tmp_path / PLACE_FILE).chmod(0o600)
    assert find_socket(tmp_path) is None


def test_folders_that_are_not_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("folder")
    assert why_not_private(tmp_path / "folder") is None
    assert why_not_private(tmp_path / "file") == "it is not a folder"
    assert why_not_private(tmp_path / "link") == "it is not a folder"
    for mode in (0o710, 0o701, 0o740):
        (tmp_path / "folder").chmod(mode)
        assert why_not_private(tmp_path / "folder") == "other users can access it"
    number = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: number + 1)
    other = why_not_private(tmp_path / "folder")
    assert other == f"it belongs to another user (number {number})"


def test_where_sockets_lie_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that names no absolute path names nothing."""
    of_user = f"kodit-{os.geteuid()}"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    named = [tmp_path / "run" / "kodit", tmp_path / "tmp" / of_user]
    assert private_folders() == [*named, place.TEMPORARY / of_user]
    monkeypatch.setenv("XDG_RUNTIME_DIR", "run")
    monkeypatch.delenv("TMPDIR")
    assert private_folders() == [place.TEMPORARY / of_user]


def test_the_longest_path_of_a_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In bytes, as the system counts them."""
    monkeypatch.chdir(tmp_path)
    longest = place.LONGEST_SOCKET_PATH
    for name in ("x" * longest, "ä" * (longest // 2) + "x"):
        assert fits(Path(name))
        assert not fits(Path(f"{name}x"))
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(name)
        with socket.socket(socket.AF_UNIX) as bound, pytest.raises(OSError, match="too long"):
            bound.bind(f"{name}xx")


def test_a_server_that_cannot_be_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its data directory is there afterwards, for this user alone, and no descriptor is lost."""
    data_dir = tmp_path / "new" / "data"
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    before = set(os.listdir("/dev/fd"))  # noqa: PTH208 - of descriptors
    with pytest.raises(FileNotFoundError):
        start_server(data_dir)
    assert set(os.listdir("/dev/fd")) == before  # noqa: PTH208 - likewise
    assert data_dir.stat().st_mode & 0o777 == 0o700
    assert (data_dir / LOG_FILE).read_bytes() == b""


def test_the_last_sentence_of_a_log_says_why_a_server_ended(tmp_path: Path) -> None:
    """Whatever stands around it; no more is read than its end."""
    log = tmp_path / LOG_FILE
    log.write_bytes(b"kodit: first\nkodit: the last \xff\n" + b"x" * 9_000 + b"\n")
    assert why_it_ended(tmp_path) == "the last \ufffd"
    log.write_bytes(b"kodit: long ago\n" + b"x" * 10_000)
    assert why_it_ended(tmp_path) is None
    log.unlink()
    log.mkdir()
    assert why_it_ended(tmp_path) is None
