"""The sockets of the server."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

import pytest
from tests.support.listening import patiently

from kodit.domain.errors import UserError
from kodit.infrastructure.locks import open_lock_file, try_lock
from kodit.infrastructure.resident.place import LOCK_FILE, PLACE_FILE, find_socket, is_own_socket
from kodit.server.sockets import (
    LocalSocket,
    ServerLock,
    ServerRunsError,
    is_loopback,
    listen_on_tcp,
)


def test_no_answer_waits_for_more_to_send() -> None:
    """Otherwise the second of two small writes would wait for the acknowledgement of the first
    (Nagle's algorithm)."""
    has_no_delay: list[int] = []

    async def note(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted = writer.get_extra_info("socket")
        has_no_delay.append(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    async def run() -> None:
        [listening] = listen_on_tcp("127.0.0.1", 0)
        async with await asyncio.start_server(note, sock=listening):
            reader, writer = await asyncio.open_connection(*listening.getsockname())
            assert await reader.read() == b""
            writer.close()

    patiently(run())
    assert has_no_delay == [1]


def test_the_addresses_of_a_host() -> None:
    """`localhost` means one or two, with the same port; an address that this machine does not have
    is left out."""
    sockets = listen_on_tcp("localhost", 0)
    try:
        assert len({one.getsockname()[1] for one in sockets}) == 1
        assert is_loopback(sockets)
    finally:
        for one in sockets:
            one.close()


def test_a_free_port_is_the_same_at_each_address(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = [("127.0.0.1", 0), ("127.0.0.2", 0)]
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", one) for one in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: found)
    sockets = listen_on_tcp("localhost", 0)
    assert len(sockets) == 2
    assert len({one.getsockname()[1] for one in sockets}) == 1
    for one in sockets:
        one.close()


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::"])  # noqa: S104 - what listens beyond loopback
def test_hosts_beyond_loopback(host: str) -> None:
    with suppress(UserError):  # a machine without IPv6
        sockets = listen_on_tcp(host, 0)
        assert not is_loopback(sockets)
        for one in sockets:
            if one.family == socket.AF_INET6:  # so that both may listen at the same port
                assert one.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1
            one.close()


def test_one_address_beyond_loopback_is_enough() -> None:
    sockets = [*listen_on_tcp("127.0.0.1", 0), *listen_on_tcp("0.0.0.0", 0)]  # noqa: S104 - as above
    assert [is_loopback([one]) for one in sockets] == [True, False]
    assert not is_loopback(sockets)
    for one in sockets:
        one.close()


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1", "a b", "x" * 300, "ä"])
def test_a_host_that_is_not_here(host: str) -> None:
    with pytest.raises(UserError, match="has no address"):
        listen_on_tcp(host, 0)


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_an_address_that_cannot_be_listened_at() -> None:
    """One of a link, without the link."""
    with pytest.raises(UserError, match=r"^cannot listen on fe80::1, port 0: Invalid argument$"):
        listen_on_tcp("fe80::1", 0)


def test_a_socket_of_somebody_else_is_no_own_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = LocalSocket(tmp_path)
    assert is_own_socket(local.path)
    assert not is_own_socket(tmp_path)
    number = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: number + 1)
    assert not is_own_socket(local.path)
    local.remove()


def test_a_socket_that_another_process_has_put_there_stays(tmp_path: Path) -> None:
    """A server that ends late removes only its own socket."""
    first = LocalSocket(tmp_path)
    (tmp_path / "server.sock").unlink()
    assert not first.is_there
    second = LocalSocket(tmp_path)
    assert stat.S_IMODE(second.path.lstat().st_mode) == 0o600
    first.remove()
    assert second.is_there
    second.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["server.sock", PLACE_FILE])
def test_a_folder_that_is_in_the_way_is_kept(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(UserError, match=f"/{name} is a folder, and the server needs that name"):
        LocalSocket(tmp_path)
    assert (tmp_path / name).is_dir()


def test_where_another_server_has_its_socket_is_forgotten(tmp_path: Path) -> None:
    """It was killed, and its socket was elsewhere; this one has its own in the data directory."""
    (tmp_path / PLACE_FILE).write_text("/elsewhere/kodit/server.sock")
    (tmp_path / "server.sock").write_text("left")
    local = LocalSocket(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["server.sock"]
    local.remove()


def test_the_lock_names_its_holder_alone(tmp_path: Path) -> None:
    """Also if the former holder had a longer number."""
    (tmp_path / LOCK_FILE).write_text(f"{os.getpid()}99999\n")
    lock = ServerLock(tmp_path)
    assert (tmp_path / LOCK_FILE).read_text() == f"{os.getpid()}\n"
    lock.release()
    ServerLock(tmp_path).release()


def test_a_lock_that_nobody_gives_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its holder does not answer, and does not end either."""
    monkeypatch.setattr("kodit.server.sockets.ENDING_SECONDS", 0.0)
    held = open_lock_file(tmp_path / LOCK_FILE)
    assert try_lock(held)
    os.pwrite(held, b"4711\n", 0)
    with pytest.raises(ServerRunsError, match=r"is already running \(process 4711\)") as refused:
        ServerLock(tmp_path)
    assert refused.value.fields["process"] == 4711
    assert (tmp_path / LOCK_FILE).read_text() == "4711\n"
    os.close(held)


@pytest.mark.parametrize("is_first_private", [True, False])
def test_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_first_private: bool
) -> None:
    """A socket lies in the first private folder, where clients find it, even if a killed server has
    left one there."""
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    folders = [tmp_path / "r" / "kodit", tmp_path / "t" / f"kodit-{os.geteuid()}"]
    for folder in folders:
        folder.mkdir(parents=True, mode=0o700)
    folders[0].chmod(0o700 if is_first_private else 0o755)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folders[0].parent))
    monkeypatch.setenv("TMPDIR", str(folders[1].parent))
    chosen, other = folders if is_first_private else folders[::-1]
    left = LocalSocket(deep)
    local = LocalSocket(deep)
    assert local.path.parent == chosen
    assert local.is_there
    assert not left.is_there
    left.socket.close()  # a file system may give the next file the inode of a closed one
    assert find_socket(deep) == local.path
    assert [one.name for one in deep.iterdir()] == [PLACE_FILE]
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(local.path))
    local.remove()
    assert [*deep.iterdir(), *chosen.iterdir(), *other.iterdir()] == []
    assert find_socket(deep) is None


def test_no_folder_can_hold_a_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is named, with the reason."""
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    (tmp_path / "run" / "kodit").mkdir(parents=True)
    (tmp_path / "run" / "kodit").chmod(0o755)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "missing"))
    monkeypatch.setattr("kodit.infrastructure.resident.place.TEMPORARY", tmp_path / "missing")
    with pytest.raises(UserError) as no:
        LocalSocket(deep)
    assert f"{deep}: its path is too long for a socket" in str(no.value)
    assert f"{tmp_path / 'run' / 'kodit'}: other users can access it" in str(no.value)
    assert "choose a data directory with a shorter path, or set XDG_RUNTIME_DIR" in str(no.value)
