"""Where secrets are kept: a file of mode 0600 each below the data directory, or an environment
variable that is only named. The database holds no more than a reference to either."""

from __future__ import annotations

import json
import os
import re
import secrets
from pathlib import Path

from kodit.domain.errors import SourceError
from kodit.domain.source import Credentials

_FILE = re.compile(r"file:(?P<name>[0-9a-f]{32})")
_ENVIRONMENT = re.compile(r"env:(?P<name>[A-Za-z_][A-Za-z0-9_]*)")

_NO_NAME = (
    "What was given does not name credentials; use env:NAME with the name of an environment "
    "variable."
)


class CredentialStore:
    """The secrets of one data directory. References are `file:<32 hexadecimal digits>`, made by
    `save`, and `env:NAME`, whose variable holds `user:password` or a token."""

    def __init__(self, data_directory: Path) -> None:
        self._folder = data_directory / "credentials"

    def save(self, credentials: Credentials) -> str:
        """Keep credentials in a file that only this user can read; returns the reference."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = secrets.token_hex(16)
        temporary = self._folder / f".{name}.tmp"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"username": credentials.username, "password": credentials.password}, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(self._folder / name)
        return f"file:{name}"

    def load_named(self, reference: str) -> Credentials:
        """The credentials that a user has named: only variables have names for users. Raises
        SourceError, which does not repeat what may be the secret itself."""
        environment = _ENVIRONMENT.fullmatch(reference)
        if environment is None:
            raise SourceError(_NO_NAME)
        return _from_environment(environment["name"])

    def load(self, reference: str) -> Credentials:
        """The credentials behind a reference. Raises SourceError if they are not there."""
        environment = _ENVIRONMENT.fullmatch(reference)
        if environment:
            return _from_environment(environment["name"])
        try:
            kept = json.loads(self._path(reference).read_text("utf-8"))
            return Credentials(kept["username"], kept["password"])
        except (OSError, ValueError, KeyError):
            raise SourceError(
                "The credentials of this source are no longer in the data directory; "
                "give them again."
            ) from None

    def remove(self, reference: str) -> None:
        """Forget credentials; nothing happens where there are none, nor to what is no reference."""
        match = _FILE.fullmatch(reference)
        if match is not None:
            (self._folder / match["name"]).unlink(missing_ok=True)

    @staticmethod
    def is_reference(text: str) -> bool:
        """Whether a stored text has the form of a reference."""
        return bool(_ENVIRONMENT.fullmatch(text) or _FILE.fullmatch(text))

    def holds(self, reference: str) -> bool:
        """Whether the file of a reference is there; whether a variable is set is for those to
        see who use it."""
        return bool(_ENVIRONMENT.fullmatch(reference)) or self._path(reference).is_file()

    def _path(self, reference: str) -> Path:
        match = _FILE.fullmatch(reference)
        if match is None:
            raise SourceError(_NO_NAME)
        return self._folder / match["name"]


def _from_environment(name: str) -> Credentials:
    value = os.environ.get(name, "")
    if not value:
        raise SourceError(f"The environment variable {name} holds no credentials.")
    username, colon, password = value.partition(":")
    return Credentials(username, password) if colon else Credentials(value)
