"""What a caller may name: folders, addresses and references to secrets.

A caller on this machine, as the same user, may name everything that this user may. A caller over
the network may not: this machine's files, its private network and its secrets are closed to that
caller unless the operator has opened them. Nothing here reads a disk or a network; the facts needed
from there (a folder with its symbolic links resolved, the addresses of a host) are passed in.
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Self
from urllib.parse import urlsplit

from kodit.domain.errors import RefusedByPolicyError, SourceError
from kodit.domain.source import Source, SourceKind

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(//|:)")
SCP_LIKE = re.compile(
    r"(?P<user>[^@/:\s]+)@(?P<host>\[[0-9A-Fa-f:.]+\]|[^@/:\s\[]+):(?P<path>[^:].*)"
)
"""`user@host:path`, as ssh and scp accept it."""
_LIKE_A_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_NUMBER = re.compile(
    r"0[xX](?P<hexadecimal>[0-9a-fA-F]+)|(?P<octal>0[0-7]*)|(?P<decimal>[1-9][0-9]*)"
)
_SPECIAL_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback")
_EMBEDDING = (
    # IPv6 prefixes that carry the address of an IPv4 host in their last bits.
    ipaddress.IPv6Network("::/96"),
    ipaddress.IPv6Network("::ffff:0:0/96"),
    ipaddress.IPv6Network("::ffff:0:0:0/96"),
    ipaddress.IPv6Network("64:ff9b::/96"),
)
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_SPECIAL = tuple(
    # The special-purpose registries of IANA (RFC 6890), in full, because Python's own list differs
    # between versions. Globally reachable ranges are included: such an address may be answered by
    # the local network, and no git server has one.
    map(
        ipaddress.ip_network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
            *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24"),
            *("192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24"),
            *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
            *("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20"),
        ),
    )
)


@dataclass(frozen=True, slots=True)
class AllowedCredentials:
    """A reference that callers over the network may use, for one host (with its port, if given) or,
    if `host` is None, for any host."""

    reference: str
    host: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Parses `env:NAME` or `NAME`, each with or without `@HOST` or `@HOST:PORT`; None for
        anything else."""
        name, at, host = text.partition("@")
        reference = name if name.startswith("env:") else f"env:{name}"
        if _REFERENCE.fullmatch(reference) is None or (at and not host):
            return None
        return cls(reference, host.lower() or None)


@dataclass(frozen=True, slots=True)
class CallerPolicy:
    """What one kind of caller may name. `allowed_roots` are absolute, with every symbolic link
    resolved."""

    is_free: bool = False
    allowed_roots: tuple[PurePath, ...] = ()
    allow_private_addresses: bool = False
    allowed_credentials: tuple[AllowedCredentials, ...] = ()

    def check_typed(self, text: str) -> None:
        """Refuse a source as it was typed, before the disk is read: a caller over the network may
        not find out whether a path exists. A path must be absolute, since the server's current
        folder is not the caller's. Raises RefusedByPolicyError."""
        if self.is_free:
            return
        scheme = _SCHEME.match(text)
        if scheme is not None:
            if text[: scheme.end(0)].lower() == "file://":
                raise _refused_file_url(text)
        elif SCP_LIKE.fullmatch(text) is None:
            self.check_folder(posixpath.normpath(text), text)

    def check_source(self, source: Source) -> None:
        """Refuse a source by its location: a folder with every symbolic link resolved, or a git URL
        by its host, as far as that needs no look-up. Raises RefusedByPolicyError."""
        if self.is_free:
            return
        if source.kind is SourceKind.FOLDER:
            self.check_folder(source.location, source.location)
        elif source.location.lower().startswith("file:"):
            raise _refused_file_url(source.location)
        elif not self.allow_private_addresses:
            _check_host(host_of(source.location))

    def host_to_look_up(self, source: Source) -> str | None:
        """The host whose addresses `check_addresses` needs; None if no look-up is needed."""
        if self.is_free or self.allow_private_addresses or source.kind is SourceKind.FOLDER:
            return None
        return host_of(source.location)

    def confines(self, source: Source) -> bool:
        """Whether sources that this caller adds stay confined to hosts of the public internet,
        because a name may resolve to another address later than at its first look-up."""
        return self.host_to_look_up(source) is not None

    def is_remote(self, source: Source) -> bool:
        """Whether sources that this caller adds are fetched with the rules for callers over the
        network."""
        return not self.is_free and source.kind is SourceKind.GIT

    def check_addresses(self, host: str, addresses: Sequence[str]) -> None:
        """Refuse a host if any of its addresses is not on the public internet. Raises
        RefusedByPolicyError, and SourceError for a host without addresses."""
        if not addresses:
            raise SourceError(f"the host {host} has no address; nothing can be fetched from it")
        for address in addresses:
            if not is_public(ipaddress.ip_address(address.partition("%")[0])):
                raise _refused_host(host)

    def check_reference(self, reference: str, source: Source) -> None:
        """Refuse a reference to a secret of this machine. Raises RefusedByPolicyError."""
        if self.is_free:
            return
        places: set[str | None] = {None}
        if source.kind is SourceKind.GIT:
            places |= {host_of(source.location), urlsplit(source.location).netloc.lower()}
        if not any(
            allowed.reference == reference and allowed.host in places
            for allowed in self.allowed_credentials
        ):
            # An invalid reference may be the secret itself.
            named = reference if _REFERENCE.fullmatch(reference) else "env:…"
            raise RefusedByPolicyError(
                f"{named} may not be used for this source by a caller over the network; "
                "KODIT_ALLOWED_CREDENTIALS lists what is allowed",
                what="credentials",
                value=named,
            )

    def check_folder(self, path: str, typed: str) -> None:
        """Refuse a folder by its path with every symbolic link resolved. The sentence names the
        folder as typed, because the target of a link must not be revealed. Raises
        RefusedByPolicyError."""
        if self.is_free:
            return
        folder = PurePath(path)
        if not folder.is_absolute() or not any(
            folder.is_relative_to(root) for root in self.allowed_roots
        ):
            raise refused_folder(typed, f"the folder {typed}")


