"""Access rules of the socket and of TCP: who is admitted, and as which caller."""

from __future__ import annotations

from http import HTTPStatus
from typing import Protocol
from urllib.parse import unquote

from kodit.application.services.key_service import KeyService
from kodit.domain import keys
from kodit.domain.caller import LOCAL_CALLER, Caller
from kodit.domain.errors import UserError
from kodit.domain.policy import LOCAL, CallerPolicy
from kodit.server.hosts import HostNames
from kodit.server.problems import Refusal, Scope, header_values

FOLDER_HEADER = b"x-kodit-folder"
ROOTS_HEADER = b"x-kodit-roots"
"""Paths, separated by commas; both headers are ignored over TCP."""
KEY_HEADER = b"x-api-key"
OPEN_PATHS = ("/healthz", "/readyz")
"""Answered without a key, since they reveal nothing."""
_READING_METHODS = ("GET", "HEAD", "OPTIONS")
_READING_PATHS = ("/api/v1/search", "/api/v1/grep", "/mcp", "/mcp/")
"""Paths that accept a POST without changing anything; each MCP tool checks its caller itself."""
_LONGEST_SECRET = 200
"""Longer than any generated key."""
_MOST_SECRETS = 2


class Access(Protocol):
    """The access rule of the socket or of TCP."""

    def admit(self, scope: Scope) -> Caller | Refusal:
        """The caller of a request, or why it is refused."""


class LocalAccess:
    """The socket: anyone who can open it is the user of this server."""

    def admit(self, scope: Scope) -> Caller | Refusal:
        """The caller, with the folder and the roots that the headers name."""
        folders, roots = header_values(scope, FOLDER_HEADER), header_values(scope, ROOTS_HEADER)
        folder = _path(folders[0]) if folders else ""
        if not folder:
            return LOCAL_CALLER
        named = [_path(one) for one in roots[0].split(",")] if roots else []
        return Caller(LOCAL, folder, roots=tuple(filter(None, named)))


class RemoteAccess:
    """TCP, even from this machine: any user of it could send the request, and so could any page in
    a browser here."""

    def __init__(
        self, names: HostNames, key_service: KeyService, policy: CallerPolicy, *, needs_key: bool
    ) -> None:
        """`needs_key` refuses every caller as long as there is no key; otherwise, no key is
        required then."""
        self._names = names
        self._keys = key_service
        self._policy = policy
        self._needs_key = needs_key

    def admit(self, scope: Scope) -> Caller | Refusal:
        """The caller, checked by host, page and key."""
        refusal = self._misdirected(scope)
        if refusal is not None:
            return refusal
        if scope["path"] in OPEN_PATHS:
            return Caller(self._policy, may_write=False)
        try:
            # A removed key is refused, even if no key is left.
            is_guarded = self._needs_key or bool(_secrets(scope)) or bool(self._keys.list_all())
            return self._by_key(scope) if is_guarded else Caller(self._policy)
        except UserError as error:
            return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "keys_unreadable", str(error))

    def _by_key(self, scope: Scope) -> Caller | Refusal:
        secrets = _secrets(scope)
        found = [key for key in map(self._keys.recognize, secrets) if key is not None]
        if not found:
            return _unauthorized(was_given=bool(secrets))
        may_write = any(key.scope is keys.KeyScope.WRITE for key in found)
        if not may_write and not _only_reads(scope):
            return Refusal(
                HTTPStatus.FORBIDDEN,
                "key_may_not_write",
                f"the key {found[0].name} may only read; this needs a key with the scope write",
            )
        return Caller(self._policy, may_write=may_write)

    def _misdirected(self, scope: Scope) -> Refusal | None:
        address = scope["server"][0] if scope.get("server") else None
        hosts = header_values(scope, b"host")
        if len(hosts) != 1 or not self._names.has(hosts[0], address):
            return Refusal(
                HTTPStatus.MISDIRECTED_REQUEST,
                "host_refused",
                f"this server is not called {_shown(hosts)}; KODIT_ALLOWED_HOSTS lists its names",
            )
        origins = header_values(scope, b"origin")
        for origin in origins:
            if not self._names.has_origin(origin, address):
                return _foreign_page(f"pages of {_shown([origin])}")
        if _is_cross_site(scope, has_origin=bool(origins)):
            return _foreign_page("pages of other sites")
        return None


def _path(encoded: str) -> str:
    return unquote(encoded, errors="surrogateescape")


def _is_cross_site(scope: Scope, *, has_origin: bool) -> bool:
    """Whether the browser reports that a page of another server has sent the request. An embedded
    resource is requested without an origin, and its loading alone tells the page something. A page
    at another port of this machine is of the same site, but may belong to another user. Links may
    be followed."""
    sites = header_values(scope, b"sec-fetch-site")
    if "same-site" not in sites and (has_origin or "cross-site" not in sites):
        return False
    modes = header_values(scope, b"sec-fetch-mode")
    return modes != ["navigate"] or scope["method"] not in ("GET", "HEAD")


def _foreign_page(pages: str) -> Refusal:
    return Refusal(
        HTTPStatus.FORBIDDEN,
        "origin_refused",
        f"{pages} may not use this server; KODIT_ALLOWED_HOSTS lists the names of those that may",
    )


def _secrets(scope: Scope) -> list[str]:
    secrets = header_values(scope, KEY_HEADER)
    for value in header_values(scope, b"authorization"):
        scheme, _, secret = value.partition(" ")
        if scheme.lower() == "bearer":
            secrets.append(secret)
    return [secret.strip()[:_LONGEST_SECRET] for secret in secrets[:_MOST_SECRETS]]


def _only_reads(scope: Scope) -> bool:
    if scope["method"] in _READING_METHODS:
        return True
    return scope["method"] == "POST" and scope["path"] in _READING_PATHS


def _unauthorized(*, was_given: bool) -> Refusal:
    sentence = (
        "the key is not known to this server"
        if was_given
        else "a key is needed, as `Authorization: Bearer KEY` or `X-API-KEY: KEY`"
    )
    return Refusal(
        HTTPStatus.UNAUTHORIZED,
        "key_unknown" if was_given else "key_missing",
        sentence,
        ((b"www-authenticate", b'Bearer realm="kodit"'),),
    )


def _shown(values: list[str]) -> str:
    """Values that a client has sent, short and printable."""
    return ascii(", ".join(values)[:100]) if values else "by no name"
