"""Heads of requests: their maximum length, and the memory of all of them together."""

from __future__ import annotations

import re
import sys
from http import HTTPStatus
from typing import Any

import h11

from kodit.server.limits import Limits
from kodit.server.memory import SMALL_HEAD_BYTES, Share, SharedBytes
from kodit.server.problems import Refusal, overloaded

_END_OF_HEAD = re.compile(rb"\n\r?\n")


class HeadChecks(h11.Connection):
    """The parser of one connection, which checks each head before parsing it. A head counts until
    its answer is complete, together with data that the client has sent ahead."""

    def __init__(self, limits: Limits, heads: SharedBytes) -> None:
        super().__init__(
            h11.SERVER, sys.maxsize
        )  # oversized heads are detected here, with the exact reason
        self._limits = limits
        self._share = Share(heads, SMALL_HEAD_BYTES)
        self._chunks = 0
        self.refusal: Refusal | None = None
        """Why the last request was refused."""
        self.is_held = False
        self.unread = 0
        """How many received bytes do not belong to an event yet."""

    def next_event(self) -> Any:
        """As in h11. Raises RemoteProtocolError for a request that is refused. While `is_held`, the
        chunks of a body are not parsed: that would cost more than refusing their sender."""
        if self.is_held:
            return h11.PAUSED
        if self.their_state is h11.IDLE:
            self._check_head(self.trailing_data[0])
        event = super().next_event()
        if event is h11.NEED_DATA or event is h11.PAUSED:
            self.unread = len(self.trailing_data[0])
            if self.their_state is h11.SEND_BODY and self.unread > self._limits.fields_bytes:
                # The line of a chunk, or the trailer after the last one.
                most = self._limits.fields_bytes
                self._refuse(_fields_too_large("the framing of the body", most))
        elif isinstance(event, h11.Request):
            self.is_held = any(name == b"transfer-encoding" for name, _ in event.headers)
        elif isinstance(event, h11.Data):
            self._chunks += event.chunk_start
            if self._chunks > self._limits.chunks:
                self._refuse(_too_many_chunks(self._limits.chunks))
        return event

    def start_next_cycle(self) -> None:
        """As in h11."""
        self._share.release()
        self._chunks = 0
        super().start_next_cycle()

    def close(self) -> None:
        """Stop counting."""
        self._share.release()

    def _check_head(self, data: bytes) -> None:
        limits = self._limits
        line_end = data.find(b"\n")
        end = None if line_end < 0 else _END_OF_HEAD.search(data, line_end)
        head_bytes = len(data) if end is None else end.end()
        if (head_bytes if line_end < 0 else line_end) > limits.line_bytes:
            self._refuse(_line_too_long(limits.line_bytes))
        if line_end >= 0 and head_bytes - line_end > limits.fields_bytes:
            self._refuse(_fields_too_large("the header", limits.fields_bytes))
        lines = limits.fields + (end is not None)
        if line_end >= 0 and data.count(b"\n", line_end + 1, head_bytes) > lines:
            self._refuse(_too_many_fields(limits.fields))
        if not self._share.hold(len(data)):
            self._refuse(overloaded())

    def _refuse(self, refusal: Refusal) -> None:
        self.refusal = refusal
        raise h11.RemoteProtocolError(refusal.detail, refusal.status)


def _line_too_long(most: int) -> Refusal:
    return Refusal(
        HTTPStatus.REQUEST_URI_TOO_LONG,
        "line_too_long",
        f"the address of the request is longer than {most:,} bytes; send long values in a body",
    )


def _fields_too_large(what: str, most: int) -> Refusal:
    return Refusal(
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        "header_too_large",
        f"{what} is larger than {most:,} bytes",
    )


def _too_many_fields(most: int) -> Refusal:
    return Refusal(
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        "header_too_large",
        f"the request has more than {most} header fields",
    )


def _too_many_chunks(most: int) -> Refusal:
    return Refusal(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "body_too_large",
        f"the body has more than {most:,} chunks",
    )