LOCAL = CallerPolicy(is_free=True)
"""The policy for callers who are the user of this machine."""


def host_of(location: str) -> str:
    """The host of a git URL or of `user@host:path`, in lower case and without brackets; empty if
    there is none."""
    if "://" in location:
        return (urlsplit(location).hostname or "").lower()
    match = SCP_LIKE.fullmatch(location)
    return match["host"].strip("[]").lower() if match else ""


def is_public(address: Address) -> bool:
    """Whether an address, and any IPv4 address embedded in it, is on the public internet."""
    if isinstance(address, ipaddress.IPv6Address):
        embedded = [address.sixtofour, *(address.teredo or ())]
        if any(address in network for network in _EMBEDDING):
            embedded.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if found := [one for one in embedded if one is not None]:
            return all(is_public(one) for one in found)
        if address not in _GLOBAL_UNICAST:
            return False
    if any(address in network for network in _SPECIAL if network.version == address.version):
        return False
    return address.is_global and not address.is_multicast


def _check_host(host: str) -> None:
    """Refuse a host that is private by its name, in any spelling of an address."""
    name = host.rstrip(".")
    if not name.isascii():
        # Programs disagree on how to read such a name, and so on the host it leads to.
        raise RefusedByPolicyError(
            f"the host {host} has letters beyond ASCII; write it as xn--…", what="host", value=host
        )
    if not name or name in _SPECIAL_NAMES or name.endswith(".localhost"):
        raise _refused_host(host)
    address = _literal(name)
    if address is not None and not is_public(address):
        raise _refused_host(host)


def _literal(name: str) -> Address | None:
    """The address that a host is written as, in the forms of inet_aton(3): one to four numbers,
    decimal, octal or hexadecimal, the last of which fills all remaining bytes."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        pass
    *front, last = name.split(".")
    if _LIKE_A_NUMBER.fullmatch(last) is None:
        return None
    numbers = [_number(part) for part in (*front, last)]
    value = 0
    for number in numbers[:-1]:
        if number is None or number > 0xFF:
            raise _refused_host(name)  # ends with a number but is not an address
        value = value << 8 | number
    bits = 8 * (5 - len(numbers))
    if bits < 8 or numbers[-1] is None or numbers[-1] >= 1 << bits:
        raise _refused_host(name)
    return ipaddress.IPv4Address(value << bits | numbers[-1])


def _number(text: str) -> int | None:
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    if match["hexadecimal"] is not None:
        return int(match["hexadecimal"], 16)
    return int(match["octal"], 8) if match["octal"] else int(match["decimal"])


def refused_folder(typed: str, subject: str) -> RefusedByPolicyError:
    """The error about a folder as typed; `subject` begins its sentence."""
    return RefusedByPolicyError(
        f"{subject} may not be added by a caller over the network; "
        "KODIT_ALLOWED_ROOTS lists the folders that are allowed",
        what="folder",
        value=typed,
    )


def _refused_file_url(url: str) -> RefusedByPolicyError:
    return RefusedByPolicyError(
        f"{url} is a local repository, which no caller over the network may add",
        what="file_url",
        value=url,
    )


def _refused_host(host: str) -> RefusedByPolicyError:
    return RefusedByPolicyError(
        f"the host {host} is this machine or on a private network, which no caller over the "
        "network may name unless KODIT_ALLOW_PRIVATE_ADDRESSES is set",
        what="host",
        value=host,
    )
