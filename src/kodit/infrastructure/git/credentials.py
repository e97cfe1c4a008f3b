"""Storing and finding secrets: each is in a file of mode 0600 below the data directory, or in an
environment variable. The database only holds a reference. Another process of this user may hand
over the value of its variable, which is kept in memory only.

Each secret is for one server, because the reference comes from a database that anybody may have
made: a file names its server, and for variables the user's own folder does.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from kodit.domain.errors import SourceError, UserError
from kodit.domain.source import Credentials
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.files import make_private_folder, open_new_file
from kodit.infrastructure.git.bindings import Binding, Bindings

_FILE = re.compile(r"file:(?P<name>[0-9a-f]{32})")
_ENVIRONMENT = re.compile(r"env:(?P<name>[A-Za-z_][A-Za-z0-9_]*)")
_USUAL_PORTS = {"http": 80, "https": 443}
_LARGEST_FILE_BYTES = 1_000_000

_NO_NAME = "credentials must be given as env:NAME, with the name of an environment variable"


def server_of(source: Source) -> str | None:
    """The server that receives a source's credentials: scheme, host, and the port unless it is the
    default. None for sources that take none: folders, local repositories, ssh and git://.
    """
    if source.kind is not SourceKind.GIT:
        return None
    try:
        parts = urlsplit(source.location)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _USUAL_PORTS or not host:
        return None
    host = f"[{host}]" if ":" in host else host
    is_usual = port in (None, _USUAL_PORTS[parts.scheme])
    return f"{parts.scheme}://{host}" if is_usual else f"{parts.scheme}://{host}:{port}"


class SecretExchange(Protocol):
    """Shares the values of environment variables between the processes of one user. Each secret is
    for one server. Synchronous.
    """

    def give(self, reference: str, server: str, credentials: Credentials) -> None:
        """Hand over the value of `env:NAME` for a server, if another process accepts it."""
        ...

    def find(self, reference: str, server: str) -> Credentials | None:
        """The value handed over last, or None. Raises TransientError if no process answers."""
        ...


class CredentialStore:
    """The secrets of one data directory. References are `file:<32 hexadecimal digits>`, made by
    `save`, and `env:NAME`, whose variable holds `user:password` or a token."""

    def __init__(
        self,
        data_directory: Path,
        bindings: Bindings | None = None,
        exchange: SecretExchange | None = None,
    ) -> None:
        """Without an `exchange`, only this process's own variables are used."""
        self._folder = data_directory / "credentials"
        self._bindings = bindings or Bindings()
        self._exchange = exchange

    def save(self, credentials: Credentials, source: Source) -> str:
        """Store credentials for the server of a source in a file that only this user can read;
        returns the reference.
        """
        make_private_folder(self._folder)
        name = secrets.token_hex(16)
        temporary = self._folder / f".{name}.tmp"
        kept = {
            "server": server_of(source),
            "username": credentials.username,
            "password": credentials.password,
        }
        with os.fdopen(open_new_file(temporary), "w", encoding="utf-8") as file:
            json.dump(kept, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(self._folder / name)
        return f"file:{name}"

    def load_named(self, reference: str) -> Credentials:
        """The credentials of a reference given by a user, which must be a variable. Raises
        SourceError, without repeating the text, which may be the secret itself.
        """
        environment = _ENVIRONMENT.fullmatch(reference)
        if environment is None:
            raise SourceError(_NO_NAME, code="credentials_invalid")
        return _from_environment(environment["name"])

    def bind(self, reference: str, source: Source) -> None:
        """Record that this user allows `env:NAME` for the server of a source. Raises SourceError if
        the variable is not set, UserError if this cannot be recorded.
        """
        binding = _binding(reference, source, self.load_named(reference))
        if binding is not None:
            self._bindings.add(binding)

    def load(self, reference: str, source: Source) -> Credentials | None:
        """The credentials of a source's stored reference; None for a source that takes none. Raises
        SourceError if they are missing, or are not for its server.
        """
        environment = _ENVIRONMENT.fullmatch(reference)
        if environment is None:
            return self._from_file(self._path(reference), source)
        handed_over = self._handed_over(reference, source)
        if handed_over is not None:
            return handed_over
        credentials = _from_environment(environment["name"])
        binding = _binding(reference, source, credentials)
        if binding is None:
            return None
        if not self._bindings.holds(binding):
            who = "" if binding.user is None else f" as {binding.user}"
            raise SourceError(
                f"this user has not approved {reference} for {binding.server}{who}, so nothing was "
                "sent; give it with the source again",
                code="credentials_not_given",
                source=str(source),
                reference=reference,
            )
        return credentials

    def hand_over(self, reference: str, source: Source) -> None:
        """Hand over the value of this process's variable to the processes that read the source.
        Does nothing if it is not set or not allowed for that server: another process may have it,
        and the one that needs it reports the problem.
        """
        server = server_of(source)
        if self._exchange is None or server is None or not _ENVIRONMENT.fullmatch(reference):
            return
        try:
            credentials = self.load(reference, source)
        except UserError:
            return
        if credentials is not None:
            self._exchange.give(reference, server, credentials)

    def _handed_over(self, reference: str, source: Source) -> Credentials | None:
        """The value that another process handed over for the server of a source, if it may be sent
        there.
        """
        server = server_of(source)
        if self._exchange is None or server is None:
            return None
        credentials = self._exchange.find(reference, server)
        if credentials is None:
            return None
        binding = _binding(reference, source, credentials)
        is_bound = binding is not None and self._bindings.holds(binding)
        return credentials if is_bound else None

    def remove(self, reference: str) -> None:
        """Delete credentials; does nothing if there are none, or if the text is not a reference."""
        match = _FILE.fullmatch(reference)
        if match is not None and not self._folder.is_symlink():
            (self._folder / match["name"]).unlink(missing_ok=True)

    @staticmethod
    def is_reference(text: str) -> bool:
        """Whether a stored text has the form of a reference."""
        return bool(_ENVIRONMENT.fullmatch(text) or _FILE.fullmatch(text))

    def holds(self, reference: str) -> bool:
        """Whether the file of a reference exists. Always true for a variable, which only the
        process that uses it can check.
        """
        return bool(_ENVIRONMENT.fullmatch(reference)) or self._path(reference).is_file()

    def _from_file(self, path: Path, source: Source) -> Credentials | None:
        server = server_of(source)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                kept = json.loads(file.read(_LARGEST_FILE_BYTES))
            credentials = Credentials(str(kept["username"]), str(kept["password"]))
            given_for = kept.get("server")
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise SourceError(
                "the credentials of this source are no longer in the data directory; "
                "give them again",
                code="credentials_missing",
                source=str(source),
            ) from None
        if server is None:
            return None
        if given_for != server:
            raise SourceError(
                f"the credentials that are stored for this source were not given for {server}, so "
                "nothing was sent; give them again",
                code="credentials_missing",
                source=str(source),
            )
        return credentials

    def _path(self, reference: str) -> Path:
        match = _FILE.fullmatch(reference)
        if match is None:
            raise SourceError(_NO_NAME, code="credentials_invalid")
        return self._folder / match["name"]


def _binding(reference: str, source: Source, credentials: Credentials) -> Binding | None:
    server = server_of(source)
    if server is None:
        return None
    # Without a password, the user name is the token.
    return Binding(reference, server, credentials.username if credentials.password else None)


def _from_environment(name: str) -> Credentials:
    value = os.environ.get(name, "")
    if not value:
        raise SourceError(
            f"the environment variable {name} holds no credentials",
            code="variable_unusable",
            variable=name,
        )
    if any(character < " " or character == "\x7f" for character in value):
        raise SourceError(
            f"the environment variable {name} holds control characters",
            code="variable_unusable",
            variable=name,
        )
    username, colon, password = value.partition(":")
    return Credentials(username or "git", password) if colon else Credentials(value)
