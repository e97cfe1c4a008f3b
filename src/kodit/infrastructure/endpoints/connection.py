"""Requests to an endpoint over HTTP, which end in time, are bounded, and go nowhere else.

The standard library's client: it takes a third of the time to import that the others take, and
there is nothing to configure that could follow a redirect.
"""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from kodit.domain.errors import KoditError, PermanentError, TransientError
from kodit.infrastructure.endpoints.failures import failure_in, failure_of_status, one_line
from kodit.infrastructure.endpoints.secret import secret_of
from kodit.version import VERSION

LARGEST_ANSWER_BYTES = 64_000_000
CONNECT_SECONDS = 10.0
MOST_IDLE = 16
IDLE_SECONDS = 30.0
"""Servers close connections that are idle for longer."""
SHORTEST_SECRET = 8
"""Characters of the values that are kept out of messages."""
_PUBLIC_HEADERS = ("Content-Type", "Accept", "User-Agent")
_PART_BYTES = 1 << 16


class Access(NamedTuple):
    """How an endpoint is reached. `settings` is the prefix of its settings, for error messages;
    `key` and the values of `headers` are secrets or refer to one."""

    settings: str
    base_url: str
    key: str = ""
    headers: Mapping[str, str] = {}
    ca_file: str = ""
    seconds: float = 60.0

    @property
    def address(self) -> str:
        """The address without anything that may be secret."""
        parts = urlsplit(self.base_url)
        host = unquote(parts.hostname or "") if parts.scheme.endswith("+unix") else parts.netloc
        return f"{parts.scheme}://{host.rpartition('@')[2]}{parts.path}".rstrip("/")


