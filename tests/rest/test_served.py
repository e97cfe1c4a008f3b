"""REST from a server process: local and remote callers, and streams."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.command import PATIENCE_SECONDS, KoditCommand
from tests.support.server import Reply, RunningServer
from tests.support.sources import write_file


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    for name in ("open", "closed"):
        write_file(folder / name / "quartz.py", "def quartz():\n    return 'a mineral'\n")
    return folder


@pytest.fixture(scope="module")
def server(sources: Path) -> Iterator[RunningServer]:
    command = KoditCommand(sources / "data", KODIT_ALLOWED_ROOTS=str(sources / "open"))
    with RunningServer(command) as running:
        yield running


def post(server: RunningServer, path: str, **body: object) -> Reply:
    headers = {"Content-Type": "application/json"}
    return server.ask("POST", f"/api/v1/{path}", json.dumps(body).encode(), headers)


def test_over_tcp_everybody_is_remote(server: RunningServer, sources: Path) -> None:
    refused = post(server, "indexes", source=str(sources / "closed"))
    assert (refused.status, refused.json()["code"]) == (403, "refused_by_policy")
    added = post(server, "indexes", source=str(sources / "open"))
    assert added.status == 202
    assert added.headers["location"] == f"/api/v1/runs/{added.json()['run']['id']}"
    assert server.get(added.headers["location"]).json()["source"] == str(sources / "open")


def test_the_socket_is_local_and_knows_the_folder(server: RunningServer, sources: Path) -> None:
    post(server, "indexes", source=str(sources / "open"))
    folder = str(sources / "open")
    reply = server.ask_locally("GET", "/api/v1/search?query=quartz", X_Kodit_Folder=folder)
    assert [one["is_implied"] for one in reply.json()["standing"]] == [True]
    remote = server.get("/api/v1/search?query=quartz", X_Kodit_Folder=folder)
    assert ["is_implied" in one for one in remote.json()["standing"]] == [False]


def test_the_longest_query_that_is_taken(server: RunningServer) -> None:
    """In a query string, too; a longer one is refused with a sentence."""
    assert server.get(f"/api/v1/search?query={'x' * 200_000}").status == 200
    reply = server.get(f"/api/v1/search?query={'x' * 200_001}")
    assert (reply.status, reply.json()["code"]) == (422, "request_invalid")


def test_a_stream_goes_on_until_the_server_stops(sources: Path) -> None:
    """Answers with an end have a time limit; a stream has none, and ends with the server."""
    data = sources / "streaming"
    with RunningServer(KoditCommand(data, KODIT_ALLOWED_ROOTS=str(sources / "open"))) as server:
        run = post(server, "indexes", source=str(sources / "open")).json()["run"]["id"]
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_SECONDS)
        connection.request("GET", f"/api/v1/events?runs={run}")
        stream = connection.getresponse()
        assert stream.status == 200
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        assert stream.readline() == b"event: run\n"
        assert json.loads(stream.readline().removeprefix(b"data: "))["state"] == "queued"
        assert post(server, f"runs/{run}/cancel").status == 200
        lines: list[bytes] = []
        while not re.search(rb'"id":%d,.*"state":"cancelled"' % run, lines[-1] if lines else b""):
            lines.append(stream.readline())
        assert server.stop() == 0
        assert stream.read().endswith(b"\n\n")  # it has ended as a stream does, and not broken off
        connection.close()
