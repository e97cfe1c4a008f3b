"""Requests to a server on another machine, and the handling of its answers."""

from __future__ import annotations

import http.client
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from kodit.domain.errors import (
    InvalidQueryError,
    KoditError,
    NotFoundError,
    RefusedByPolicyError,
    SettingError,
    TransientError,
    UserError,
)
from kodit.infrastructure.remote.connection import ANSWER_SECONDS, RemoteConnection, path_of
from kodit.server.limits import Limits


class Handler(http.server.BaseHTTPRequestHandler):
    """Records requests, and sends the server's prepared answers in turn."""

    server: ScriptedServer

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, dict(self.headers), body))
        status, answer = self.server.answers.pop(0)
        if not status:
            self.wfile.write(b"what\r\n\r\n")
            return
        content = b"" if status == 204 else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        pass


class ScriptedServer(http.server.HTTPServer):
    """Answers with statuses and JSON; a status of 0 sends an invalid HTTP answer."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, Any]] = []
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/below/"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.005,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_requests_are_those_of_the_rest_interface(server: ScriptedServer) -> None:
    """Values that were not given are not sent; false and empty values are."""
    connection = RemoteConnection(server.url, "kodit_key")
    server.answers = [(200, {"a": 1}), (202, [2]), (204, None)]
    given = {"query": "a b&c", "limit": 5, "all": True, "kinds": ("x", "y"), "no": None}
    assert connection.get("/search", given) == {"a": 1}
    assert connection.post("/runs", {"all": False, "limit": 0, "no": None}) == [2]
    connection.delete("/indexes/7")
    connection.close()
    get, post, delete = server.asked
    assert get[:2] == (
        "GET",
        "/below/api/v1/search?query=a+b%26c&limit=5&all=true&kinds=x&kinds=y",
    )
    assert post[:2] == ("POST", "/below/api/v1/runs")
    assert json.loads(post[3]) == {"all": False, "limit": 0}
    assert delete[:2] == ("DELETE", "/below/api/v1/indexes/7")
    for _method, _path, headers, body in server.asked:
        assert headers["Authorization"] == "Bearer kodit_key"
        assert headers["Accept"] == "application/json"
        assert headers.get("Content-Type") == ("application/json" if body else None)


def test_without_a_key_none_is_sent(server: ScriptedServer) -> None:
    connection = RemoteConnection(server.url.rstrip("/"), "")
    server.answers = [(200, {}), (200, {})]
    connection.get("/queue")
    connection.get("/queue", {"no": None})
    connection.close()
    assert [one[1] for one in server.asked] == ["/below/api/v1/queue"] * 2
    assert not any("Authorization" in one[2] for one in server.asked)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "cursor_invalid", InvalidQueryError),
        (403, "refused_by_policy", RefusedByPolicyError),
        (403, "key_may_not_write", UserError),
        (404, "index_not_found", NotFoundError),
        (409, "source_ambiguous", InvalidQueryError),
        (422, "request_invalid", InvalidQueryError),
        (500, "internal_error", TransientError),
        (503, "unavailable", TransientError),
    ],
)
def test_an_error_is_the_one_that_the_server_tells(
    server: ScriptedServer, status: int, code: str, kind: type[KoditError]
) -> None:
    """With its class, sentence, code and fields."""
    about = {"index": 3, "share": 0.5, "path": None, "is_new": True, "errors": [{"where": "x"}]}
    problem = {"type": "about:blank", "title": "T", "status": status, "detail": "No luck"}
    server.answers = [(status, {**problem, "code": code, **about})]
    connection = RemoteConnection(server.url, "")
    with pytest.raises(KoditError) as told:
        connection.get("/queue")
    connection.close()
    assert type(told.value) is kind
    assert (str(told.value), told.value.code) == ("No luck", code)
    assert told.value.fields == {name: about[name] for name in about if name != "errors"}


@pytest.mark.parametrize(
    ("status", "answer"), [(200, None), (301, {"a": 1}), (404, {"a": 1}), (500, [1])]
)
def test_answers_of_other_servers(server: ScriptedServer, status: int, answer: object) -> None:
    server.answers = [(status, answer)]
    connection = RemoteConnection(server.url, "")
    with pytest.raises(KoditError, match=rf"\(status {status}\); check the address") as told:
        connection.get("/queue")
    connection.close()
    assert told.value.code == "server_unreachable"


def test_a_server_that_does_not_answer_is_asked_again(server: ScriptedServer) -> None:
    """Over a new connection."""
    connection = RemoteConnection(server.url, "")
    server.answers = [(0, None), (200, {"a": 1})]
    with pytest.raises(TransientError, match="does not answer: ") as told:
        connection.get("/queue")
    assert told.value.code == "server_unreachable"
    assert connection.get("/queue") == {"a": 1}
    connection.close()


@pytest.mark.parametrize(
    "url",
    [
        *("", "host", "http://", "ftp://host", "http://[::1", "http://host:x"),
        *("http://host?a", "http://host#a", "http://ada@host", "http://:secret@host"),
    ],
)
def test_invalid_addresses(url: str) -> None:
    with pytest.raises(SettingError, match="is not the address of a server") as told:
        RemoteConnection(url, "")
    assert "ada" not in str(told.value)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("key", ["kodit_ä", "a\nb", "a\x7f"])
def test_invalid_keys(key: str) -> None:
    with pytest.raises(SettingError, match="KODIT_API_KEY is not a key"):
        RemoteConnection("http://host", key)


def test_parts_of_a_path_are_escaped() -> None:
    assert path_of("indexes", 1, "a b/é?#.py") == "/indexes/1/a%20b/%C3%A9%3F%23.py"
    assert path_of("\udcff") == "/%FF"


@pytest.mark.parametrize(
    ("url", "port", "kind"),
    [
        ("https://code.example.org", 443, http.client.HTTPSConnection),
        ("http://code.example.org", 80, http.client.HTTPConnection),
        ("https://code.example.org:8443", 8443, http.client.HTTPSConnection),
    ],
)
def test_a_connection_is_of_the_kind_of_its_address(url: str, port: int, kind: type) -> None:
    """With a longer time limit than that of the server."""
    connection = RemoteConnection(url, "")._connection
    assert type(connection) is kind
    assert (connection.host, connection.port) == ("code.example.org", port)
    assert connection.timeout == ANSWER_SECONDS > Limits().request_seconds
