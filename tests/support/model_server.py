"""A real HTTP server that answers as an OpenAI-compatible one, and has bad days on request."""

from __future__ import annotations

import hashlib
import json
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

DIMENSIONS = 32
KEY = "sk-test-0123456789abcdefghijklmnop"


@dataclass(frozen=True)
class Asked:
    """A request, as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float
    port: int
    """The client's, which tells connections apart."""

    @property
    def texts(self) -> list[str]:
        """What was to be embedded, or the code that was to be described."""
        if "input" in self.body:
            return list(self.body["input"])
        return [str(self.body["messages"][-1]["content"])]


@dataclass(frozen=True)
class Reply:
    """An answer other than the right one. With `breaks`, the connection closes before the body is
    complete; with `stalls`, nothing more comes after that many bytes until the test ends."""

    status: int = 200
    body: bytes | Callable[[Asked], bytes] = b""
    headers: dict[str, str] = field(default_factory=dict)
    breaks: bool = False
    stalls: bool = False


def error(status: int, message: str = "a bad day", **headers: str) -> Reply:
    """An error as OpenAI sends it."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps({"error": {"message": message}}).encode(), told)


def vector_of(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """A vector that depends on the words of a text: texts that share words are similar."""
    words = [_vector_of_word(word, dimensions) for word in text.lower().split() or [""]]
    return [round(sum(values), 6) for values in zip(*words, strict=True)]


@cache
def _vector_of_word(word: str, dimensions: int) -> list[float]:
    seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest())
    choice = random.Random(seed)  # noqa: S311 - to be repeated
    return [choice.gauss(0, 1) for _ in range(dimensions)]


class ModelServer:
    """The server. `script` decides about each request: None for the right answer."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.script: Callable[[Asked], Reply | None] = lambda _asked: None
        self.dimensions = DIMENSIONS
        self.describe: Callable[[str], str] = lambda text: f"It deals with {text.split()[-2]}."
        self.count: Callable[[str], int] = lambda text: len(text) // 4 + 1
        self.delay = 0.0
        self._scheme = "http"
        self.most_at_once = 0
        self._now = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def encrypt(self, context: ssl.SSLContext) -> None:
        """Serve new connections by TLS."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._scheme = "https"

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}/v1"

    @property
    def texts(self) -> list[str]:
        """All texts that were asked about."""
        with self._lock:
            return [text for asked in self.asked for text in asked.texts]

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def settings(self, *purposes: str, **others: Any) -> dict[str, Any]:
        """Settings that name this server for these purposes."""
        found: dict[str, Any] = {}
        for purpose in purposes or ("embedding",):
            found |= {
                f"{purpose}_base_url": self.url,
                f"{purpose}_model": f"{purpose}-model",
                f"{purpose}_api_key": KEY,
            }
        return found | others

    def right_answer(self, asked: Asked) -> dict[str, Any]:
        if urlsplit(asked.path).path.endswith("/embeddings"):
            data = [
                {"index": place, "embedding": vector_of(text, self.dimensions)}
                for place, text in enumerate(asked.texts)
            ]
            tokens = sum(map(self.count, asked.texts))
            return {"data": data, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}
        content = self.describe(asked.texts[0])
        tokens = sum(self.count(str(one["content"])) for one in asked.body["messages"])
        return {
            "choices": [{"message": {"content": content}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": tokens, "completion_tokens": len(content) // 4 + 1},
        }

    def _reply(self, asked: Asked) -> Reply:
        with self._lock:
            self.asked.append(asked)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            if self.delay:
                self._over.wait(self.delay)
            reply = self.script(asked)
            if reply is None:
                reply = Reply(body=json.dumps(self.right_answer(asked)).encode())
            return reply
        finally:
            with self._lock:
                self._now -= 1

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
                """Say nothing."""

            def setup(self) -> None:
                super().setup()
                self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(
                    self.path, headers, json.loads(data), time.monotonic(), self.client_address[1]
                )
                reply = server._reply(asked)
                body = reply.body(asked) if callable(reply.body) else reply.body
                self.send_response(reply.status)
                for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body) + reply.breaks + reply.stalls))
                self.end_headers()
                self.wfile.write(body)
                self.wfile.flush()
                if reply.stalls:
                    server._over.wait()
                if reply.breaks or reply.stalls:
                    self.close_connection = True

        return Handler


@contextmanager
def model_server() -> Iterator[ModelServer]:
    """A server for the length of a block."""
    server = ModelServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


def first(count: int, *replies: Reply, path: str = "") -> Callable[[Asked], Reply | None]:
    """A script: these replies in turn for the first `count` requests, then the right answers."""
    lock = threading.Lock()
    seen = 0

    def script(asked: Asked) -> Reply | None:
        nonlocal seen
        if path and not asked.path.endswith(path):
            return None
        with lock:
            seen += 1
            return replies[(seen - 1) % len(replies)] if seen <= count else None

    return script


def repeated(texts: Sequence[str]) -> list[str]:
    """The texts that occur more than once."""
    return sorted({text for text in texts if texts.count(text) > 1})
