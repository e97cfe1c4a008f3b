"""Ways to an endpoint: proxies, a socket of this machine, and time limits."""

from __future__ import annotations

import base64
import http.client
import os
import socket
import struct
import tempfile
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from tests.endpoints.stage_work import TEXTS, OneDescription, stage_work
from tests.support.certificates import server_context
from tests.support.command import PATIENCE_SECONDS
from tests.support.model_server import ModelServer, Reply, error, first
from tests.support.relay import relay

from kodit.domain.endpoints import Limits, Payer
from kodit.domain.errors import PausedError, PermanentError, TransientError
from kodit.infrastructure.endpoints import connection, embedder
from kodit.infrastructure.endpoints.connection import Access, EndpointConnections, Request
from kodit.infrastructure.endpoints.enricher import EndpointEnricher

ELSEWHERE = "models.example.org"
"""A host that no test can reach but by a proxy."""
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
USER = f"Basic {base64.b64encode(b'ada:p w').decode()}"


@pytest.fixture(autouse=True)
def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def port_of(server: ModelServer) -> int:
    port = urlsplit(server.url).port
    assert port is not None
    return port


def test_a_proxy(tmp_path: Path, server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gets the whole address, and its own user, which the endpoint does not get to see."""
    monkeypatch.setenv("HTTP_PROXY", f"http://ada:p%20w@127.0.0.1:{port_of(server)}")
    with stage_work(tmp_path, server, access={"base_url": f"http://{ELSEWHERE}:81/v1"}) as work:
        work.embed_code()
        assert work.vectors() == TEXTS
    for one in server.asked:
        assert one.path == f"http://{ELSEWHERE}:81/v1/embeddings"
        assert one.headers["host"] == f"{ELSEWHERE}:81"
        assert one.headers["proxy-authorization"] == USER
        assert one.headers["authorization"] == "Bearer sk-test-key"


@pytest.mark.parametrize(
    "reply",
    [error(503), Reply(body=b"no JSON"), Reply(body=b'{"error": {"message": "busy"}}')],
    ids=["status", "text", "error"],
)
def test_an_answer_that_is_a_failure_leaves_its_connection_open(
    server: ModelServer, reply: Reply
) -> None:
    """Once the answer has been read, another thread may be using the connection."""
    connections = EndpointConnections(Access("KODIT_EMBEDDING", server.url))
    request = Request("/embeddings", {"model": "m", "input": ["one"]})
    server.script = first(1, reply)
    with suppress(TransientError, PermanentError):
        connections.post(request)
    connections.post(request)
    assert len({asked.port for asked in server.asked}) == 1


def test_a_request_is_aborted_while_tls_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its thread gets an error at once, and nothing is left open."""
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 3600.0)
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208 - of descriptors
    failures: list[TransientError] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"https://127.0.0.1:{listening.getsockname()[1]}/v1"
        connections = EndpointConnections(Access("KODIT_EMBEDDING", url, seconds=3600.0))
        request = Request("/embeddings", {})

        def post() -> None:
            try:
                connections.post(request)
            except TransientError as error:
                failures.append(error)

        asking = threading.Thread(target=post, daemon=True)
        asking.start()
        with listening.accept()[0] as client:
            assert client.recv(1)
            request.abort()
            asking.join(PATIENCE_SECONDS)
    assert [error.code for error in failures] == ["endpoint_unavailable"]
    assert len(os.listdir("/dev/fd")) == before  # noqa: PTH208 - likewise


def test_an_answer_that_breaks_off_is_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has been worked for, and may have been paid. Only a request of which a server has read
    nothing is sent again by itself, as over a connection that was idle."""
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    part = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"
    is_reading = threading.Event()
    asked: list[bytes] = []

    def receive(client: socket.socket) -> None:
        data = b""
        while not data.endswith(b"\r\n\r\n{}"):
            data += client.recv(65_536)
        asked.append(data)

    def answer(listening: socket.socket) -> None:
        with listening.accept()[0] as client:
            for reply in (whole, part):
                receive(client)
                is_reading.clear()
                client.sendall(reply)
            assert is_reading.wait(PATIENCE_SECONDS)
            reset_when_closed = struct.pack("ii", 1, 0)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset_when_closed)
        with suppress(OSError), listening.accept()[0] as client:  # nobody comes
            receive(client)
            client.sendall(whole)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = threading.Thread(target=answer, args=(listening,))
        server.start()
        port = listening.getsockname()[1]
        connections = EndpointConnections(Access("KODIT_EMBEDDING", f"http://127.0.0.1:{port}/v1"))
        read = connections._read

        def read_noted(response: http.client.HTTPResponse) -> bytes:
            is_reading.set()
            return read(response)

        monkeypatch.setattr(connections, "_read", read_noted)
        try:
            assert connections.post(Request("/embeddings", {})) == {}
            with pytest.raises(TransientError, match="reset"):
                connections.post(Request("/embeddings", {}))
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            server.join()
    assert len(asked) == 2


def test_an_address_with_a_query(tmp_path: Path, server: ModelServer) -> None:
    """As some services want their version to be given; the slash at the end is no part of it."""
    address = f"{server.url}/?api-version=2"
    with stage_work(tmp_path, server, access={"base_url": address}) as work:
        work.embed_code()
    assert {one.path for one in server.asked} == {"/v1/embeddings?api-version=2"}


def test_a_host_that_needs_no_proxy(
    tmp_path: Path, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with stage_work(tmp_path, server) as work:
        work.embed_code()
        assert work.vectors() == TEXTS
    assert {one.path for one in server.asked} == {"/v1/embeddings"}


def test_a_proxy_that_tunnels(
    tmp_path: Path, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With TLS, the proxy learns the host and no more: neither the key nor the code. The
    certificate is that of the endpoint."""
    server.encrypt(server_context(tmp_path, f"DNS:{ELSEWHERE}"))
    listening = socket.create_server(("127.0.0.1", 0))
    access = {"base_url": f"https://{ELSEWHERE}/v1", "ca_file": str(tmp_path / "cert.pem")}
    with (
        relay(listening, port_of(server), is_proxy=True) as proxy,
        stage_work(tmp_path, server, access=access) as work,
    ):
        address = f"http://ada:p%20w@127.0.0.1:{listening.getsockname()[1]}"
        monkeypatch.setenv("https_proxy", address)
        work.embed_code()
        assert work.vectors() == TEXTS
        for head in proxy.heads:
            assert head.startswith(f"CONNECT {ELSEWHERE}:443 HTTP/1.")
            assert f"Proxy-Authorization: {USER}" in head
            assert "sk-test-key" not in head
        assert 0 < len(proxy.heads) <= 4  # they are used for many requests
        assert {one.path for one in server.asked} == {"/v1/embeddings"}
        assert not any("proxy-authorization" in one.headers for one in server.asked)

        proxy.refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"
        (tmp_path / "again").mkdir()
        with (
            stage_work(tmp_path / "again", server, access=access) as refused,
            pytest.raises(PausedError, match="407 Proxy Authentication Required"),
        ):
            refused.embed_code()


