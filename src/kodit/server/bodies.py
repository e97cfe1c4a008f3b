"""Bodies of requests: read completely before any work starts, within limits of size, time and
memory."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from kodit.server.limits import Limits
from kodit.server.memory import SMALL_BODY_BYTES, Share, SharedBytes
from kodit.server.problems import Receive, Refusal, Scope, header_values, overloaded


class ClientGoneError(Exception):
    """The client has closed the connection."""


class Body:
    """One body, which frees its memory when it is closed."""

    def __init__(self, limits: Limits, bodies: SharedBytes) -> None:
        self._limits = limits
        self._share = Share(bodies, SMALL_BODY_BYTES)
        self._content = bytearray()
        self._most = limits.body_bytes
        self._size = 0

    @property
    def content(self) -> bytes:
        """The received bytes."""
        return bytes(self._content)

    async def receive(self, scope: Scope, receive: Receive) -> Refusal | None:
        """Read all of it, or return why it is refused. Raises ClientGoneError."""
        if any("json" in kind for kind in header_values(scope, b"content-type")):
            self._most = max(self._most, self._limits.sent_body_bytes)
        lengths = header_values(scope, b"content-length")
        if any(int(length) > self._most for length in lengths):
            return self._too_large()
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                return await self._receive(receive)
        except TimeoutError:
            return Refusal(
                HTTPStatus.REQUEST_TIMEOUT,
                "body_too_slow",
                f"the body did not arrive within {self._limits.body_seconds:g} s",
                ((b"connection", b"close"),),
            )

    async def _receive(self, receive: Receive) -> Refusal | None:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            self._add(message.get("body", b""))
            if len(self._content) > self._most or self._size > self._limits.body_bytes:
                return self._too_large()
            if not self._share.hold(len(self._content)):
                return overloaded()
            if not message.get("more_body", False):
                return None

    def _add(self, piece: bytes) -> None:
        self._content += piece
        self._size += len(piece)
        if self._most > self._limits.body_bytes:
            # Five bytes of each escape do not count, even if an escape is split between pieces.
            before = self._content[-len(piece) - 1 : -len(piece)] if piece else b""
            self._size -= 5 * (before + piece).count(b"\\u")

    def close(self) -> None:
        """Free its memory."""
        self._share.release()
        self._content.clear()

    def _too_large(self) -> Refusal:
        return Refusal(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "body_too_large",
            f"the body is larger than {self._limits.body_bytes:,} bytes",
        )


def why_unclear(scope: Scope) -> Refusal | None:
    """Why a request is refused whose end is ambiguous: a proxy in front of the server might trust
    the length, and take a part of this request for the next one."""
    if header_values(scope, b"content-length") and header_values(scope, b"transfer-encoding"):
        return Refusal(
            HTTPStatus.BAD_REQUEST,
            "request_invalid",
            "a request may have Content-Length or Transfer-Encoding, but not both",
            ((b"connection", b"close"),),
        )
    return None
