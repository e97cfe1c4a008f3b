"""Ports of this machine without a server."""

from __future__ import annotations

import socket

_held: list[socket.socket] = []
"""A bound port is given to no other process, as long as this process lives."""


def port_without_server() -> int:
    """A port at which every connection is refused."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    _held.append(bound)
    return int(bound.getsockname()[1])


def free_port() -> int:
    """A port that was free a moment ago, for a program that cannot choose one by itself."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])
