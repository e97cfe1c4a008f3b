"""How the front connects to a server, starts one, and replaces another one."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from kodit.domain.errors import KoditError, TransientError
from kodit.front import resident as resident_module
from kodit.front.resident import Resident
from kodit.infrastructure.resident.connecting import Resident as About
from kodit.settings import Settings


class Started:
    """A server that was started, and how it has ended."""

    def __init__(self, *statuses: int | None) -> None:
        self._statuses = list(statuses)
        self.returncode: int | None = None
        self.is_waited_for = threading.Event()

    def poll(self) -> int | None:
        self.returncode = self._statuses.pop(0) if self._statuses else self.returncode
        return self.returncode

    def wait(self) -> None:
        self.is_waited_for.set()


class Surroundings:
    """The servers that a front finds one after another: None, or an answering one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answering: About | None) -> None:
        self._answering = list(answering)
        self.started: list[Started] = []
        self.to_start: list[Started | OSError] = [Started()]
        self.ends = True
        self.connections: list[tuple[socket.socket, socket.socket, About]] = []
        for name in ("connect", "handshake", "ask_to_end", "start_server", "why_it_ended"):
            monkeypatch.setattr(resident_module, name, getattr(self, name))

    def connect(self, _data_dir: Path) -> socket.socket | None:
        about = self._answering.pop(0) if len(self._answering) > 1 else self._answering[0]
        if about is None:
            return None
        ours, theirs = socket.socketpair()
        self.connections.append((ours, theirs, about))
        return ours

    def handshake(self, connection: socket.socket) -> About:
        [about] = [one[2] for one in self.connections if one[0] is connection]
        if about.version == "ends":
            raise TransientError("it ends")
        return about

    def ask_to_end(self, _connection: socket.socket) -> bool:
        return self.ends

    def start_server(self, _data_dir: Path) -> Started:
        started = self.to_start.pop(0)
        if isinstance(started, OSError):
            raise started
        self.started.append(started)
        return started

    def why_it_ended(self, _data_dir: Path) -> str | None:
        return "the port is taken" if self.ends else None

    def are_open(self) -> list[bool]:
        return [one[0].fileno() >= 0 for one in self.connections]

    def close(self) -> None:
        for ours, theirs, _about in self.connections:
            ours.close()
            theirs.close()


def joining(tmp_path: Path) -> tuple[Resident, About]:
    """A front of version 2, and the server that is right for it."""
    settings = Settings(data_dir=tmp_path)
    return Resident(settings, None, "2"), About("2", settings.digest, 7, False, None)


def test_a_server_of_this_version_is_joined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One connection is kept, and each request has one of its own."""
    front, right = joining(tmp_path)
    around = Surroundings(monkeypatch, right)
    first = front.connect()
    second = front.connect()
    assert [one[0] for one in around.connections][1:] == [first, second]
    assert around.are_open() == [True, True, True]
    assert around.started == []
    around.close()


def test_a_server_is_started_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And waited for, so that it leaves no zombie. A server that finds another one counts as
    success."""
    monkeypatch.setattr(resident_module, "SECONDS_BETWEEN_LOOKS", 0.0)
    front, right = joining(tmp_path)
    around = Surroundings(monkeypatch, None, None, None, right)
    around.to_start = [Started(None, resident_module.ALREADY_RUNNING)]
    front.connect()
    [started] = around.started
    assert started.is_waited_for.wait(10)
    around.close()


def test_a_server_that_has_gone_is_joined_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection to the former one is closed."""
    front, right = joining(tmp_path)
    around = Surroundings(monkeypatch, right, right, None, None, right)
    front.connect()
    front.connect()
    assert around.are_open() == [False, True, True, True]
    around.close()


@pytest.mark.parametrize("differs", ["version", "settings"])
@pytest.mark.parametrize("busy_with", ["it is indexing (run 3)", None])
def test_another_server_is_replaced_where_it_is_idle(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    differs: str,
    busy_with: str | None,
) -> None:
    """A server that stays is used as it is, which is reported once for each connection."""
    monkeypatch.setattr(resident_module, "SECONDS_BETWEEN_LOOKS", 0.0)
    front, right = joining(tmp_path)
    version, settings = ("1", right.settings) if differs == "version" else ("2", "1")
    other = right._replace(version=version, settings=settings, busy_with=busy_with)
    around = Surroundings(monkeypatch, other, right._replace(version="ends"), None, right)
    front.connect()
    assert around.are_open() == [False, False, True, True]
    assert len(around.started) == 1
    around.close()

    again, _right = joining(tmp_path)
    around = Surroundings(monkeypatch, other)
    around.ends = False
    again.connect()
    again.connect()
    around.close()
    what = "is version 1, not 2" if differs == "version" else "has other settings"
    why = busy_with or "it was started to keep running"
    assert capsys.readouterr().err == (
        f"kodit: the server of {tmp_path} (process 7) {what}, and is not replaced: {why}\n"
    )


def test_why_no_server_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resident_module, "SECONDS_BETWEEN_LOOKS", 0.0)
    front, right = joining(tmp_path)
    around = Surroundings(monkeypatch, None)
    around.to_start = [OSError("no process"), Started(2), Started(0)]
    with pytest.raises(KoditError, match=f"of {tmp_path} cannot be started: no process"):
        front.connect()
    with pytest.raises(KoditError, match="did not start: the port is taken"):
        front.connect()
    monkeypatch.setattr(resident_module, "SECONDS_TO_START", -1.0)
    with pytest.raises(TransientError, match=f"its log is {tmp_path}/server.log"):
        front.connect()
    around.ends = False
    around.to_start = [Started(2)]
    with pytest.raises(KoditError, match="did not start: exit status 2"):
        front.connect()
    around = Surroundings(monkeypatch, right, None)
    with pytest.raises(TransientError, match="stopped as soon as it had started; try again"):
        front.connect()
    around.close()
