"""Looks up the addresses of hosts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class HostResolver(Protocol):
    """Looks up the addresses of hosts. Synchronous."""

    def addresses(self, host: str) -> Sequence[str]:
        """All addresses (IPv4 and IPv6, as text) that programs on this machine would try; empty if
        the host is unknown."""
        ...
