"""The front within this process, over a minimal server: its own answers, repeated requests, and
missing answers."""

from __future__ import annotations

import io
import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, cast

import pytest

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
            body = file.read(length)
            if len(body) < length:
                return  # closed within the question: one that is cancelled may be cut anywhere
            self.asked.append(json.loads(body))
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
    """The front's answers to these lines, each a message or bytes, until all are answered."""
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
def test_requests_that_the_front_answers_itself(
    method: str, params: dict[str, Any], *, is_known: bool
) -> None:
    """All other requests are answered and refused by the server."""
    answer = Answers().to({"id": 1, "method": method, "params": params})
    assert (answer is not None) is is_known


@pytest.mark.parametrize(
    ("request_message", "is_harmless"),
    [
        (call("search"), True),
        (call("index"), False),
        ({"id": 1, "method": "tools/call"}, False),
        ({"id": 1, "method": "tools/list"}, True),
        ({"id": 1, "method": "server/discover"}, True),
        ({"id": 1, "method": "ping"}, True),
        ({"id": 1, "method": "resources/write"}, False),
    ],
)
def test_requests_that_may_be_repeated(
    request_message: dict[str, Any], *, is_harmless: bool
) -> None:
    assert may_be_repeated(request_message) is is_harmless


@pytest.mark.parametrize("request_id", [None, [1], {}, 1.5])
def test_a_message_without_an_identifier_is_not_a_request(request_id: object) -> None:
    assert answered(Server(b""), {"jsonrpc": "2.0", "method": "ping"}) == []
    [refused] = answered(Server(b""), {"jsonrpc": "2.0", "id": request_id, "method": "ping"})
    assert refused["error"]["code"] == -32600


def test_the_form_of_a_failure_depends_on_the_request() -> None:
    """A model reads the result of a tool; a newer revision marks it as the last message."""
    assert failure(PING, "no")["error"] == {"code": -32000, "message": "no"}
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


def test_unanswered_requests_are_reported_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdio, "SECONDS_AFTER_THE_END", 0.05)
    told = answered(Server(None), call("search"), call("search", 8))
    assert sorted(one["id"] for one in told) == [7, 8]
    texts = {one["result"]["content"][0]["text"] for one in told}
    assert texts == {"The client closed the input before the end."}


def test_an_answer_without_an_identifier_is_given_its_own() -> None:
    """The server could not read the identifier; the front knows it."""
    unread = {"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "what"}}
    assert answered(Server(reply(unread)), call("search")) == [unread | {"id": 7}]


def test_an_answer_that_is_not_a_message_is_quoted() -> None:
    head = b"HTTP/1.1 503 X\r\ncontent-length: 7\r\n\r\n"
    [said] = answered(Server(head + b"go away"), call("search"))
    assert said["result"]["content"][0]["text"] == "The server answered 503: go away."


@pytest.mark.parametrize("kind", ["result", "error"])
def test_a_stream_ends_with_its_response(kind: str) -> None:
    """Whatever the server sends afterwards. An event may have its data in several lines."""
    events = (
        'data: {"method": "notifications/progress"}\r\n\r\n: ping\n\n'
        f'data: {{"id": 7,\ndata:  "{kind}": {{}}}}\n\n'
        'data: {"id": 7, "result": {"late": 1}}\n\n'
    )
    head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    told = answered(Server((head + events).encode()), call("search"))
    assert told == [{"method": "notifications/progress"}, {"id": 7, kind: {}}]


@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("/a b/é", "/a%20b/%C3%A9"),
        ("/ª²/x-y_z.~", "/%C2%AA%C2%B2/x-y_z.~"),
        ("/\udcff%", "/%FF%25"),
        ("/a\n,", "/a%0A%2C"),
    ],
)
def test_a_path_is_sent_as_its_bytes(path: str, header: str) -> None:
    assert percent_encoded(path) == header
    assert header.isascii()


def test_a_call_that_is_cancelled_is_not_answered() -> None:
    method = "notifications/cancelled"
    cancelled = {"jsonrpc": "2.0", "method": method, "params": {"requestId": 7}}
    assert answered(Server(None), call("search"), cancelled) == []


def test_an_identifier_that_is_used_again_names_the_later_call() -> None:
    """Also after the earlier one was answered: a cancellation applies to the running call."""
    server = Server(reply({"id": 7, "result": {}}))
    front = Front(io.BytesIO(), io.BytesIO(), cast(Callable[[], Resident], lambda: server))
    earlier, later = stdio._Forwarded(call("search")), stdio._Forwarded(call("search"))
    front._under_way[7] = later
    front._serve(earlier)
    assert front._under_way == {7: later}
    front._serve(later)
    assert front._under_way == {}
    server.close()


def handshake(version: str, capabilities: object = None) -> dict[str, Any]:
    params = {"protocolVersion": version, "capabilities": capabilities}
    return {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}


def test_the_negotiated_revision() -> None:
    """The requested one, if it is known and starts with a handshake; else the newest. Each
    handshake negotiates again, and a request may name a revision of its own."""
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


def test_the_headers_of_a_request() -> None:
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
def test_only_clients_with_roots_are_asked_for_them(
    capabilities: object, *, is_asked: bool
) -> None:
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
    """Whichever side ends it first."""
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
