"""The addresses of hosts, from this machine's resolver."""

from __future__ import annotations

import socket
from collections.abc import Sequence


class SystemHostResolver:
    """Resolves as git and ssh do: `/etc/hosts` first, then the name server."""

    def addresses(self, host: str) -> Sequence[str]:
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return ()
        return tuple(dict.fromkeys(str(address[0]) for *_, address in found))
