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

from kodit.domain.errors import KoditError, TransientError
from kodit.front import main as front_main
from kodit.front import resident as resident_module
from kodit.front import roots as roots_module
from kodit.front import stdio
from kodit.front.exchange import LONGEST_SILENCE_SECONDS, Exchange, LostConnectionError
from kodit.front.messages import (
    CAPABILITIES_KEY,
    VERSION_KEY,
    Answers,
    failure,
    may_be_repeated,
)
from kodit.front.resident import Resident, percent_encoded
from kodit.front.roots import Roots
from kodit.front.stdio import Front
from kodit.infrastructure.resident.connecting import Resident as About
from kodit.settings import Settings

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


def handshake(version: str, capabilities: object = None) -> dict[str, Any]:
    params = {"protocolVersion": version, "capabilities": capabilities}
    return {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}


def test_which_revision_is_agreed_upon() -> None:
    """The one that is asked for, where it is known and begins with a handshake; else the newest.
    Each handshake is agreed upon anew, and a request may name a revision of its own."""
    answers = Answers()
    newest = answers.latest_handshake
    assert newest == "2025-11-25"
    for asked, agreed in (
        ("2024-11-05", "2024-11-05"),
        ("1999-01-01", newest),
        ("2025-06-18", "2025-06-18"),
        ("2026-07-28", newest),  # which has no handshake
        ("2024-11-05", "2024-11-05"),
        (7, newest),
    ):
        answer = answers.to(handshake(asked))  # type: ignore[arg-type] # one is no text
        assert answer is not None
        assert answer["result"]["protocolVersion"] == agreed
        assert answers.version_of(PING) == agreed
    own = PING | {"params": {"_meta": {VERSION_KEY: "2026-07-28"}}}
    assert answers.version_of(own) == "2026-07-28"
    assert answers.version_of(PING | {"params": {"_meta": {VERSION_KEY: 7}}}) == newest


def roots_of(*uris: object) -> tuple[str, ...]:
    """The folders that an answer with these roots names."""
    sent: list[dict[str, Any]] = []
    roots = Roots(sent.append)
    roots.ask()
    listed = [{"uri": uri} for uri in uris]
    roots.take({"id": sent[0]["id"], "result": {"roots": [*listed, "none", {}]}})
    return roots.folders()


def test_roots_are_folders_of_this_machine(tmp_path: Path) -> None:
    """Each once, with every link followed."""
    one, two = tmp_path.resolve() / "a b", tmp_path.resolve() / "é"
    one.mkdir()
    two.mkdir()
    (tmp_path / "link").symlink_to(one)
    (tmp_path / "file").write_bytes(b"")
    local = f"FILE://LocalHost{two.as_uri().removeprefix('file://')}"
    link = (tmp_path / "link").as_uri()
    assert roots_of(link, one.as_uri(), local) == (str(one), str(two))
    for uri in (
        *("", "/", "file:", "file://", f"http://{one}", f"file://elsewhere{one}", 7, None),
        *((tmp_path / "file").as_uri(), (tmp_path / "none").as_uri(), f"{one.as_uri()}%00"),
        f"file://{one}{'/' * 5_000}",
    ):
        assert roots_of(uri) == ()
    assert roots_of(*["file:///none"] * 31, one.as_uri()) == (str(one),)
    assert roots_of(*["file:///none"] * 32, one.as_uri()) == ()


def test_the_latest_answer_about_roots_counts(tmp_path: Path) -> None:
    """An error leaves what is known, and what answers an earlier request changes nothing."""
    sent: list[dict[str, Any]] = []
    roots = Roots(sent.append)
    place = str(tmp_path.resolve())
    listed = {"roots": [{"uri": tmp_path.as_uri()}]}
    roots.ask()
    roots.take({"id": sent[0]["id"], "result": listed})
    assert roots.folders() == (place,)
    roots.ask()
    assert [one["id"] for one in sent] == ["kodit-roots-1", "kodit-roots-2"]
    roots.take({"id": sent[0]["id"], "result": {"roots": []}})
    roots.take({"id": sent[1]["id"], "error": {"code": 1, "message": "no"}})
    assert roots.folders() == (place,)
    roots.ask()
    roots.take({"id": sent[2]["id"], "result": {"roots": []}})
    assert roots.folders() == ()
    assert len(sent) == 3


def test_a_client_that_was_slow_once_is_waited_for_when_it_answers_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roots_module, "SECONDS_FOR_AN_ANSWER", 0.001)
    sent: list[dict[str, Any]] = []
    waits: list[float] = []
    roots = Roots(sent.append)
    wait = roots._answered.wait

    def counted(seconds: float) -> bool:
        waits.append(seconds)
        return wait(seconds)

    monkeypatch.setattr(roots._answered, "wait", counted)
    assert (roots.folders(), roots.folders(), len(waits), len(sent)) == ((), (), 1, 1)
    roots.take({"id": sent[0]["id"], "result": {"roots": [{"uri": tmp_path.as_uri()}]}})
    assert roots.folders() == (str(tmp_path.resolve()),)
    roots.ask()
    assert roots.folders() == (str(tmp_path.resolve()),)
    assert len(waits) == 2


