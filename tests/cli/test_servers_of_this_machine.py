"""Whether a command asks the server of this machine."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from kodit.application.views.errors import ErrorView
from kodit.application.views.serialization import to_json
from kodit.domain.errors import NotFoundError, SourceError, TransientError
from kodit.domain.questions import (
    StatusQuestion,
)
from kodit.faces.cli import resident
from kodit.faces.cli.resident import ResidentServer, find_server
from kodit.faces.cli.session import Session
from kodit.infrastructure.resident import place
from kodit.infrastructure.resident.connecting import ASK_PATH
from kodit.settings import Settings
from kodit.version import VERSION


class Line:
    """A connection that says whether it was closed."""

    is_closed = False

    def close(self) -> None:
        self.is_closed = True


def resident_server(
    monkeypatch: pytest.MonkeyPatch, answer: Any, **about: Any
) -> tuple[ResidentServer, Line, list[Any]]:
    line, asked = Line(), list[Any]()

    def exchange(_connection: Any, *sent: Any, **options: Any) -> Any:
        asked.append((*sent, options))
        if isinstance(answer, Exception):
            raise answer
        return answer

    told = {"version": "0.0", "pid": 7, "busy_with": None, **about}
    monkeypatch.setattr(resident, "exchange", exchange)
    monkeypatch.setattr(resident, "handshake", lambda _connection: SimpleNamespace(**told))
    monkeypatch.setattr(resident, "ask_to_end", lambda _connection: told.get("ends", False))
    settings = Settings(data_dir=cast(Any, "/data"))
    return ResidentServer(cast(Any, line), settings, "/a b/\udcff"), line, asked


def test_what_a_server_of_this_machine_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer or an error; nothing if it has ended, so that the command continues by itself."""
    asking, line, asked = resident_server(monkeypatch, (200, {"answer": {"x": 1}}))
    assert asking.ask(StatusQuestion()) == {"x": 1}
    assert not line.is_closed
    [(method, path, body, options)] = asked
    assert (method, path) == ("POST", ASK_PATH)
    assert f'"version": "{VERSION}"'.encode() in body
    assert options["headers"] == {"X-Kodit-Folder": "/a%20b/%FF"}
    assert options["seconds"] == 60
    error = to_json(ErrorView.of(NotFoundError("no run", code="run_not_found", run=7)))
    asking, line, _asked = resident_server(monkeypatch, (200, {"error": error}))
    with pytest.raises(NotFoundError, match="no run"):
        asking.ask(StatusQuestion())
    asking, line, _asked = resident_server(monkeypatch, TransientError("it has ended"))
    assert asking.ask(StatusQuestion()) is None
    assert line.is_closed


@pytest.mark.parametrize(
    ("answer", "about", "said"),
    [
        ((409, {"answer": 1}), {}, "is version 0.0"),
        ((404, {}), {"busy_with": "it is indexing (run 1)"}, "is not used: it is indexing (run 1)"),
        ((409, {}), {}, "is not used: it was started to keep running"),
        ((409, {}), {"version": VERSION}, ""),
        ((409, {}), {"ends": True}, ""),
        ((500, {"answer": 1}), {}, ""),
        ((200, ["odd"]), {}, ""),
    ],
)
def test_a_server_of_this_machine_that_is_not_used(
    answer: Any,
    about: dict[str, Any],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A server of another version that stays is reported."""
    asking, line, _asked = resident_server(monkeypatch, answer, **about)
    assert asking.ask(StatusQuestion()) is None
    assert line.is_closed
    told = capsys.readouterr().err
    assert said in told
    assert bool(said) is bool(told)


def test_an_untrusted_server_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_data_dir: object) -> None:
        raise SourceError("it is of somebody else")

    settings = Settings(data_dir=cast(Any, "/data"))
    monkeypatch.setattr(resident, "connect", refuse)
    assert find_server(settings, "/") is None
    monkeypatch.setattr(resident, "connect", lambda _data_dir: None)
    assert find_server(settings, "/") is None


def test_a_command_that_has_opened_the_data_itself_asks_no_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does one without a folder; the others look for a server once."""
    looks: list[Path] = []

    def look(data_dir: Path) -> bool:
        looks.append(data_dir)
        return False

    monkeypatch.setattr(place, "has_socket", look)
    settings = Settings(data_dir=tmp_path)
    with Session(settings) as session:
        _ = session.application
        assert not session.is_served
    with Session(settings) as session:
        monkeypatch.setattr(session, "_folder", None)
        assert not session.is_served
    assert looks == []
    with Session(settings) as session:
        assert not session.is_served
        assert not session.is_served
    assert looks == [tmp_path]


def test_the_connections_of_a_command_end_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether its server is here or on another machine, and also if it fails."""
    asking, line, _ = resident_server(monkeypatch, (200, {}))
    monkeypatch.setattr(place, "has_socket", lambda _data_dir: True)
    monkeypatch.setattr(resident, "find_server", lambda _settings, _folder: asking)
    settings = Settings(data_dir=cast(Any, "/data"), server="http://127.0.0.1:1")
    with pytest.raises(SourceError), Session(settings) as session:
        assert session.is_served
        assert not line.is_closed
        raise SourceError("it fails")
    assert line.is_closed

    remote_line = Line()
    with Session(settings, has_server=True) as session:
        assert session.is_served
        assert session.remote is not None
        monkeypatch.setattr(session.remote, "_connection", remote_line)
        assert not remote_line.is_closed
    assert remote_line.is_closed
