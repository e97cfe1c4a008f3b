"""Answers that are no proper HTTP, come too slowly, or say less than their status."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.support.command import PATIENCE_SECONDS

from kodit.domain.errors import KoditError, PermanentError, TransientError
from kodit.infrastructure.endpoints.connection import Access, EndpointConnections, Request
from kodit.infrastructure.endpoints.failures import LONGEST_QUOTE, failure_in, retry_after

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
KEY, AZURE, IN_QUERY = "sk-0123456789abcdef", "azure-0123456789", "in-query-0123456789"


class OddServer:
    """Reads one request of each connection, and answers with these bytes; then with `dripped`
    again and again for four seconds. `left` is set if the client has ended before that."""

    def __init__(self, answer: bytes, dripped: bytes = b"") -> None:
        self._answer, self._dripped = answer, dripped
        self._over = threading.Event()
        self.left = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.place = f"127.0.0.1:{self._listening.getsockname()[1]}/v1"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while not self._over.is_set():
            connected, _address = self._listening.accept()
            with connected:
                try:
                    self._talk(connected)
                except OSError:
                    self.left.set()

    def _talk(self, connected: socket.socket) -> None:
        read = b""
        while not (b'"end"' in read or read.startswith((b"\x16", b"CONNECT "))):
            part = connected.recv(65_536)
            if not part:
                raise ConnectionResetError
            read += part
        connected.sendall(self._answer)
        for _ in range(200):  # a client that stays sees the end
            if not self._dripped or self._over.wait(0.02):
                break
            connected.sendall(self._dripped)

    def stop(self) -> None:
        self._over.set()
        socket.create_connection(self._listening.getsockname()).close()
        self._thread.join()
        self._listening.close()


@contextmanager
def odd_server(answer: bytes, dripped: bytes = b"") -> Iterator[OddServer]:
    server = OddServer(answer, dripped)
    try:
        yield server
    finally:
        server.stop()


def error_of(server: OddServer, scheme: str = "http", **access: Any) -> KoditError:
    reached = Access("KODIT_EMBEDDING", f"{scheme}://{server.place}", KEY)._replace(**access)
    with pytest.raises(KoditError) as failure:
        EndpointConnections(reached).post(Request("/embeddings", {"input": ["end"]}))
    assert "\n" not in str(failure.value)
    return failure.value


@pytest.fixture(autouse=True)
def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


BROKEN = {
    "chunks without sizes": CHUNKED + b"zzz\r\nhello\r\n0\r\n\r\n",
    "a negative chunk": CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n",
    "half a chunk": CHUNKED + b"ff\r\nhello",
    "no last chunk": CHUNKED + b"2\r\n{}\r\n",
    "less than its length": OK + b"Content-Length: 200\r\n\r\n{}",
    "no HTTP": b"what is that\r\nthen\r\n\r\n",
    "no status": b"HTTP/1.1 000 OK\r\n\r\n",
    "nothing": b"",
    "a long header": OK + b"X: " + b"a" * 100_000 + b"\r\n\r\n{}",
    "many headers": OK + b"".join(b"X%d: a\r\n" % one for one in range(1000)) + b"\r\n{}",
    "half an object": OK + b'\r\n{"data": [',
    "nested too deeply": OK + b"\r\n" + b"[" * 100_000,
    "a number without end": OK + b"\r\n[" + b"9" * 5_000 + b"]",
    "no UTF-8": OK + b'\r\n{"a": "\xff"}',
    "compressed": OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b" " * 10_000_000),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_answer_that_is_broken(name: str) -> None:
    """Is a failure that passes, told in one line."""
    with odd_server(BROKEN[name]) as server:
        failure = error_of(server, seconds=10.0)
    assert isinstance(failure, TransientError)
    assert server.place in str(failure)


@pytest.mark.parametrize(
    ("scheme", "answer", "dripped"),
    [
        ("http", b"", b"H"),
        ("http", b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        ("http", OK + b"Content-Length: 100000\r\n\r\n", b" "),
        ("https", b"\x16\x03\x03\x40\x00\x02", b"\0"),
    ],
    ids=["the head", "no final answer", "the body", "the handshake"],
)
def test_an_answer_that_drips(scheme: str, answer: bytes, dripped: bytes) -> None:
    """Ends with the time of a request, although something arrives all the time."""
    with odd_server(answer, dripped) as server:
        failure = error_of(server, scheme, seconds=0.5)
        assert server.left.wait(PATIENCE_SECONDS)
    assert str(failure) == f"{scheme}://{server.place} did not answer within 0.5 s"


def test_a_tunnel_that_drips(monkeypatch: pytest.MonkeyPatch) -> None:
    """Likewise, before the endpoint is reached."""
    with odd_server(b"", b"H") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.place.removesuffix('/v1')}")
        failure = error_of(proxy, base_url="https://models.example.org/v1", seconds=0.5)
        assert proxy.left.wait(PATIENCE_SECONDS)
    assert str(failure) == "https://models.example.org/v1 did not answer within 0.5 s"


def test_secrets_that_an_answer_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Are left out of the message: the key, additional headers, and the query of the address."""
    monkeypatch.setenv("AZURE", AZURE)
    told = f"{KEY} and {AZURE} and {IN_QUERY} are wrong"
    body = json.dumps({"error": {"message": told}}).encode()
    for head in (b"HTTP/1.1 401 No\r\nContent-Length: %d\r\n\r\n" % len(body), b"HTTP/1.1 XX "):
        with odd_server(head + body + b"\r\n\r\n") as server:
            failure = error_of(
                server,
                base_url=f"http://{server.place}?code={IN_QUERY}&api-version=2024-10-21",
                headers={"api-key": "env:AZURE"},
            )
        assert "*** and *** and *** are wrong" in str(failure)


