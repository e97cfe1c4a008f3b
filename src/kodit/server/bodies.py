"""Bodies of requests: read whole before anybody works, within limits of size, time and memory."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from kodit.server.limits import Limits
from kodit.server.problems import Receive, Refusal, Scope, header_values

SMALL_BYTES = 65_536
"""So much of each body is not counted: many large ones keep no small one out."""


class ClientGoneError(Exception):
    """Nobody waits for the answer."""


class Bodies:
    """The memory that the bodies of one way in take together."""

    def __init__(self, most: int) -> None:
        self._left = most

    @property
    def left(self) -> int:
        """How many bytes may still come."""
        return self._left

    def take(self, size: int) -> None:
        self._left -= size


class Body:
    """One body, which gives back its memory when it is closed."""

    def __init__(self, limits: Limits, bodies: Bodies) -> None:
        self._limits = limits
        self._bodies = bodies
        self._content = bytearray()
        self._counted = 0

    @property
    def content(self) -> bytes:
        """What has come."""
        return bytes(self._content)

    async def receive(self, scope: Scope, receive: Receive) -> Refusal | None:
        """Read all of it, or say why it is not read. Raises ClientGoneError."""
        lengths = header_values(scope, b"content-length")
        if any(int(length) > self._limits.body_bytes for length in lengths):
            return self._too_large()
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                return await self._receive(receive)
        except TimeoutError:
            return Refusal(
                HTTPStatus.REQUEST_TIMEOUT,
                "body_too_slow",
                f"the body has not come within {self._limits.body_seconds:g} s",
                ((b"connection", b"close"),),
            )

    async def _receive(self, receive: Receive) -> Refusal | None:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            self._content += message.get("body", b"")
            if len(self._content) > self._limits.body_bytes:
                return self._too_large()
            more = max(0, len(self._content) - SMALL_BYTES) - self._counted
            if more > self._bodies.left:
                return _overloaded()
            self._bodies.take(more)
            self._counted += more
            if not message.get("more_body", False):
                return None

    def close(self) -> None:
        """Forget it."""
        self._bodies.take(-self._counted)
        self._counted = 0
        self._content.clear()

    def _too_large(self) -> Refusal:
        return Refusal(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "body_too_large",
            f"the body is larger than {self._limits.body_bytes:,} bytes",
        )


def why_unclear(scope: Scope) -> Refusal | None:
    """Why a request is refused of which nobody knows where it ends: a proxy in front of the server
    might believe the length, and take for the next request what is a part of this one."""
    if header_values(scope, b"content-length") and header_values(scope, b"transfer-encoding"):
        return Refusal(
            HTTPStatus.BAD_REQUEST,
            "request_invalid",
            "a request has Content-Length or Transfer-Encoding, not both",
            ((b"connection", b"close"),),
        )
    return None


def _overloaded() -> Refusal:
    return Refusal(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "overloaded",
        "the server has too much to read at the moment; try again",
        ((b"retry-after", b"1"),),
    )
