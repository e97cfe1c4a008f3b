"""A client that reports its workspace folders: they are the default source."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.mcp.front import Message, RunningFront
from tests.support.command import KoditCommand
from tests.support.server import RunningServer
from tests.support.sources import git, write_file

from kodit.front import roots as roots_module
from kodit.front.roots import Roots

HELLO = {
    "protocolVersion": "2025-06-18",
    "capabilities": {"roots": {"listChanged": True}},
    "clientInfo": {"name": "test", "version": "1"},
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unindexed repositories, each with a word of its own."""
    place = tmp_path_factory.mktemp("place").resolve()
    for name in ("one", "größe %,", "three"):
        write_file(place / name / "a.py", f"word = 'of {name}'\n")
        git(place / name, "init", "--quiet")
    return place


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    command = KoditCommand(tmp_path_factory.mktemp("served") / "data")
    with RunningServer(command) as running:
        yield running


def hello(front: RunningFront) -> None:
    front.answer(front.request("initialize", **HELLO))
    front.send({"jsonrpc": "2.0", "method": "notifications/initialized"})


def asked(front: RunningFront) -> Message:
    """The next message, which must ask for the roots."""
    message = front.receive()
    assert message["method"] == "roots/list"
    return message


def respond(front: RunningFront, request: Message, *folders: Path | str) -> None:
    listed = [{"uri": one if isinstance(one, str) else one.as_uri()} for one in folders]
    front.send({"jsonrpc": "2.0", "id": request["id"], "result": {"roots": listed}})


def test_a_source_that_is_left_out(server: RunningServer, place: Path, tmp_path: Path) -> None:
    """The source is all of the roots, and not the folder of the process; the client is asked once,
    and again when it reports a change. Paths that are not local folders are ignored."""
    with RunningFront(server.command, tmp_path) as front:
        hello(front)
        request = asked(front)
        strange = [
            "https://example.org/a",
            "file://elsewhere/a",
            "file:///nowhere",
            "file:///a%00b",
        ]
        respond(front, request, place / "one", place / "größe %,", *strange)
        text = front.text("grep", pattern="word")
        assert ("of one" in text, "of größe %," in text, "of three" in text) == (True, True, False)
        relative = front.text("grep", pattern="word", source=".")
        assert ("of one" in relative, "of größe %," in relative) == (True, False)

        front.send({"jsonrpc": "2.0", "method": "notifications/roots/list_changed"})
        respond(front, asked(front), place / "three")
        respond(front, request, place / "one")  # too late: it was the answer to another question
        text = front.text("grep", pattern="word")
        assert ("of one" in text, "of three" in text) == (False, True)
        assert front.before == []


def test_a_client_that_does_not_answer(server: RunningServer, place: Path) -> None:
    """No call waits for it: the folder of the process is used. An error does not count as an answer
    either."""
    with RunningFront(server.command, place / "one") as front:
        hello(front)
        request = asked(front)
        assert "of one" in front.text("grep", pattern="word")
        assert "of one" in front.text("grep", pattern="word")
        assert front.before == []
        error = {"code": -32603, "message": "no"}
        front.send({"jsonrpc": "2.0", "id": request["id"], "error": error})
        assert "of one" in front.text("grep", pattern="word")


def test_only_who_has_roots_is_asked(server: RunningServer, place: Path) -> None:
    with RunningFront(server.command, place / "one") as front:
        front.answer(front.request("initialize", **{**HELLO, "capabilities": {}}))
        front.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        assert "of one" in front.text("grep", pattern="word")
        assert front.before == []


def test_no_call_waits_twice_for_a_slow_client(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The first call waits, for a moment; a late answer is used nevertheless."""
    monkeypatch.setattr(roots_module, "SECONDS_FOR_AN_ANSWER", 0.001)
    sent: list[Message] = []
    roots = Roots(sent.append)
    assert roots.folders() == ()
    monkeypatch.setattr(roots_module, "SECONDS_FOR_AN_ANSWER", None)  # would wait for ever
    assert roots.folders() == ()
    result = {"roots": [{"uri": tmp_path.as_uri()}, {"name": "x"}, 7, {"uri": 7}]}
    roots.take({"id": sent[0]["id"], "result": result})
    assert roots.folders() == (str(tmp_path.resolve()),)
    roots.take({"id": sent[0]["id"], "result": {"roots": "none"}})
    assert roots.folders() == (str(tmp_path.resolve()),)
    assert len(sent) == 1


def test_over_the_network_nobody_has_roots(server: RunningServer, tmp_path: Path) -> None:
    """A header with roots is ignored there: it opens no folder."""
    write_file(tmp_path / "secret.py", "word = 'secret'\n")
    git(tmp_path, "init", "--quiet")
    call = {"name": "grep", "arguments": {"pattern": "word"}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2025-06-18",
        "X-Kodit-Folder": str(tmp_path),
        "X-Kodit-Roots": str(tmp_path),
    }
    connection.request("POST", "/mcp", json.dumps(body), headers)
    answer = connection.getresponse().read().decode()
    connection.close()
    assert "isError" in answer
    assert "secret" not in answer
    assert str(tmp_path) not in answer
