"""The front within this process, over a server of a few bytes: what it answers itself, what it asks
again, and what it says when no answer comes."""

from __future__ import annotations

import io
import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from kodit.front import main as front_main
from kodit.front import stdio
from kodit.front.messages import (
    CAPABILITIES_KEY,
    VERSION_KEY,
    Answers,
    failure,
    may_be_repeated,
)
from kodit.front.resident import Resident, percent_encoded
from kodit.front.stdio import Front

NEWEST = {VERSION_KEY: "2026-07-28", CAPABILITIES_KEY: {}}
PING = {"jsonrpc": "2.0", "id": 7, "method": "ping"}


class Server:
    """Answers each connection by the next of the replies, and the last one for ever: bytes, after
    which it closes, or None for no answer."""

    def __init__(self, *replies: bytes | None) -> None:
        self._replies = list(replies)
        self.asked: list[dict[str, Any]] = []
        self._answering: list[threading.Thread] = []

    def headers(self, _roots: Sequence[str] = ()) -> dict[str, str]:
        return {}

    def connect(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        self._answering.append(threading.Thread(target=self._answer, args=(ours, reply)))
        self._answering[-1].start()
        return theirs

    def close(self) -> None:
        """Wait until nobody is connected any more."""
        for thread in self._answering:
            thread.join()

    def _answer(self, connection: socket.socket, reply: bytes | None) -> None:
        with connection, connection.makefile("rb") as file:
            head = "".join(_head(file)).lower()
            if not head:
                return  # closed before anything was asked
            length = int(head.partition("content-length:")[2].partition("\r\n")[0])
            self.asked.append(json.loads(file.read(length)))
            if reply is None:
                file.read()  # until the other side closes
            else:
                connection.sendall(reply)


def _head(file: BinaryIO) -> Iterator[str]:
    """The lines before the empty one."""
    while (line := file.readline()).strip():
        yield line.decode("latin-1")


def call(tool: str, request_id: object = 7) -> dict[str, Any]:
    params: dict[str, Any] = {"name": tool, "arguments": {}}
    return {"jsonrpc": "2.0", "id": request_id, "method": "tools/call", "params": params}


def reply(message: object) -> bytes:
    body = json.dumps(message).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def answered(server: Server, *lines: object) -> list[dict[str, Any]]:
    """What a front answers to these lines, each a message or bytes, until all is answered."""
    sent = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    answers = io.BytesIO()
    Front(
        io.BytesIO(b"\n".join(sent) + b"\n"), answers, cast(Callable[[], Resident], lambda: server)
    ).run()
    server.close()
    return [json.loads(line) for line in answers.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("method", "params", "is_known"),
    [
        ("tools/list", {}, True),
        ("tools/list", {"cursor": "next"}, False),
        ("tools/list", {"_meta": NEWEST}, True),
        ("tools/list", {"_meta": {VERSION_KEY: "2026-07-28"}}, False),
        ("tools/list", {"_meta": {VERSION_KEY: "1999-01-01", CAPABILITIES_KEY: {}}}, False),
        ("server/discover", {"_meta": NEWEST, "cursor": "next"}, False),
        ("ping", {}, True),
        ("ping", {"_meta": NEWEST}, False),
        ("tools/call", {}, False),
    ],
)
def test_what_the_front_knows_by_itself(
    method: str, params: dict[str, Any], *, is_known: bool
) -> None:
    """All else is the server's to answer, and to refuse."""
    answer = Answers().to({"id": 1, "method": method, "params": params})
    assert (answer is not None) is is_known


@pytest.mark.parametrize(
    ("request_message", "is_harmless"),
    [
        (call("search"), True),
        (call("index"), False),
        ({"id": 1, "method": "tools/call"}, False),
        ({"id": 1, "method": "tools/list"}, True),
        ({"id": 1, "method": "resources/write"}, False),
    ],
)
def test_what_may_be_asked_twice(request_message: dict[str, Any], *, is_harmless: bool) -> None:
    assert may_be_repeated(request_message) is is_harmless


@pytest.mark.parametrize("request_id", [None, [1], {}, 1.5])
def test_what_has_no_identifier_is_no_request(request_id: object) -> None:
    assert answered(Server(b""), {"jsonrpc": "2.0", "method": "ping"}) == []
    [refused] = answered(Server(b""), {"jsonrpc": "2.0", "id": request_id, "method": "ping"})
    assert refused["error"]["code"] == -32600


def test_how_a_failure_is_said_depends_on_what_was_asked() -> None:
    """A model reads the result of a tool; a newer revision wants to know that it is the last."""
    assert failure(PING, "no")["error"]["message"] == "no"
    old = failure(call("search"), "no")["result"]
    assert (old["isError"], old["content"][0]["text"]) == (True, "No.")
    assert "resultType" not in old
    newer = call("search")
    newer["params"]["_meta"] = NEWEST
    assert failure(newer, "no")["result"]["resultType"] == "complete"


def test_several_messages_may_come_in_one_line() -> None:
    assert [one["id"] for one in answered(Server(b""), [PING, PING | {"id": 8}])] == [7, 8]


def test_a_line_that_is_nested_without_end_is_no_json() -> None:
    refused, pong = answered(Server(b""), b"[" * 100_000, PING)
    assert refused["error"]["code"] == -32700
    assert pong == {"jsonrpc": "2.0", "id": 7, "result": {}}


@pytest.mark.parametrize(("tool", "attempts"), [("search", stdio.MOST_ATTEMPTS), ("index", 1)])
def test_a_server_that_ends_is_asked_again_where_that_does_no_harm(
    monkeypatch: pytest.MonkeyPatch, tool: str, attempts: int
) -> None:
    monkeypatch.setattr(stdio, "SECONDS_BETWEEN_ATTEMPTS", 0.0)
    server = Server(b"")
    [said] = answered(server, call(tool))
    text = said["result"]["content"][0]["text"]
    assert "the request may or may not have been carried out" in text
    assert len(server.asked) == attempts


def test_an_answer_to_the_second_attempt_is_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdio, "SECONDS_BETWEEN_ATTEMPTS", 0.0)
    server = Server(b"", reply({"id": 7, "result": {"a": 1}}))
    assert answered(server, call("search")) == [{"id": 7, "result": {"a": 1}}]


