"""The end of a call, of a connection, and of the front."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest
from tests.mcp.test_front_inside import PING, Server, call, reply

from kodit.domain.errors import KoditError
from kodit.front import stdio
from kodit.front.exchange import LONGEST_SILENCE_SECONDS, Exchange
from kodit.front.messages import VERSION_KEY, meta_of
from kodit.front.stdio import Front
from kodit.server.limits import Limits


class Silent:
    """A server that refuses only when the call has been cancelled."""

    def __init__(self) -> None:
        self.is_asked, self.is_cancelled = threading.Event(), threading.Event()

    def headers(self, _roots: Sequence[str] = ()) -> dict[str, str]:
        return {}

    def connect(self) -> socket.socket:
        self.is_asked.set()
        self.is_cancelled.wait()
        raise KoditError("there is no server")


@pytest.mark.parametrize(("named", "is_cancelled"), [(7, True), (8, False), ("a", True)])
def test_a_call_that_fails_after_it_was_cancelled_is_not_answered(
    named: int | str, *, is_cancelled: bool
) -> None:
    server, answers = Silent(), io.BytesIO()
    request_id = named if is_cancelled else 7
    cancel = {"method": "notifications/cancelled", "params": {"requestId": named}}

    def requests() -> Iterator[bytes]:
        yield json.dumps(call("search", request_id)).encode()
        server.is_asked.wait()
        yield json.dumps({"jsonrpc": "2.0", **cancel}).encode()
        server.is_cancelled.set()

    Front(cast(Any, requests()), answers, cast(Any, lambda: server)).run()
    assert [json.loads(line)["id"] for line in answers.getvalue().splitlines()] == (
        [] if is_cancelled else [7]
    )


class Noting(Server):
    """Records the connections that it has opened."""

    def __init__(self, *replies: bytes | None) -> None:
        super().__init__(*replies)
        self.given: list[socket.socket] = []

    def connect(self) -> socket.socket:
        self.given.append(super().connect())
        return self.given[-1]


def test_no_connection_stays_open_after_its_answer() -> None:
    """Whether it was answered, refused, or cancelled before it was connected."""
    answers = io.BytesIO()
    for answer in (reply({"id": 7, "result": {}}), b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"):
        server = Noting(answer)
        lines = io.BytesIO(json.dumps(call("index")).encode())
        Front(lines, answers, cast(Any, lambda server=server: server)).run()
        assert [one.fileno() for one in server.given] == [-1]
    forwarded = stdio._Forwarded(call("index"))
    forwarded.cancel()
    ours, theirs = socket.socketpair()
    assert not forwarded.begin(Exchange(ours))
    assert ours.fileno() == -1
    theirs.close()


def test_an_answer_in_time_is_used() -> None:
    """In a stream too, whatever else its type says."""
    limits = Limits()
    assert limits.request_seconds + limits.progress_seconds < LONGEST_SILENCE_SECONDS
    kind = b"content-type: text/event-stream; charset=utf-8\r\n"
    event = b'data: {"id": 7, "result": {}}\n\n'
    server, answers = Server(b"HTTP/1.1 200 OK\r\n" + kind + b"\r\n" + event), io.BytesIO()
    Front(io.BytesIO(json.dumps(call("index")).encode()), answers, cast(Any, lambda: server)).run()
    assert json.loads(answers.getvalue()) == {"id": 7, "result": {}}


@pytest.mark.parametrize("error", [BrokenPipeError(32, "gone"), ValueError("closed file")])
def test_a_front_that_nobody_reads_ends(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.BytesIO):
        def flush(self) -> None:
            raise error

    def end(status: int) -> None:
        raise SystemExit(status)

    monkeypatch.setattr(os, "_exit", end)
    with pytest.raises(SystemExit) as ended:
        Front(io.BytesIO(json.dumps(PING).encode()), Gone(), cast(Any, None)).run()
    assert ended.value.code == 0


def test_nothing_but_answers_goes_to_standard_output() -> None:
    """Other prints of a library would be malformed messages."""
    program = (
        "from kodit.front import stdio\n"
        "class Noisy(stdio.Front):\n"
        "    def run(self):\n"
        "        print('noise', flush=True)\n"
        "        self._write({'id': 1})\n"
        "stdio.Front = Noisy\n"
        "stdio.serve(None)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], stdin=subprocess.DEVNULL, capture_output=True, check=True
    )
    assert (ended.stdout, ended.stderr) == (b'{"id":1}\n', b"noise\n")


@pytest.mark.parametrize("params", [None, 7, [], {}, {"_meta": [VERSION_KEY]}, {"_meta": "x"}])
def test_what_is_no_meta_is_none(params: Any) -> None:
    assert meta_of({"params": params}) == {}
