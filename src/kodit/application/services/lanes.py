"""Kinds of work that threads do."""

from __future__ import annotations

from enum import Enum


class Lane(Enum):
    """Threads that do not wait for each other: a read is never behind a write that waits for its
    turn, and a heartbeat is behind neither. The value is the number of threads."""

    READS = ("reads", 8)
    SEARCHES = ("searches", 3)
    """What computes for long: more at once would take the interpreter from each other, be none the
    sooner for it, and keep the event loop waiting for its turn."""
    WRITES = ("writes", 4)
    HEARTBEATS = ("heartbeats", 2)
    FILES = ("files", 8)
    """Files, locks and whatever else blocks."""