class Request:
    """One request, which another thread may abort."""

    def __init__(self, path: str, body: Mapping[str, Any]) -> None:
        self.path = path
        self.body = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._copy: socket.socket | None = None
        self.is_aborted = False

    def connects(self, connected: socket.socket) -> None:
        """The same until the connection can be used. A TLS socket takes the descriptor away from
        the one that was connected, so that a copy is needed meanwhile."""
        copy = connected.dup()
        self.uses(copy)
        self._copy = copy

    def uses(self, connected: socket.socket | None) -> None:
        with self._lock:
            self._socket = connected
            if self.is_aborted:
                self._shut()
        copy, self._copy = self._copy, None
        if copy is not None:
            copy.close()

    def abort(self) -> None:
        """End the request: its thread gets an error at once."""
        with self._lock:
            self.is_aborted = True
            self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                # Not the method of a TLS socket, which another thread is using.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class EndpointConnections:
    """The connections to one endpoint, for any number of threads."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._idle: list[tuple[float, http.client.HTTPConnection]] = []
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None
        weakref.finalize(self, _close_all, self._idle)

    def post(self, request: Request) -> Any:
        """The JSON of the answer. Blocks, at most as long as the settings allow. Raises
        TransientError or PermanentError, whose text never has the key.
        """
        headers = self._headers()
        timer = threading.Timer(self.access.seconds, request.abort)
        timer.daemon = True
        timer.start()
        try:
            return self._exchange(request, headers)
        except KoditError as error:
            error.args = (self._without_secrets(str(error), headers),)
            raise
        except ssl.SSLCertVerificationError as error:
            raise PermanentError(
                f"the certificate of {self.access.address} cannot be verified: "
                f"{error.verify_message}; KODIT_MODEL_CA_FILE may name the certificates of your "
                "own authority",
                code="endpoint_untrusted",
            ) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            # A ValueError is what http.client raises for some invalid answers.
            raise self._failure(request, error, headers) from None
        finally:
            timer.cancel()

    def _headers(self) -> dict[str, str]:
        """The headers of a request; the additional ones are secrets or may have one."""
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": f"kodit/{VERSION}",
        }
        secret = secret_of(f"{self.access.settings}_API_KEY", self.access.key)
        if secret:
            headers["Authorization"] = f"Bearer {secret}"
        for name, value in self.access.headers.items():
            headers[name] = secret_of(f"{self.access.settings}_HEADERS", value)
        return headers

    def _without_secrets(self, text: str, headers: Mapping[str, str]) -> str:
        """A text that may quote an answer, which may repeat what was sent."""
        own = (value for name, value in headers.items() if name not in _PUBLIC_HEADERS)
        of_query = (value for _name, value in parse_qsl(urlsplit(self.access.base_url).query))
        secrets = [one.removeprefix("Bearer ") for one in (*own, *of_query)]
        for secret in sorted(secrets, key=len, reverse=True):
            if len(secret) >= SHORTEST_SECRET:
                text = text.replace(secret, "***")
        return text

    def _failure(
        self, request: Request, error: Exception, headers: Mapping[str, str]
    ) -> TransientError:
        address = self.access.address
        if request.is_aborted or isinstance(error, TimeoutError):
            return TransientError(
                f"{address} did not answer within {self.access.seconds:g} s",
                code="endpoint_unavailable",
            )
        if isinstance(error, http.client.IncompleteRead | http.client.RemoteDisconnected):
            reason = "it closed the connection before its answer was complete"
        else:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            reason = one_line(self._without_secrets(reason, headers))
        return TransientError(f"{address} cannot be used: {reason}", code="endpoint_unavailable")

    def _exchange(self, request: Request, headers: Mapping[str, str]) -> Any:
        response, content = self._answered(request, headers)
        told = {name.lower(): value for name, value in response.getheaders()}
        if response.status != http.client.OK:
            raise failure_of_status(
                response.status,
                told,
                content,
                address=self.access.address,
                hint=self.access.settings,
            )
        answer = self._understood(content, told.get("content-type", ""))
        failure = failure_in(answer, address=self.access.address, hint=self.access.settings)
        if failure is not None:
            raise failure
        return answer

    def _answered(
        self, request: Request, headers: Mapping[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """An answer that has been read. Its connection belongs to other threads from then on."""
        while True:
            connection, is_used = self._connection()
            try:
                try:
                    response = self._ask(connection, request, headers)
                except ConnectionError:
                    # A server may close an idle connection at any time, before it has read
                    # anything.
                    if not is_used or request.is_aborted:
                        raise
                    connection.close()
                    continue
                content = self._read(response)
            except BaseException:
                connection.close()
                raise
            finally:
                request.uses(None)
            self._give_back(connection, response)
            return response, content

    def _ask(
        self, connection: http.client.HTTPConnection, request: Request, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        if connection.sock is None:
            connection._create_connection = partial(_open_socket, request)  # type: ignore[attr-defined]
            connection.connect()
        connection.sock.settimeout(self.access.seconds)
        request.uses(connection.sock)
        parts = urlsplit(self.access.base_url)
        target = f"{parts.path.rstrip('/')}{request.path}"
        if parts.query:
            target += f"?{parts.query}"
        if isinstance(connection, _ProxiedConnection):
            target = f"http://{parts.netloc}{target}"
            headers = {**headers, **connection.proxy_headers}
        connection.request("POST", target, request.body, headers)
        return connection.getresponse()

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        parts, size = [], 0
        while part := response.read(_PART_BYTES):
            parts.append(part)
            size += len(part)
            if size > LARGEST_ANSWER_BYTES:
                raise PermanentError(
                    f"{self.access.address} sent more than {LARGEST_ANSWER_BYTES // 1_000_000} MB "
                    "as one answer",
                    code="endpoint_answer_invalid",
                )
        if response.length:  # `read` with a size ends early without an error
            raise http.client.IncompleteRead(b"", response.length)
        return b"".join(parts)

    def _understood(self, content: bytes, kind: str) -> Any:
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            pass
        start = content.lstrip()[:1]
        if start == b"<" or "html" in kind:
            raise PermanentError(
                f"{self.access.address} answered with a web page; check that "
                f"{self.access.settings}_BASE_URL is the address of the API, which ends like /v1",
                code="endpoint_not_found",
            )
        raise TransientError(
            f"{self.access.address} sent an answer that is not JSON", code="endpoint_answer_invalid"
        )

    # Connections

    def _connection(self) -> tuple[http.client.HTTPConnection, bool]:
        """A connection, and whether it has been used before."""
        with self._lock:
            while self._idle:
                since, connection = self._idle.pop()
                if time.monotonic() - since < IDLE_SECONDS:
                    return connection, True
                connection.close()
        return self._make(), False

    def _give_back(
        self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse
    ) -> None:
        if not response.will_close:
            with self._lock:
                if len(self._idle) < MOST_IDLE:
                    self._idle.append((time.monotonic(), connection))
                    return
        connection.close()

    def _make(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.access.base_url)
        seconds = min(CONNECT_SECONDS, self.access.seconds)
        if parts.scheme == "http+unix":
            return _UnixConnection(unquote(parts.netloc), timeout=seconds)
        host = parts.hostname or ""
        proxy = None if proxy_bypass(host) else getproxies().get(parts.scheme)
        if parts.scheme == "https":
            context = self._tls()
            if not proxy:
                return http.client.HTTPSConnection(
                    host, parts.port, timeout=seconds, context=context
                )
            via, authorization = _proxy(proxy)
            tunnelled = http.client.HTTPSConnection(
                via.hostname or "", via.port or 80, timeout=seconds, context=context
            )
            tunnelled.set_tunnel(host, parts.port, authorization)
            return tunnelled
        if not proxy:
            return http.client.HTTPConnection(host, parts.port, timeout=seconds)
        via, authorization = _proxy(proxy)
        proxied = _ProxiedConnection(via.hostname or "", via.port or 80, timeout=seconds)
        proxied.proxy_headers = authorization
        return proxied

    def _tls(self) -> ssl.SSLContext:
        with self._lock:
            if self._context is None:
                try:
                    self._context = ssl.create_default_context(cafile=self.access.ca_file or None)
                except OSError:
                    raise PermanentError(
                        f"KODIT_MODEL_CA_FILE names {self.access.ca_file}, which holds no "
                        "certificates that can be read",
                        code="endpoint_untrusted",
                    ) from None
            return self._context


def _open_socket(request: Request, *arguments: Any) -> socket.socket:
    """Connect so that the request can be aborted while a proxy opens a tunnel, or TLS begins."""
    connected = socket.create_connection(*arguments)
    try:
        request.connects(connected)
    except BaseException:  # no descriptor is free
        connected.close()
        raise
    return connected


class _ProxiedConnection(http.client.HTTPConnection):
    """A connection to a proxy for plain HTTP."""

    proxy_headers: Mapping[str, str] = {}


class _UnixConnection(http.client.HTTPConnection):
    """A connection to a socket of this machine."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connected.settimeout(self.timeout)
        try:
            connected.connect(self._path)
        except BaseException:
            connected.close()
            raise
        self.sock = connected


def _close_all(idle: list[tuple[float, http.client.HTTPConnection]]) -> None:
    while idle:
        idle.pop()[1].close()


def _proxy(url: str) -> tuple[Any, dict[str, str]]:
    """A proxy's address, and the header with its user."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if not parts.username:
        return parts, {}
    user = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return parts, {"Proxy-Authorization": f"Basic {base64.b64encode(user).decode()}"}
