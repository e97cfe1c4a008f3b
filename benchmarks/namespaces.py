"""Network namespaces of this machine, as machines whose links can be cut; needs root and iproute2.

The database is in one of its own, each node in another. All are joined by a bridge.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

DATABASE = "kodit-database"
SUBNET = "10.77.0"
ADDRESS = f"{SUBNET}.1"
"""That of the database."""
_BRIDGE = "kodit-bridge"
_INSIDE = "KODIT_BENCHMARK_INSIDE"


def node_name(node: int) -> str:
    """The namespace of a node, which are counted from 0."""
    return f"kodit-node{node}"


def within(name: str) -> list[str]:
    """What precedes a command that runs in a namespace."""
    return ["ip", "netns", "exec", name]


def is_inside() -> bool:
    """Whether this process runs in the namespace of the database."""
    return os.environ.get(_INSIDE) == "1"


def run_inside(nodes: int, module: str, arguments: Sequence[str]) -> int:
    """Run a benchmark in the namespace of the database; returns its exit status."""
    with namespaces(nodes):
        command = [*within(DATABASE), sys.executable, "-m", module, *arguments]
        return subprocess.run(command, env=os.environ | {_INSIDE: "1"}, check=False).returncode


@contextmanager
def namespaces(nodes: int) -> Iterator[None]:
    """The namespaces, for the length of a block."""
    hosts = {DATABASE: 1} | {node_name(node): 11 + node for node in range(nodes)}
    _remove(hosts)
    _ip("link", "add", _BRIDGE, "type", "bridge")
    _ip("link", "set", _BRIDGE, "up")
    try:
        for name, number in hosts.items():
            outside = f"kodit{number}"
            _ip("netns", "add", name)
            _ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", name)
            _ip("link", "set", outside, "master", _BRIDGE, "up")
            _ip("-n", name, "link", "set", "lo", "up")
            _ip("-n", name, "address", "add", f"{SUBNET}.{number}/24", "dev", "eth0")
            _ip("-n", name, "link", "set", "eth0", "up")
        yield
    finally:
        _remove(hosts)


def set_link(name: str, *, is_up: bool) -> None:
    """Cut or heal the link of a namespace. What is sent over a cut one is lost without a word."""
    _ip("-n", name, "link", "set", "eth0", "up" if is_up else "down")


def _remove(hosts: Mapping[str, int]) -> None:
    """A process that is left in a namespace keeps it, but not its link."""
    for name, number in hosts.items():
        for arguments in (("link", "delete", f"kodit{number}"), ("netns", "delete", name)):
            with suppress(subprocess.CalledProcessError):
                _ip(*arguments)
    with suppress(subprocess.CalledProcessError):
        _ip("link", "delete", _BRIDGE)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, stderr=subprocess.DEVNULL)
