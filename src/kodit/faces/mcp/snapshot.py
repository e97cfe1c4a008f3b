"""The answers that are the same for every client, for each revision of the protocol: the front of
`kodit stdio` gives them itself. `python -m kodit.faces.mcp.snapshot` rewrites them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from kodit.faces.mcp.server import McpApp

if TYPE_CHECKING:
    from starlette.types import Message

    from kodit.composition import Application

FILE = Path(__file__).parents[2] / "front" / "answers.json"
_META = "io.modelcontextprotocol/"


async def snapshot() -> dict[str, Any]:
    """By revision and method, the results as they are sent."""
    # None of these answers depends on an application.
    app = McpApp(cast("Application", None))
    versions: dict[str, dict[str, Any]] = {}
    async with app.running():
        for version in HANDSHAKE_PROTOCOL_VERSIONS:
            client = {"name": "snapshot", "version": "1"}
            hello = {"protocolVersion": version, "capabilities": {}, "clientInfo": client}
            versions[version] = {
                "initialize": await _ask(app, version, "initialize", hello),
                "tools/list": await _ask(app, version, "tools/list", {}),
            }
        for version in MODERN_PROTOCOL_VERSIONS:
            meta = {f"{_META}protocolVersion": version, f"{_META}clientCapabilities": {}}
            versions[version] = {
                method: await _ask(app, version, method, {"_meta": meta})
                for method in ("server/discover", "tools/list")
            }
    return {"versions": versions}


async def _ask(app: McpApp, version: str, method: str, params: dict[str, Any]) -> dict[str, Any]:
    """The result of one request, as a client over HTTP receives it."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    headers = {
        "host": "localhost",
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": version,
        "mcp-method": method,
    }
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/mcp",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    sent = bytearray()
    is_read, is_answered = False, asyncio.Event()

    async def receive() -> Message:
        nonlocal is_read
        if is_read:
            await is_answered.wait()
            return {"type": "http.disconnect"}
        is_read = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.extend(message.get("body", b""))
        if message["type"] == "http.response.body" and not message.get("more_body"):
            is_answered.set()

    await app(scope, receive, send)
    lines = sent.decode().splitlines()
    data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    answer = json.loads(data[-1] if data else sent)
    result: dict[str, Any] = answer["result"]
    return result


def text_of(answers: dict[str, Any]) -> str:
    """The text of the file: one line per method, so that a change can be reviewed."""
    lines = ["{", '  "versions": {']
    versions = list(answers["versions"].items())
    for number, (version, methods) in enumerate(versions):
        lines.append(f"    {json.dumps(version)}: {{")
        for position, (method, result) in enumerate(methods.items()):
            comma = "," if position + 1 < len(methods) else ""
            lines.append(f"      {json.dumps(method)}: {json.dumps(result)}{comma}")
        lines.append("    }," if number + 1 < len(versions) else "    }")
    return "\n".join([*lines, "  }", "}", ""])


if __name__ == "__main__":
    FILE.write_text(text_of(asyncio.run(snapshot())), "utf-8")
