"""Kinds of blocking work, each with its own threads."""

from __future__ import annotations

from enum import Enum


class Lane(Enum):
    """Groups of threads that do not wait for each other: a read never waits behind a write that
    waits for its turn, and a heartbeat waits behind neither. The value is the number of threads."""

    READS = ("reads", 8)
    SEARCHES = ("searches", 3)
    """Long computations: more threads would only compete for the interpreter, without finishing
    sooner, and delay the event loop."""
    LOOKUPS = ("lookups", 1)
    """Of names, never two at once, not even in the warm thread: almost all of their time is the
    interpreter's, and each holds thousands of snippets meanwhile."""
    WRITES = ("writes", 4)
    HEARTBEATS = ("heartbeats", 2)
    FILES = ("files", 8)
    """Files, locks and other blocking calls."""
