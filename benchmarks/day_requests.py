"""All kinds of requests to a server: how each is made, and which answers are valid."""

from __future__ import annotations

import http.client
import json
import random
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from benchmarks.measuring import kodit, kodit_environment

PATIENCE_SECONDS = 120.0
WORDS = (
    "parse command line arguments",
    "open a connection and read from it",
    "escape text for html",
    "where are sessions refreshed",
    "compile a regular expression",
    "json decode error",
    "retry with back-off",
    "register a type",
)
NAMES = ("Session", "__init__", "Request", "Column", "decode", "Group", "close", "render")
LATEST = "2026-07-28"
OLDER = "2025-06-18"


class WrongAnswerError(Exception):
    """An answer that no client should get."""


@dataclass(frozen=True, slots=True)
class Asker:
    """One client: a persistent TCP connection, and a repeatable random choice."""

    port: int
    data_dir: Path
    folders: Sequence[Path]
    choice: random.Random
    connection: http.client.HTTPConnection

    def get(self, path: str, allowed: tuple[int, ...] = (200,), /, **parameters: Any) -> Any:
        query = urlencode(parameters, doseq=True)
        return self.ask("GET", f"{path}?{query}" if query else path, allowed=allowed)

    def post(self, path: str, body: Mapping[str, Any], allowed: tuple[int, ...] = (200,)) -> Any:
        return self.ask("POST", path, body, allowed)

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        allowed: tuple[int, ...] = (200,),
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The answer, parsed if it is JSON. Raises WrongAnswerError if its status is not
        allowed.
        """
        data = None if body is None else json.dumps(body).encode()
        sent = dict(headers or {}) | ({} if data is None else {"Content-Type": "application/json"})
        for attempt in (1, 2):
            try:
                self.connection.request(method, path, data, sent)
                response = self.connection.getresponse()
                break
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                self.connection.close()  # the server may close an idle connection
                if attempt == 2:
                    raise
        text = response.read()
        if response.status not in allowed:
            raise WrongAnswerError(f"{method} {path}: {response.status} {text[:300]!r}")
        is_json = "json" in (response.getheader("content-type") or "")
        return json.loads(text) if is_json else text.decode()

    def index(self) -> int:
        """The id of an existing index."""
        indexes = self.get("/api/v1/indexes")["indexes"]
        names = {str(folder) for folder in self.folders}
        return int(self.choice.choice([one["id"] for one in indexes if one["source"] in names]))


def _search(asker: Asker) -> None:
    query = asker.choice.choice(WORDS)
    found = asker.get("/api/v1/search", query=query, wait=0, limit=asker.choice.randint(1, 50))
    if not found["results"]:
        raise WrongAnswerError(f"nothing is found for {query!r}")


def _search_in_body(asker: Asker) -> None:
    body = {"query": asker.choice.choice(WORDS) * asker.choice.randint(1, 20), "explain": True}
    found = asker.post("/api/v1/search", body | {"wait": 0})
    if found["next"]:
        asker.post("/api/v1/search", body | {"wait": 0, "cursor": found["next"]}, (200, 400))


def _search_after_changes(asker: Asker) -> None:
    asker.get("/api/v1/search", query=asker.choice.choice(WORDS), wait=1)


def _grep(asker: Asker) -> None:
    pattern = rf"def \w*{asker.choice.choice('abcdefgh')}\w+\("
    asker.post("/api/v1/grep", {"pattern": pattern, "limit": 50, "context": 2})


def _symbols(asker: Asker) -> None:
    asker.get("/api/v1/symbols", name=asker.choice.choice(NAMES))


def _path(asker: Asker, index: int) -> str:
    files = asker.get(f"/api/v1/indexes/{index}/files", limit=100)["files"]
    return quote(asker.choice.choice(files)["path"])


def _read(asker: Asker) -> None:
    index = asker.index()
    asker.get(f"/api/v1/indexes/{index}/files/{_path(asker, index)}", (200, 404, 409))


def _outline(asker: Asker) -> None:
    index = asker.index()
    asker.get(f"/api/v1/indexes/{index}/outline/{_path(asker, index)}", (200, 404, 409))


def _related(asker: Asker) -> None:
    index = asker.index()
    path = _path(asker, index)
    asker.get("/api/v1/related", (200, 404, 409), path=path, source=index, line=1)


def _status(asker: Asker) -> None:
    asker.get(f"/api/v1/indexes/{asker.index()}")


def _runs(asker: Asker) -> None:
    runs = asker.get("/api/v1/runs", limit=20)["runs"]
    if runs:
        asker.get(f"/api/v1/runs/{asker.choice.choice(runs)['id']}", (200, 404))


def _queue(asker: Asker) -> None:
    asker.get("/api/v1/queue")


def _operation(asker: Asker) -> None:
    asker.get(asker.choice.choice(["/metrics", "/healthz", "/readyz", "/docs", "/openapi.json"]))


def _mistake(asker: Asker) -> None:
    asker.get("/api/v1/search", (422,), limit=0)
    asker.get("/api/v1/indexes/999999", (404,))
    asker.post("/api/v1/grep", {"pattern": "("}, (409,))


def _events(asker: Asker) -> None:
    """Open an event stream, read a little, and disconnect abruptly."""
    with socket.create_connection(("127.0.0.1", asker.port), PATIENCE_SECONDS) as connection:
        connection.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        if not connection.recv(1000).startswith(b"HTTP/1.1 200"):
            raise WrongAnswerError("no stream of events")


def _gone_before_the_answer(asker: Asker) -> None:
    with socket.create_connection(("127.0.0.1", asker.port), PATIENCE_SECONDS) as connection:
        path = f"/api/v1/search?query={quote(asker.choice.choice(WORDS))}&limit=500"
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())


def _tool(asker: Asker) -> tuple[str, dict[str, Any]]:
    everywhere = [str(folder) for folder in asker.folders]
    tools: list[tuple[str, dict[str, Any]]] = [
        ("search", {"query": asker.choice.choice(WORDS), "source": everywhere, "wait": 0}),
        ("grep", {"pattern": r"class \w+Error", "source": everywhere}),
        ("symbols", {"name": asker.choice.choice(NAMES), "source": everywhere}),
        ("files", {"source": everywhere[0]}),
        ("indexes", {}),
    ]
    return asker.choice.choice(tools)


def _call(asker: Asker, version: str, meta: Mapping[str, Any]) -> None:
    name, arguments = _tool(asker)
    params = {"name": name, "arguments": arguments, **meta}
    headers = {
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": version,
        "Mcp-Method": "tools/call",
        "Mcp-Name": name,
    }
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    text = asker.ask("POST", "/mcp", message, headers=headers)
    if not isinstance(text, dict):
        [line] = [line for line in text.splitlines() if line.startswith("data:")][-1:]
        text = json.loads(line[5:])
    if text.get("result", {}).get("isError", True):
        raise WrongAnswerError(f"MCP {name}: {text}")


def _call_with_handshake(asker: Asker) -> None:
    params = {
        "protocolVersion": OLDER,
        "capabilities": {},
        "clientInfo": {"name": "day", "version": "1"},
    }
    message = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
    headers = {"Accept": "application/json, text/event-stream"}
    asker.ask("POST", "/mcp", message, headers=headers)
    _call(asker, OLDER, {})


def _call_of_latest_revision(asker: Asker) -> None:
    names = ("protocolVersion", "clientCapabilities", "clientInfo")
    values: tuple[Any, ...] = (LATEST, {}, {"name": "day", "version": "1"})
    meta = {
        f"io.modelcontextprotocol/{name}": value for name, value in zip(names, values, strict=True)
    }
    _call(asker, LATEST, {"_meta": meta})


def _front(asker: Asker) -> None:
    """A stdio front that connects, makes a request, and exits."""
    name, arguments = _tool(asker)
    messages: list[dict[str, Any]] = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": OLDER}},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {
            "jsonrpc": "2.0",
            "id": 2,
            "method": "tools/call",
            "params": {"name": name, "arguments": arguments},
        },
    ]
    with subprocess.Popen(
        kodit("stdio"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=kodit_environment(asker.data_dir),
        cwd=asker.folders[0],
        text=True,
    ) as front:
        assert front.stdin is not None
        assert front.stdout is not None
        for message in messages:
            front.stdin.write(f"{json.dumps(message)}\n")
        front.stdin.flush()
        answer: Any = {}
        for line in front.stdout:
            if (answer := json.loads(line)).get("id") == messages[-1]["id"]:
                break
        front.stdin.close()
    if front.returncode or answer.get("result", {}).get("isError", True):
        raise WrongAnswerError(f"front, {name}: {front.returncode} {answer}")


def _command(asker: Asker) -> None:
    command = kodit("search", asker.choice.choice(WORDS), "--all", "--json")
    subprocess.run(
        command,
        env=kodit_environment(asker.data_dir),
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )


KINDS: Mapping[str, tuple[Callable[[Asker], None], int]] = {
    "search": (_search, 24),
    "search in a body": (_search_in_body, 6),
    "search after changes": (_search_after_changes, 2),
    "grep": (_grep, 8),
    "symbols": (_symbols, 10),
    "read": (_read, 8),
    "outline": (_outline, 4),
    "related": (_related, 4),
    "status": (_status, 6),
    "runs": (_runs, 6),
    "queue": (_queue, 3),
    "operation": (_operation, 4),
    "mistake": (_mistake, 3),
    "events": (_events, 3),
    "gone": (_gone_before_the_answer, 2),
    "MCP, older": (_call_with_handshake, 4),
    "MCP, latest": (_call_of_latest_revision, 6),
    "front": (_front, 1),
    "command": (_command, 1),
}
"""Each with its number among about a hundred requests."""


def make_kind(number: int, choice: random.Random) -> str:
    """The kind of a request: every kind is among the first of a day."""
    names = list(KINDS)
    if number < len(names):
        return names[number]
    return choice.choices(names, [weight for _, weight in KINDS.values()])[0]
