"""Refusals by the server itself, before a face sees the request: problem details of RFC 9457."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]
_PROBLEM_TYPE = (b"content-type", b"application/problem+json")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused request, and the reason in one sentence."""

    status: HTTPStatus
    code: str
    detail: str
    headers: Headers = ()

    async def send(self, send: Send) -> None:
        """Send it as the answer."""
        headers = [_PROBLEM_TYPE, *self.headers]
        await send_json(send, self.status, self._problem(), headers)

    def as_http(self) -> bytes:
        """The whole answer as bytes, after which the connection is closed."""
        body = json.dumps(self._problem()).encode()
        headers = [
            _PROBLEM_TYPE,
            *self.headers,
            (b"content-length", str(len(body)).encode("ascii")),
            (b"connection", b"close"),
        ]
        line = f"HTTP/1.1 {self.status.value} {self.status.phrase}\r\n".encode("ascii")
        fields = b"".join(b"%s: %s\r\n" % (name, value) for name, value in dict(headers).items())
        return line + fields + b"\r\n" + body

    def _problem(self) -> dict[str, object]:
        return {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": self.status.value,
            "detail": self.detail,
            "code": self.code,
        }


def overloaded() -> Refusal:
    """The refusal of a request for lack of memory."""
    return Refusal(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "overloaded",
        "the server is receiving too much data at the moment; try again",
        ((b"retry-after", b"1"),),
    )


async def send_json(send: Send, status: int, answer: Any, headers: Headers = ()) -> None:
    """Send a whole answer in JSON, whose type `headers` may name."""
    await send_body(send, status, json.dumps(answer).encode(), headers)


async def send_body(send: Send, status: int, body: bytes, headers: Headers = ()) -> None:
    """The same for an answer that is encoded already."""
    typed = any(name == b"content-type" for name, _ in headers)
    await send(
        {
            "type": "http.response.start",
            "status": int(status),
            "headers": [
                *(() if typed else ((b"content-type", b"application/json"),)),
                (b"content-length", str(len(body)).encode("ascii")),
                (b"cache-control", b"no-store"),
                *headers,
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})


def header_values(scope: Scope, name: bytes) -> list[str]:
    """All values of a header, which may be repeated."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]
