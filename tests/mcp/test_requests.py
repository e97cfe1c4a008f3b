"""Requests to the server: callers and sizes."""

from __future__ import annotations

from typing import Any, cast

import httpx2
from tests.mcp.conftest import Tools, connected, text_of

from kodit.composition import Application
from kodit.domain.caller import LOCAL_CALLER, Caller
from kodit.faces.mcp.dispatch import SECONDS_OF_A_CALL
from kodit.faces.mcp.server import MOST_BODY_BYTES, create_mcp_app


def test_a_call_without_arguments_is_one_with_none(tools: Tools) -> None:
    async def ask(application: Application) -> list[Any]:
        async with connected(application, LOCAL_CALLER) as client:
            return [await client.call_tool(name) for name in ("indexes", "search")]

    listed, refused = tools.serving.call(ask)
    assert "[1]" in text_of(listed)
    assert text_of(refused).startswith("`search` needs `query`.")


def test_who_calls_without_a_listener_may_only_read(tools: Tools) -> None:
    async def ask(application: Application) -> Any:
        async with connected(application, cast(Caller, None)) as client:
            return await client.call_tool("index", {"source": "1", "action": "delete"})

    refused = tools.serving.call(ask)
    assert refused.is_error
    assert text_of(refused) == "This key can only read."


def test_a_call_may_take_as_long_as_is_promised() -> None:
    app = create_mcp_app(cast(Application, None))
    assert app._dispatcher._seconds_of_a_call == SECONDS_OF_A_CALL


def test_bodies_of_requests(tools: Tools) -> None:
    """JSON of limited size, with any spelling of its type; there is no session, and requests other
    than POST get advice."""
    ping = b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"x":"%s"}}}'
    accept = {"Accept": "application/json, text/event-stream"}

    async def ask(application: Application) -> list[httpx2.Response]:
        app = create_mcp_app(application)

        async def pieces(of: bytes) -> Any:
            for start in range(0, len(of), 400_000):
                yield of[start : start + 400_000]

        async with (
            app.running(),
            httpx2.AsyncClient(transport=httpx2.ASGITransport(cast(Any, app))) as client,
        ):
            return [
                await client.request(method, "http://localhost/mcp", content=body, headers=headers)
                for method, body, headers in (
                    ("GET", b"", accept),
                    ("POST", b"{}", {"Content-Type": "APPLICATION/Json;charset=utf-8", **accept}),
                    ("POST", b"{}", {"Content-Type": "text/plain", **accept}),
                    ("POST", b"{}", accept),
                    (
                        "POST",
                        pieces(ping % (b"x" * MOST_BODY_BYTES)),
                        {"Content-Type": "application/json", **accept},
                    ),
                    (
                        "POST",
                        pieces(b"x" * 3 * MOST_BODY_BYTES),
                        {"Content-Type": "application/json", **accept},
                    ),
                    ("POST", ping % b"x", {"Content-Type": "application/json", **accept}),
                )
            ]

    replies = tools.serving.call(ask)
    assert [reply.status_code for reply in replies] == [405, 400, 400, 400, 413, 413, 200]
    assert (replies[0].headers["allow"], replies[0].text) == ("POST", "Use POST.\n")
    assert replies[1].json()["error"]["code"] == -32600
    for reply in replies[2:4]:
        assert reply.text.startswith("Invalid Content-Type")
    assert "mcp-session-id" not in replies[-1].headers


def test_a_client_that_goes_away_while_it_sends(tools: Tools) -> None:
    """The server does not wait for the rest."""

    async def ask(application: Application) -> list[Any]:
        app = create_mcp_app(application)
        messages = [
            {"type": "http.request", "body": b"{", "more_body": True},
            {"type": "http.disconnect"},
        ]
        sent: list[Any] = []

        async def receive() -> Any:
            return messages.pop(0) if len(messages) > 1 else messages[0]

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/mcp",
            "query_string": b"",
            "headers": [(b"content-type", b"application/json"), (b"host", b"localhost")],
        }
        async with app.running():
            await app(scope, receive, send)
        return sent

    assert tools.serving.call(ask) is not None
