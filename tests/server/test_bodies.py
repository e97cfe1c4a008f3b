"""Bodies of requests, piece by piece: limits, counting, and freed memory."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.support.listening import patiently

from kodit.server.bodies import Body, ClientGoneError, why_unclear
from kodit.server.limits import Limits
from kodit.server.memory import SMALL_BODY_BYTES, Share, SharedBytes
from kodit.server.problems import Message, Refusal, Scope

LIMITS = replace(Limits(), body_bytes=20, sent_body_bytes=50)
JSON, TEXT = "application/json; charset=utf-8", "text/plain"


def request(kind: str, *lengths: int, **more: str) -> Scope:
    headers = {"content-type": kind, **more}
    fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"headers": [*fields, *((b"content-length", str(one).encode()) for one in lengths)]}


def received(
    body: Body, scope: Scope, pieces: Sequence[bytes], *, is_gone: bool = False
) -> Refusal | None:
    """Why a body is refused that arrives in these pieces, after which the client may have
    disconnected."""
    left = list(pieces)

    async def receive() -> Message:
        if not left and is_gone:
            return {"type": "http.disconnect"}
        piece = left.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(left) or is_gone}

    async def run() -> Refusal | None:
        return await body.receive(scope, receive)

    found: list[Refusal | None] = []

    async def note() -> None:
        found.append(await run())

    patiently(note())
    return found[0]


@pytest.mark.parametrize(
    ("kind", "pieces", "is_taken"),
    [
        (TEXT, [b"a" * 20], True),
        (TEXT, [b"a" * 21], False),
        (TEXT, [b"a" * 10, b"b" * 11], False),
        (TEXT, [b"\\u00e9" * 4], False),
        (JSON, [b"a" * 20], True),
        (JSON, [b"a" * 21], False),
        (JSON, [b"\\u00e9" * 8, b"aa"], True),
        (JSON, [b"\\u00e9" * 9], False),
        (JSON, [b"\\u00e9" * 2 + b"\\", b"u00e9", b"a" * 17], True),
        (JSON, [b"\\u00e9" * 3, b"", b"a" * 17], True),
        (JSON, [b"\\u00e9" * 3, b"", b"a" * 18], False),
    ],
)
@pytest.mark.parametrize("tells_length", [True, False])
def test_how_large_a_body_may_be(
    kind: str, pieces: list[bytes], *, is_taken: bool, tells_length: bool
) -> None:
    """An escape in JSON counts as one byte, wherever the pieces meet; the sent bytes have a limit
    of their own."""
    body = Body(LIMITS, SharedBytes(0))
    lengths = [sum(map(len, pieces))] if tells_length else []
    refusal = received(body, request(kind, *lengths), pieces)
    assert (refusal is None) is is_taken
    if refusal is None:
        assert body.content == b"".join(pieces)
    else:
        assert (refusal.status, refusal.code) == (413, "body_too_large")
        assert refusal.detail == "the body is larger than 20 bytes"
    body.close()
    assert body.content == b""


def test_a_client_that_goes_away_in_a_body() -> None:
    """An incomplete body is not used."""
    body = Body(LIMITS, SharedBytes(0))
    with pytest.raises(ClientGoneError):
        received(body, request(TEXT), [b"half"], is_gone=True)


def test_a_body_that_does_not_come_in_time() -> None:
    """Nothing more is read on its connection."""
    body = Body(replace(LIMITS, body_seconds=0.001), SharedBytes(0))
    found: list[Refusal | None] = []

    async def run() -> None:
        found.append(await body.receive(request(TEXT), asyncio.Event().wait))  # type: ignore[arg-type] # never

    patiently(run())
    [refusal] = found
    assert refusal is not None
    assert (refusal.status, refusal.code) == (408, "body_too_slow")
    assert refusal.detail == "the body did not arrive within 0.001 s"
    assert refusal.headers == ((b"connection", b"close"),)


def test_large_bodies_share_their_memory() -> None:
    """Small bodies do not count, and a closed one frees its part."""
    shared = SharedBytes(100)
    limits = replace(Limits(), body_bytes=1_000_000)
    small, first, second, third = (Body(limits, shared) for _ in range(4))
    assert received(small, request(TEXT), [b"a" * SMALL_BODY_BYTES]) is None
    assert shared.left == 100
    assert received(first, request(TEXT), [b"a" * SMALL_BODY_BYTES, b"a" * 60]) is None
    assert shared.left == 40
    refusal = received(second, request(TEXT), [b"a" * (SMALL_BODY_BYTES + 41)])
    assert refusal is not None
    assert (refusal.status, refusal.code, refusal.headers) == (
        503,
        "overloaded",
        ((b"retry-after", b"1"),),
    )
    first.close()
    assert shared.left == 100
    second.close()
    assert received(third, request(TEXT), [b"a" * (SMALL_BODY_BYTES + 100)]) is None
    assert shared.left == 0
    for body in (third, small):
        body.close()
    assert shared.left == 100


def test_a_share_holds_what_it_can() -> None:
    shared = SharedBytes(10)
    share, other = Share(shared, 5), Share(shared, 5)
    assert share.hold(15)
    assert not other.hold(6)
    assert other.hold(5)
    assert share.hold(12)
    assert shared.left == 3
    shared.take(3)
    shared.take(2)  # more than there are
    assert not share.hold(13)
    assert share.hold(11)  # less than before may always be held
    assert shared.left == -1
    share.release()
    assert shared.left == 5


def test_a_request_with_two_lengths_is_refused() -> None:
    assert why_unclear(request(TEXT, 3)) is None
    assert why_unclear(request(TEXT, transfer_encoding="chunked")) is None
    both = why_unclear(request(TEXT, 3, transfer_encoding="chunked"))
    assert both is not None
    assert (both.status, both.code) == (400, "request_invalid")
    assert both.headers == ((b"connection", b"close"),)
