"""The names of the server, and the pages that may send requests to it.

A page of any site may send requests to this machine, under a name of its own that it resolves to
this machine's address (DNS rebinding). Then neither the name nor the page belongs to the server.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from urllib.parse import urlsplit

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
ANY_ADDRESS = frozenset(("0.0.0.0", "::", ""))  # noqa: S104 - not a host name
_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:(?P<port>[0-9]{1,5}))?")


class HostNames:
    """The names of one server."""

    def __init__(self, bound: str, allowed: Iterable[str]) -> None:
        """`bound` is the host that it listens on, `allowed` are the names added by the operator."""
        names = {*LOCAL_NAMES, bound.strip("[]").lower(), *allowed}
        self._names = frozenset(names - ANY_ADDRESS)

    def has(self, host: str, address: str | None) -> bool:
        """Whether a `Host` header names the server. `address` is the server's own address of the
        connection; no page can bind a name to a literal address."""
        match = _HOST.fullmatch(host)
        if match is None:
            return False
        return _plain(match["name"]) in self._with(address)

    def has_origin(self, origin: str, address: str | None) -> bool:
        """Whether an `Origin` header belongs to a page of this server."""
        try:
            parts = urlsplit(origin)
            name = parts.hostname
        except ValueError:
            return False
        if parts.scheme not in ("http", "https") or name is None:
            return False
        return _plain(name) in self._with(address)

    def _with(self, address: str | None) -> Collection[str]:
        return self._names if address is None else self._names | {address}


def _plain(name: str) -> str:
    return name.strip("[]").lower().removesuffix(".")
