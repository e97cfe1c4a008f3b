"""The server's tools: a contract whose changes must be visible."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import httpx2
import pytest
from mcp.client.client import Client
from tests.mcp.conftest import Mode, Tools, connected

from kodit.composition import Application
from kodit.domain.caller import LOCAL_CALLER
from kodit.faces.mcp.definitions import INSTRUCTIONS, MOST_CHARACTERS, TOOLS
from kodit.faces.mcp.server import create_mcp_app
from kodit.faces.mcp.snapshot import FILE, snapshot, text_of

PARAMETERS = {
    "search": "query source languages paths kinds limit budget cursor wait",
    "grep": "pattern source paths languages ignore_case context limit budget cursor",
    "symbols": "name source kinds languages paths limit budget cursor uses",
    "read": "path source lines outline",
    "files": "source paths languages limit cursor map describe subject",
    "related": "path line source paths limit budget",
    "indexes": "source",
    "index": "source action wait",
}


def test_names_and_their_order_are_stable() -> None:
    """Of tools and parameters; those that are required come first."""
    offered = {tool.name: tool.input_schema for tool in TOOLS}
    assert list(offered) == list(PARAMETERS)
    for name, schema in offered.items():
        assert list(schema["properties"]) == PARAMETERS[name].split()
        required = schema["required"]
        assert list(schema["properties"])[: len(required)] == required


def test_definitions_are_short() -> None:
    """A model reads them before its first question."""
    assert len(json.dumps([tool.definition for tool in TOOLS])) < MOST_CHARACTERS
    assert len(INSTRUCTIONS.splitlines()) == 6


def test_the_front_gives_the_server_s_answers(update_golden: bool) -> None:
    """`src/kodit/front/answers.json` has the answers that the server gives to every client, in each
    revision."""
    text = text_of(asyncio.run(snapshot()))
    if update_golden:
        FILE.write_text(text, "utf-8")
    assert FILE.read_text("utf-8") == text


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_only_tools_are_offered(tools: Tools, mode: Mode) -> None:
    """With annotations of their effects, and without prompts or resources."""

    async def ask(application: Application) -> Client:
        async with connected(application, LOCAL_CALLER, mode) as client:
            capabilities = client.server_capabilities
            assert capabilities.tools is not None
            assert (capabilities.prompts, capabilities.resources) == (None, None)
            assert client.instructions == INSTRUCTIONS
            listed = (await client.list_tools()).tools
            hints = {tool.name: tool.annotations for tool in listed}
            for name, hint in hints.items():
                assert hint is not None
                assert hint.read_only_hint is (name != "index")
                assert hint.destructive_hint is (name == "index")
            assert all(tool.output_schema is None for tool in listed)
            return client

    tools.serving.call(ask)


def test_there_is_nothing_to_listen_to() -> None:
    """Without sessions there is no stream to open and nothing to end."""

    async def ask() -> list[int]:
        app = create_mcp_app(cast(Application, None))
        transport = httpx2.ASGITransport(cast(Any, app))
        async with app.running(), httpx2.AsyncClient(transport=transport) as client:
            return [
                (await client.request(method, "http://localhost/mcp")).status_code
                for method in ("GET", "DELETE")
            ]

    assert asyncio.run(ask()) == [405, 405]


def test_nothing_is_left_of_an_event_stream() -> None:
    """After the end of the application: no task that would be destroyed with its event loop."""

    async def ask() -> tuple[str, set[asyncio.Task[Any]]]:
        app = create_mcp_app(cast(Application, None))
        transport = httpx2.ASGITransport(cast(Any, app))
        async with app.running(), httpx2.AsyncClient(transport=transport) as client:
            reply = await client.post(
                "http://localhost/mcp",
                json={"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}},
                headers={"Accept": "application/json, text/event-stream"},
            )
        return reply.headers["content-type"], asyncio.all_tasks() - {asyncio.current_task()}

    content_type, left = asyncio.run(ask())
    assert content_type.startswith("text/event-stream")
    assert not left


def test_progress_is_told_while_an_index_is_waited_for(tools: Tools) -> None:
    """In percent, never backwards."""

    async def ask(application: Application) -> list[tuple[float, float | None]]:
        told: list[tuple[float, float | None]] = []

        async def note(progress: float, total: float | None, message: str | None) -> None:
            told.append((progress, total))

        async with connected(application, LOCAL_CALLER) as client:
            result = await client.call_tool(
                "index", {"source": "1", "wait": 50}, progress_callback=note
            )
            assert "It is up to date." in str(result.content)
        return told

    told = tools.serving.call(ask)
    assert told == sorted(set(told))
    assert told[-1] == (100, 100)
