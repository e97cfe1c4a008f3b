"""The protocol: the SDK's server over the eight tools, and its streamable HTTP application."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from mcp.server.caching import CacheHint
from mcp.server.lowlevel.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
)
from starlette.responses import JSONResponse, PlainTextResponse

from kodit.domain import json_rpc
from kodit.domain.caller import Caller
from kodit.faces.mcp.arguments import unknown_tool
from kodit.faces.mcp.calls import Answer
from kodit.faces.mcp.definitions import BY_NAME, INSTRUCTIONS, TOOLS
from kodit.faces.mcp.dispatch import Dispatcher

if TYPE_CHECKING:
    from mcp.server.context import ServerRequestContext
    from starlette.types import Message, Receive, Scope, Send

    from kodit.composition import Application

CALLER = "kodit.caller"
"""The key under which a listener puts the `Caller` into a scope."""
TTL_MILLISECONDS = 3_600_000
"""The tools change only with the program."""
MOST_BODY_BYTES = 1_000_000


class McpApp:
    """An ASGI application for one path. It answers from the start of its lifespan to the end."""

    def __init__(self, application: Application) -> None:
        self._dispatcher = Dispatcher(application)
        self._manager = StreamableHTTPSessionManager(
            make_server(application, self._dispatcher),
            stateless=True,
            max_request_body_size=MOST_BODY_BYTES,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve until the context is left, which ends all calls."""
        try:
            async with self._manager.run():
                yield
            await self._dispatcher.finish()
        finally:
            await _end_watcher_of_streams()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["method"] != "POST":
            # Stateless, so that there is no session to listen to or to end.
            refusal = PlainTextResponse("Use POST.\n", 405, {"Allow": "POST"})
            await refusal(scope, receive, send)
            return
        body = _Body(receive)
        await body.read()
        invalid = _why_refused(body.content) if body.is_whole and _is_json(scope) else None
        if invalid is not None:
            await JSONResponse(invalid, HTTPStatus.BAD_REQUEST)(scope, receive, send)
            return
        await self._manager.handle_request(scope, body, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self.running():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


async def _end_watcher_of_streams() -> None:
    """End the task that the SDK's event streams share. It looks for the end of the server twice a
    second, of which `running` needs no notice, and nothing else would end it."""
    watching = [
        task
        for task in asyncio.all_tasks()
        if getattr(task.get_coro(), "__name__", "") == "_shutdown_watcher"
    ]
    for task in watching:
        task.cancel()
    await asyncio.gather(*watching, return_exceptions=True)


class _Body:
    """Replays the received part of a body, and then passes on what the client sends."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: deque[Message] = deque()
        self.content = b""
        self.is_whole = False

    async def read(self) -> None:
        """Read as much as the SDK accepts."""
        while not self.is_whole and len(self.content) <= MOST_BODY_BYTES:
            message = await self._receive()
            self._messages.append(message)
            if message["type"] != "http.request":
                return
            self.content += message.get("body", b"")
            self.is_whole = not message.get("more_body", False)

    async def __call__(self) -> Message:
        return self._messages.popleft() if self._messages else await self._receive()


def _is_json(scope: Scope) -> bool:
    """Whether the body is JSON; the SDK refuses anything else."""
    kinds = [value for name, value in scope["headers"] if name.lower() == b"content-type"]
    return any(kind.lower().startswith(b"application/json") for kind in kinds)


def _why_refused(body: bytes) -> dict[str, object] | None:
    """The response to a body that is not a JSON-RPC message. The SDK would take a request with a
    malformed identifier for a notification, and describe other errors by its own classes."""
    try:
        message = json_rpc.parse(body)
    except ValueError:
        sentence = "the body cannot be read as JSON in UTF-8"
        return json_rpc.error(None, json_rpc.PARSE_ERROR, sentence)
    invalid = json_rpc.why_invalid(message)
    if invalid is None:
        return None
    return json_rpc.error(json_rpc.id_of(message), json_rpc.INVALID_REQUEST, invalid)


def create_mcp_app(application: Application) -> McpApp:
    """MCP over streamable HTTP, without sessions, in the old handshake and the new revision."""
    return McpApp(application)


def make_server(application: Application, dispatcher: Dispatcher) -> Server[Any]:
    """The SDK's server; it offers tools and nothing else."""

    async def list_tools(
        _context: ServerRequestContext[Any], _params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        return ListToolsResult(tools=_DEFINITIONS)

    async def call_tool(
        context: ServerRequestContext[Any], params: CallToolRequestParams
    ) -> CallToolResult:
        tool = BY_NAME.get(params.name)
        if tool is None:  # for the model, which might not get to see a protocol error
            answer = Answer(unknown_tool(params.name), is_error=True)
        else:
            answer = await dispatcher.answer(
                _caller(application, context),
                tool,
                params.arguments or {},
                context.session.report_progress,
            )
        return CallToolResult(content=[TextContent(text=answer.text)], is_error=answer.is_error)

    hint = CacheHint(TTL_MILLISECONDS, "public")
    return Server(
        "kodit",
        version=version("kodit"),
        title="Kodit",
        instructions=INSTRUCTIONS,
        cache_hints={"tools/list": hint, "server/discover": hint},
        get_tool_input_schema=lambda name: BY_NAME[name].input_schema if name in BY_NAME else None,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _caller(application: Application, context: ServerRequestContext[Any]) -> Caller:
    """The caller, as set by the listener; by default, a remote caller who may only read."""
    scope = getattr(context.request, "scope", {})
    caller = scope.get(CALLER)
    if isinstance(caller, Caller):
        return caller
    return Caller(application.settings.policy_of_remote_callers, may_write=False)


_DEFINITIONS = [Tool.model_validate(tool.definition) for tool in TOOLS]
