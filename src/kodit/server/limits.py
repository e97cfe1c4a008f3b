"""Limits on what one client may use of the server."""

from __future__ import annotations

import resource
from contextlib import suppress
from dataclasses import dataclass

MOST_DESCRIPTORS = 16_384
_FEWER_DESCRIPTORS = (10_240, 4_096, 1_024)
_OTHER_DESCRIPTORS = 256
"""For the database, engines, child processes and logs."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds, sizes in bytes."""

    connections: int = 1000
    """Of all clients. For a new one beyond that, the connection that has waited longest for a
    request is closed, strangers first."""
    started_at_once: int = 8
    """How many requests start in one turn of the event loop."""
    header_seconds: float = 10.0
    """From the first byte of a connection or request to the end of its header."""
    stranger_seconds: float = 15.0
    """How long a connection over TCP may stay without an admitted request, from its start or its
    last health check."""
    line_bytes: int = 262_144
    """Of a request's first line: the longest accepted query fits."""
    fields_bytes: int = 65_536
    """Of all header fields of a request."""
    fields: int = 100
    heads_bytes: int = 16_000_000
    """Of the heads of all requests that are being received or answered, and of data sent ahead of
    an answer, except the first 16 KB of each connection."""
    body_seconds: float = 20.0
    """From the end of the header to the end of the body."""
    body_bytes: int = 1_000_000
    """Of a body; an escape in JSON, such as `\\u00e9`, counts as one byte."""
    sent_body_bytes: int = 2_500_000
    """Of a body in JSON as sent: the longest accepted query fits, even if escaped."""
    chunks: int = 10_000
    """Of a body without a declared length."""
    bodies_bytes: int = 64_000_000
    """Of all bodies that are being received or answered, except the first 64 KB of each."""
    request_seconds: float = 48.0
    """From the complete request to its answer, less than the 50 promised to clients."""
    progress_seconds: float = 8.0
    """How much longer an answer may take that reports progress meanwhile."""
    streams: int = 200
    """Of events, which last as long as their clients read."""
    write_seconds: float = 30.0
    """How long a client may read nothing of an answer that is ready for it."""
    keep_alive_seconds: float = 60.0
    """How long a connection over TCP may wait for its next request."""
    linger_seconds: float = 5.0
    """How long a connection may take to close."""
    sweep_seconds: float = 1.0
    """How often connections are checked, while there are any."""
    stop_seconds: float = 60.0
    """How long answers may take after the server was told to stop."""


def allow_many_descriptors() -> int:
    """Raise this process's limit of open files as far as possible; returns how many connections
    that allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        # macOS reports an infinite limit and refuses more than 10,240.
        for descriptors in (wanted, *(some for some in _FEWER_DESCRIPTORS if soft < some < wanted)):
            with suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, hard))
                break
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST_DESCRIPTORS
    return max(16, (soft - _OTHER_DESCRIPTORS) // 2)