@pytest.mark.parametrize(
    ("folder", "roots", "sent"),
    [
        (None, (), {}),
        ("/a/b", (), {"X-Kodit-Folder": "/a/b"}),
        ("/a/b", ("/x", "/a"), {"X-Kodit-Folder": "/a/b", "X-Kodit-Roots": "/x,/a"}),
        ("/a/b", ("/a/b",), {"X-Kodit-Folder": "/a/b", "X-Kodit-Roots": "/a/b"}),
        ("/ab", ("/a", "/b,c"), {"X-Kodit-Folder": "/a", "X-Kodit-Roots": "/a,/b%2Cc"}),
        ("/a", ("/",), {"X-Kodit-Folder": "/a", "X-Kodit-Roots": "/"}),
        (None, ("/x",), {"X-Kodit-Folder": "/x", "X-Kodit-Roots": "/x"}),
    ],
)
def test_where_a_client_works(
    folder: str | None, roots: tuple[str, ...], sent: dict[str, str], tmp_path: Path
) -> None:
    """Its folder, unless that lies in none of its roots."""
    assert Resident(Settings(data_dir=tmp_path), folder, "1").headers(roots) == sent


def test_what_a_server_is_told_beside_the_body() -> None:
    name = {"params": {"name": " é"}}
    told = stdio._headers(call("search"), "2025-06-18")
    assert told == {
        "MCP-Protocol-Version": "2025-06-18",
        "Mcp-Method": "tools/call",
        "Mcp-Name": "search",
    }
    assert stdio._headers(PING, "v") == {"MCP-Protocol-Version": "v", "Mcp-Method": "ping"}
    assert stdio._headers(PING | name, "v")["Mcp-Name"] == "=?base64?IMOp?="
    for text in (" a", "a ", "a\n", "a\x7f", ""):
        assert stdio._header_value(text).startswith("=?base64?") is bool(text)


@pytest.mark.parametrize(
    ("capabilities", "is_asked"),
    [({"roots": {}}, True), ({"roots": True}, False), ({"roots": None}, False), ([], False)],
)
def test_only_who_has_roots_is_asked_for_them(capabilities: object, *, is_asked: bool) -> None:
    """By its latest handshake."""
    ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    told = answered(Server(b""), handshake("2025-06-18", capabilities), ready)
    assert ("roots/list" in [one.get("method") for one in told]) is is_asked
    again = answered(
        Server(b""),
        *(handshake("2025-06-18", {"roots": {}}), handshake("2025-06-18", capabilities), ready),
    )
    assert ("roots/list" in [one.get("method") for one in again]) is is_asked


def test_an_exchange_ends_once() -> None:
    """Whoever ends it, and whatever the other side has done."""
    ours, theirs = socket.socketpair()
    exchange = Exchange(theirs)
    assert theirs.gettimeout() == LONGEST_SILENCE_SECONDS
    ours.close()
    exchange.close()
    exchange.close()
    assert exchange.is_closed
    assert theirs.fileno() == -1
    with pytest.raises(LostConnectionError):
        list(exchange.messages(PING, {}))


@pytest.mark.parametrize(
    "broken",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {\n\n",
        b'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {"method": 1}\n\n',
        b"what\r\n\r\n",
    ],
    ids=["half", "no-json", "no-response", "no-http"],
)
def test_an_answer_that_breaks_off_is_lost(broken: bytes) -> None:
    server = Server(broken)
    exchange = Exchange(server.connect())
    with pytest.raises(LostConnectionError):
        list(exchange.messages(PING, {}))
    exchange.close()
    server.close()


@pytest.mark.parametrize("answer", [[], 7, {"result": {}}])
def test_json_that_is_no_message_is_refused(answer: object) -> None:
    [said] = answered(Server(reply(answer)), call("search"))
    text = said["result"]["content"][0]["text"]
    assert text == f"The server answered 200: {json.dumps(answer)}."


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_comes_before_all_else(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        front_main.main(["--folder", "x", option, "--nothing"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == front_main.USAGE


def test_options_of_the_front(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value may be empty, and the last one counts. It ends without waiting for its threads."""
    made: list[tuple[str | None, str | None]] = []
    ended: list[int] = []
    outcome: list[BaseException] = []

    def serve(resident: Callable[[], object]) -> None:
        resident()
        if outcome:
            raise outcome.pop()

    def leave(status: int) -> None:
        ended.append(status)
        raise SystemExit

    monkeypatch.setattr(stdio, "serve", serve)
    monkeypatch.setattr(front_main, "_resident", lambda *named: made.append(named))
    monkeypatch.setattr(front_main.os, "_exit", leave)
    for arguments in (
        [],
        ["--data-dir=a=b", "--folder", "c"],
        ["--data-dir", "a", "--data-dir="],
        ["--folder", "--data-dir"],
    ):
        with pytest.raises(SystemExit):
            front_main.main(arguments)
    assert made == [(None, None), ("a=b", "c"), ("", None), (None, "--data-dir")]
    outcome.append(KeyboardInterrupt())
    with pytest.raises(SystemExit):
        front_main.main([])
    assert ended == [0, 0, 0, 0, 130]


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
    """What a front finds where it looks for a server: None, or who answers."""

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
    """And waited for, so that nothing of it is left when it ends. One that finds another one is
    as good."""
    monkeypatch.setattr(resident_module, "SECONDS_BETWEEN_LOOKS", 0.0)
    front, right = joining(tmp_path)
    around = Surroundings(monkeypatch, None, None, None, right)
    around.to_start = [Started(None, resident_module.ANOTHER_ONE_RUNS)]
    front.connect()
    [started] = around.started
    assert started.is_waited_for.wait(10)
    around.close()


def test_a_server_that_has_gone_is_joined_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection to the one before is closed."""
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
    """One that goes on is used as it is, and that is said once for each time it is joined."""
    monkeypatch.setattr(resident_module, "SECONDS_BETWEEN_LOOKS", 0.0)
    front, right = joining(tmp_path)
    other = right._replace(**{differs: "1"}, busy_with=busy_with)
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