def test_a_socket_of_this_machine(tmp_path: Path, server: ModelServer) -> None:
    """Whose path may have capitals, and needs no port."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "Model.sock"
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(path))
        access = {"base_url": f"http+unix://{quote(str(path), safe='')}/v1"}
        with (
            relay(listening, port_of(server)) as passing,
            stage_work(tmp_path, server, access=access) as work,
        ):
            work.embed_code()
            assert work.vectors() == TEXTS
            assert passing.heads
            assert work.endpoint.address == f"http+unix://{path}/v1"
        path.unlink()
        (tmp_path / "again").mkdir()
        with (
            stage_work(tmp_path / "again", server, access=access) as work,
            pytest.raises(PausedError, match=r"Model\.sock/v1 cannot be used: No such file"),
        ):
            work.embed_code()
    assert {one.path for one in server.asked} == {"/v1/embeddings"}


def test_a_stage_that_takes_too_long(tmp_path: Path, server: ModelServer) -> None:
    """Sends nothing more, and fails with what to change; the next one continues."""
    endpoint = {"limits": Limits(1, requests_per_minute=60)}
    with stage_work(tmp_path, server, endpoint=endpoint, options={"texts_per_request": 1}) as work:
        work.embed_code()  # the model is known
        work.gate.endpoint = replace(work.endpoint, longest_stage=timedelta(seconds=8))
        work.fill(b=[f"def f_{number}(): ..." for number in range(12)])
        with pytest.raises(PermanentError, match="KODIT_EMBEDDING_STAGE_SECONDS allows") as failure:
            work.embed_code()
        assert f"{server.url} for 8 s" in str(failure.value)
        assert failure.value.code == "endpoint_stage_too_long"
        assert 4 + 3 <= len(work.sent()) < 16
        assert work.sql("SELECT count(*) FROM endpoint_places") == [0]
        while len(work.vectors()) < 16:
            try:
                work.embed_code()
            except PermanentError as error:
                assert error.code == "endpoint_stage_too_long"
        assert len(work.sent()) == len(set(work.sent())) == 16


def test_a_stage_reports_how_far_it_is(tmp_path: Path, server: ModelServer) -> None:
    """In snippets, of both stages."""
    with stage_work(tmp_path, server) as work:
        for task in (work.embed_code(), work.enrich()):
            assert task.progress is not None
            assert (task.progress.current, task.progress.total) == (len(TEXTS), len(TEXTS))


def test_each_attempt_has_its_own_time(tmp_path: Path, server: ModelServer) -> None:
    """A task that is tried again does not fail for what the attempt before took."""
    with stage_work(tmp_path, server) as work:
        work.gate.endpoint = replace(work.endpoint, longest_stage=timedelta(seconds=8))
        first = Payer(1, 1, 1)
        work.gate._check_time(first)
        work.clock.advance(9)
        with pytest.raises(PermanentError):
            work.gate._check_time(first)
        work.gate._check_time(Payer(1, 2, 1))
        work.gate._check_time(Payer(2, 1, 1))


def test_a_query_is_not_kept_waiting_as_long_as_a_stage(
    tmp_path: Path, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedder, "SECONDS_OF_QUERY", 0.05)
    with stage_work(tmp_path, server) as work:
        work.embed_code()
        server.delay = 0.3
        with pytest.raises(TransientError):
            work.embedder.embed_query("where are carts")
        work.fill(b=["def later(): ..."])
        work.embed_code()


def test_an_answer_may_take_longer_than_connecting(
    tmp_path: Path, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.2)
    server.delay = 0.4
    with stage_work(tmp_path, server) as work:
        work.embed_code()
        assert work.vectors() == TEXTS


def test_other_parameters_are_another_model(tmp_path: Path, server: ModelServer) -> None:
    """So that descriptions that were made with the former ones are made anew."""
    with stage_work(tmp_path, server) as work:

        def named(**parameters: object) -> str:
            here = OneDescription()
            access = Access("KODIT_ENRICHMENT", server.url, "")
            return EndpointEnricher(
                "c", access, work.gate, here, output_tokens=9, parameters=parameters
            ).model

        assert named(a=1, b=2) == named(b=2, a=1)
        assert len({named(), named(a=1), named(a=2), named(b=1)}) == 4