ERRORS: dict[str, tuple[object, bool, str]] = {
    "a code": ({"error": {"message": "slow down", "code": 429}}, True, "answered 429 (Too Many"),
    "a code as text": ({"error": {"message": "oh", "code": "502"}}, True, "answered 502 (Bad G"),
    "a key": (
        {"error": {"message": "who?", "status": 401}},
        False,
        "check KODIT_EMBEDDING_API_KEY",
    ),
    "words that pass": (
        {"error": "Overloaded, try again"},
        True,
        "an error: Overloaded, try again",
    ),
    "other words": ({"error": {"message": "No such model"}}, False, "an error: No such model"),
    "a long text": ({"error": "so " * 5_000}, False, "so so…"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_with_status_200(name: str) -> None:
    """As gateways send it: it means what it says."""
    answer, passes, told = ERRORS[name]
    body = json.dumps(answer).encode()
    with odd_server(OK + b"Content-Length: %d\r\n\r\n" % len(body) + body) as server:
        failure = error_of(server)
    assert isinstance(failure, TransientError if passes else PermanentError)
    assert told in str(failure)
    assert len(str(failure)) < LONGEST_QUOTE + 200


@pytest.mark.parametrize(
    "answer", [[], {}, {"error": None}, {"error": "", "data": []}, {"error": "a", "choices": [1]}]
)
def test_an_answer_with_a_result_is_no_error(answer: object) -> None:
    assert failure_in(answer, address="http://a", hint="KODIT_EMBEDDING") is None


@pytest.mark.parametrize(
    ("told", "date", "seconds"),
    [
        ("5", None, 5.0),
        (" 1.5 ", None, 1.5),
        ("-5", None, None),
        ("soon", None, None),
        ("nan", None, None),
        ("99999999999999", None, None),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None, None),
        ("Wed, 21 Oct 2015 07:28:00 +9999999", None, None),
        ("Wed, 21 Oct 2015 07:28:30 GMT", "Wed, 21 Oct 2015 07:28:00 GMT", 30.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:30 GMT", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", "no date", 0.0),
    ],
)
def test_when_to_send_again(told: str, date: str | None, seconds: float | None) -> None:
    """In seconds, or as a time by the clock of the endpoint; anything else is not heeded."""
    assert retry_after(told, date) == seconds
