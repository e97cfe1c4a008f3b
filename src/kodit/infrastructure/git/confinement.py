"""Fetching what a caller over the network has added: from hosts of the public internet alone.

The host was looked up when it was added; whoever owns the name may since have it lead to this
machine. So it is looked up again before each time git is run, git is told the addresses that were
found, and no redirect is followed, which could lead to any host. git:// and ssh look the name up by
themselves a moment later.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from kodit.domain.policy import CallerPolicy
from kodit.domain.ports.hosts import HostResolver
from kodit.domain.value_objects import Source
from kodit.infrastructure.git.errors import unreachable
from kodit.infrastructure.git.runner import overriding
from kodit.infrastructure.hosts import SystemHostResolver

_PORTS = {"http": 80, "https": 443}


@contextlib.contextmanager
def confined_to_public_hosts(source: Source, hosts: HostResolver | None = None) -> Iterator[None]:
    """Within the context git connects to public addresses of the source's host alone.

    Raises RefusedByPolicyError where it has others, TransientError where it has none just now.
    """
    policy = CallerPolicy()
    policy.check_source(source)
    host = policy.host_to_look_up(source)
    if host is None:
        yield
        return
    addresses = (hosts or SystemHostResolver()).addresses(host)
    if not addresses:
        raise unreachable(source, f"no address of {host} is known")
    policy.check_addresses(host, addresses)
    with connected_to(source.location, addresses):
        yield


@contextlib.contextmanager
def connected_to(location: str, addresses: Sequence[str]) -> Iterator[None]:
    """Within the context git connects to these addresses for an http or https URL, and follows no
    redirect."""
    parts = urlsplit(location) if "://" in location else None
    if parts is None or parts.scheme not in _PORTS:
        yield
        return
    port = parts.port or _PORTS[parts.scheme]
    written = ",".join(f"[{one}]" if ":" in one else one for one in addresses)
    resolved = f"http.curloptResolve={parts.hostname}:{port}:{written}"
    with overriding("http.followRedirects=false", resolved):
        yield
