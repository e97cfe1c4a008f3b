"""Fetching sources added by remote callers only from hosts on the public internet.

The host's addresses were checked when the source was added, but the owner of the name may since
have pointed it at this machine. So they are looked up again before each run of git, git is told
which addresses to use, and redirects are not followed, since they could lead to any host. git://
and ssh resolve the name themselves a moment later.
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
    """Within the context git connects only to public addresses of the source's host.

    Raises RefusedByPolicyError if the host has other addresses, TransientError if it has none at
    the moment.
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
