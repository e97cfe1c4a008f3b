"""The thin front of the resident server."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
from tests.mcp.conftest import Mode, text_of
from tests.mcp.front import RunningFront, end_server
from tests.support.command import PATIENCE_SECONDS, KoditCommand, wait_until
from tests.support.server import RunningServer
from tests.support.sources import write_file

from kodit.infrastructure.resident.connecting import connect, handshake

HELLO = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    write_file(folder / "greeting.py", "def greet(name):\n    return f'hello {name}'\n")
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server without workers."""
    command = KoditCommand(tmp_path_factory.mktemp("served") / "data")
    with RunningServer(command) as running:
        yield running


@pytest.fixture(scope="module")
def served(server: RunningServer) -> KoditCommand:
    """The command over the data directory that it serves."""
    return server.command


def busy_with(command: KoditCommand) -> str | None:
    """What keeps the server of a data directory busy."""
    connection = connect(command.data_dir)
    assert connection is not None
    with closing(connection):
        return handshake(connection).busy_with


def test_the_first_answers_need_no_server(tmp_path: Path) -> None:
    """`initialize`, `ping` and `tools/list` are answered by the front itself, for each revision;
    nothing is created or started."""
    command = KoditCommand(tmp_path / "data")
    with RunningFront(command, tmp_path) as front:
        hello = front.answer(front.request("initialize", **HELLO))["result"]
        assert hello["protocolVersion"] == "2025-06-18"
        assert hello["serverInfo"]["name"] == "kodit"
        assert hello["capabilities"] == {"tools": {"listChanged": False}}
        front.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        assert front.answer(front.request("ping"))["result"] == {}
        tools = front.answer(front.request("tools/list"))["result"]
        assert len(tools["tools"]) == 8
        assert "ttlMs" not in tools
        meta = {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        discovered = front.answer(front.request("server/discover", _meta=meta))["result"]
        assert discovered["supportedVersions"] == ["2026-07-28"]
        assert front.answer(front.request("tools/list", _meta=meta))["result"]["ttlMs"] > 0
    assert not command.data_dir.exists()


def test_stdio_is_a_command_and_an_ordinary_word(tmp_path: Path) -> None:
    """The data directory may precede it, as with other commands; in other positions it is an
    ordinary word."""
    command = KoditCommand(tmp_path / "data")
    for before in (["--data-dir", str(tmp_path)], [f"--data-dir={tmp_path}"], []):
        assert command.run(*before, "stdio") == (0, "", "")
    shown = command.run("stdio", "--help")
    assert (shown.code, shown.err) == (0, "")
    assert "--folder FOLDER" in shown.out
    wrong = command.run("stdio", "--port", "1")
    assert (wrong.code, wrong.out) == (2, "")
    assert "'--port'" in wrong.err
    assert "Nothing is indexed yet" in command.run_here("search", "stdio").err


def test_an_unknown_revision_gets_the_newest_of_the_handshake(tmp_path: Path) -> None:
    """As the protocol requires: the client decides whether it accepts that."""
    with RunningFront(KoditCommand(tmp_path / "data"), tmp_path) as front:
        hello = front.request("initialize", **{**HELLO, "protocolVersion": "1999-01-01"})
        assert front.answer(hello)["result"]["protocolVersion"] == "2025-11-25"


def test_invalid_messages_are_answered(tmp_path: Path) -> None:
    """And the front continues."""
    with RunningFront(KoditCommand(tmp_path / "data"), tmp_path) as front:
        front.send(b"{nonsense")
        assert front.receive()["error"]["code"] == -32700
        front.send(b'"text"')
        assert front.receive()["error"]["code"] == -32600
        front.send(b'{"jsonrpc": "2.0", "id": null, "method": "ping"}')
        assert front.receive()["error"]["code"] == -32600
        front.send(b"")
        odd: tuple[object, ...] = ([1], {}, None, 1.5)
        for request_id in odd:
            front.send({"method": "notifications/cancelled", "params": {"requestId": request_id}})
        assert front.answer(front.request("ping"))["result"] == {}


def test_a_request_that_the_server_cannot_read_is_answered(
    served: KoditCommand, folder: Path
) -> None:
    """Under its own identifier, so that its client does not wait for ever."""
    with RunningFront(served, folder) as front:
        request = front.call("search", query="\ud800")
        assert front.answer(request)["error"]["code"] == -32700


def test_it_ends_when_its_input_ends(served: KoditCommand, folder: Path) -> None:
    """Earlier requests are answered, if that takes only a moment."""
    with RunningFront(served, folder) as front:
        request = front.call("indexes")
        front.close()
        assert "result" in front.answer(request)
        assert front.process.wait(PATIENCE_SECONDS) == 0


def test_the_clients_folder_is_sent(served: KoditCommand, folder: Path) -> None:
    """So that a source may be left out: the client's folder is indexed."""
    place = folder.parent / "größe %"
    write_file(place / "a.py", "x = 1\n")
    link = folder.parent / "link"
    link.symlink_to(place)
    with RunningFront(served, folder, "--folder", str(link)) as front:
        assert str(place) in front.text("grep", pattern="x")
    with RunningFront(served, folder, "--folder", "${workspaceFolder}") as front:
        assert str(folder) in front.text("grep", pattern="x")


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_sdk_s_client_calls_tools_over_stdio_and_http(
    server: RunningServer, folder: Path, mode: Mode
) -> None:
    """Over the network a caller has no folder, and folders are closed."""
    over_stdio = StdioServerParameters(
        command=sys.executable,
        args=["-m", "kodit", "stdio"],
        env=server.command.environment,
        cwd=folder,
    )

    async def ask(target: StdioServerParameters | str, source: str) -> tuple[str, str, str]:
        async with Client(target, mode=mode) as client:
            found = await client.call_tool("grep", {"pattern": "hello", "source": source})
            everything = await client.call_tool("indexes", {})
            return client.protocol_version, text_of(found), text_of(everything)

    version, found, _everything = asyncio.run(ask(over_stdio, "."))
    assert version == ("2026-07-28" if mode == "auto" else "2025-11-25")
    assert "greeting.py\n2:    return f'hello {name}'" in found
    version, found, everything = asyncio.run(ask(f"http://127.0.0.1:{server.port}/mcp", "/etc"))
    assert version == ("2026-07-28" if mode == "auto" else "2025-11-25")
    assert "may not be added by a caller over the network" in found
    assert str(folder) in everything


def test_progress_is_passed_on(served: KoditCommand, folder: Path) -> None:
    """While the call is under way."""
    with RunningFront(served, folder) as front:
        request = front.call("index", source=str(folder), wait=40, progress="mine")
        told = front.receive()
        assert told["method"] == "notifications/progress"
        assert told["params"]["progressToken"] == "mine"
        assert told["params"]["total"] == 100
        front.send(cancelled(request))


def cancelled(request: int) -> dict[str, object]:
    return {
        "jsonrpc": "2.0",
        "method": "notifications/cancelled",
        "params": {"requestId": request},
    }


@pytest.mark.parametrize("is_modern", [False, True])
def test_a_cancelled_call_ends_at_the_server(
    served: KoditCommand, folder: Path, is_modern: bool
) -> None:
    """And gets no answer any more, in either revision."""
    meta = {
        "progressToken": "mine",
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    with RunningFront(served, folder) as front:
        arguments = {"source": str(folder), "wait": 40}
        request = front.request(
            "tools/call",
            name="index",
            arguments=arguments,
            _meta=meta if is_modern else {"progressToken": "mine"},
        )
        front.receive()  # it is under way
        assert "it is answering 1 request" in str(busy_with(served))
        front.send(cancelled(request))
        wait_until(lambda: "it is answering" not in str(busy_with(served)))
        assert front.answer(front.request("ping"))["result"] == {}
        assert front.before == []


def test_many_fronts_start_one_server_and_start_it_again(tmp_path: Path, folder: Path) -> None:
    """The server outlives the fronts. A call that only reads is sent again to the next server; for
    any other call the client is told that its effect is unknown."""
    command = KoditCommand(tmp_path / "data")
    write_file(folder.parent / "another" / "other.py", "x = 1\n")
    try:
        with ExitStack() as stack:
            fronts = [stack.enter_context(RunningFront(command, folder)) for _ in range(10)]
            requests = [front.call("indexes") for front in fronts]
            for front, request in zip(fronts, requests, strict=True):
                assert "result" in front.answer(request)
            waiting = fronts[0].call("index", source=str(folder), wait=40, progress="mine")
            fronts[0].receive()
            reading = fronts[1].call("grep", pattern="x", source=str(folder.parent / "another"))
            first = end_server(command.data_dir, signal.SIGKILL)
            lost = fronts[0].answer(waiting)["result"]
            assert lost["isError"]
            assert "ended before it answered" in lost["content"][0]["text"]
            assert "1:x = 1" in str(fronts[1].answer(reading))
            assert str(folder) in fronts[0].text("indexes")
    finally:
        second = end_server(command.data_dir)
    assert first is not None
    assert second not in (None, first)
    log = (command.data_dir / "server.log").read_text()
    assert log.count('event="server ready"') == 2


def test_an_idle_server_with_other_settings_is_replaced(tmp_path: Path, folder: Path) -> None:
    """One that another front has started, for example; its client is answered by the new one."""
    data_dir = tmp_path / "data"
    other = KoditCommand(data_dir, KODIT_MAX_FAILURES="3")
    try:
        with RunningServer(other, "--no-tcp", "--no-worker", "--idle-minutes", "5") as replaced:
            with RunningFront(KoditCommand(data_dir), folder) as front:
                assert "Nothing is indexed yet" in front.text("indexes")
            assert replaced.process.wait(PATIENCE_SECONDS) == 0
    finally:
        assert end_server(data_dir) not in (None, replaced.process.pid)


def test_a_server_that_cannot_start_is_a_clear_error(tmp_path: Path, folder: Path) -> None:
    """In a tool's answer, which a model reads."""
    command = KoditCommand(tmp_path / "data", KODIT_WORKER_SLOTS="none")
    with RunningFront(command, folder) as front:
        answer = front.answer(front.call("search", query="x"))["result"]
        assert answer["isError"]
        assert "KODIT_WORKER_SLOTS must be a number" in json.dumps(answer)