def test_what_is_not_answered_when_the_input_ends_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdio, "SECONDS_AFTER_THE_END", 0.05)
    told = answered(Server(None), call("search"), call("search", 8))
    assert sorted(one["id"] for one in told) == [7, 8]
    texts = {one["result"]["content"][0]["text"] for one in told}
    assert texts == {"The client closed the input before the end."}


def test_an_answer_without_an_identifier_is_given_its_own() -> None:
    """The server could not read the request; here it is known which one it was."""
    unread = {"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "what"}}
    assert answered(Server(reply(unread)), call("search")) == [unread | {"id": 7}]


def test_what_is_no_message_is_told_as_it_came() -> None:
    head = b"HTTP/1.1 503 X\r\ncontent-length: 7\r\n\r\n"
    [said] = answered(Server(head + b"go away"), call("search"))
    assert said["result"]["content"][0]["text"] == "The server answered 503: go away."


def test_a_stream_ends_with_its_response() -> None:
    """Whatever the server sends afterwards. An event may have its data in several lines."""
    events = (
        b'data: {"method": "notifications/progress"}\r\n\r\n: ping\n\n'
        b'data: {"id": 7,\ndata:  "result": {}}\n\ndata: {"id": 7, "result": {"late": 1}}\n\n'
    )
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    told = answered(Server(head + events), call("search"))
    assert told == [{"method": "notifications/progress"}, {"id": 7, "result": {}}]


@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("/a b/é", "/a%20b/%C3%A9"),
        ("/ª²/x-y_z.~", "/%C2%AA%C2%B2/x-y_z.~"),
        ("/\udcff%", "/%FF%25"),
    ],
)
def test_a_path_is_sent_as_its_bytes(path: str, header: str) -> None:
    assert percent_encoded(path) == header
    assert header.isascii()


def test_the_folder_that_a_client_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With every link followed; the current one for what is none, such as a variable."""
    (tmp_path / "place").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "place")
    monkeypatch.setenv("HOME", str(tmp_path / "link"))
    monkeypatch.chdir(tmp_path)
    place = str((tmp_path / "place").resolve())
    assert [front_main._folder(name) for name in ("link", "~")] == [place, place]
    for name in ("${workspaceFolder}", "missing", "", None):
        assert front_main._folder(name) == str(tmp_path.resolve())


def test_a_call_that_is_cancelled_is_not_answered() -> None:
    method = "notifications/cancelled"
    cancelled = {"jsonrpc": "2.0", "method": method, "params": {"requestId": 7}}
    assert answered(Server(None), call("search"), cancelled) == []


def test_an_identifier_that_is_used_again_names_the_later_call() -> None:
    """Also when the earlier one has been answered: a cancellation finds what is under way."""
    server = Server(reply({"id": 7, "result": {}}))
    front = Front(io.BytesIO(), io.BytesIO(), cast(Callable[[], Resident], lambda: server))
    earlier, later = stdio._Forwarded(call("search")), stdio._Forwarded(call("search"))
    front._under_way[7] = later
    front._serve(earlier)
    assert front._under_way == {7: later}
    front._serve(later)
    assert front._under_way == {}
    server.close()


@pytest.mark.parametrize("arguments", [["--data-dir"], ["--folder"], ["--port=1"], ["serve"]])
def test_a_command_line_that_is_none(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        front_main.main(arguments)
    assert ended.value.code == 2
    assert "does not accept" in capsys.readouterr().err
