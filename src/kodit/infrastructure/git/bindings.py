"""Which servers this user allows each secret reference to be used for.

An index stores `env:NAME`, and its database may come from anybody. So the secret is sent only to
servers that this user has approved. The approvals are in the user's own folder, never in a data
directory: in `credentials.json`, a list of objects

    {"reference": "env:NAME", "server": "https://git.example.org", "user": "ada"}

in which `user` is the name before the colon in the variable, or null if it holds only a token.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kodit.domain.errors import UserError
from kodit.infrastructure.files import make_private_folder, write_atomically
from kodit.infrastructure.locks import file_lock
from kodit.infrastructure.trust import read_trusted_file, user_folder

LOCK_TIMEOUT_SECONDS = 10.0
_FILE = "credentials.json"


class Binding(NamedTuple):
    """A reference that may be used for a server (scheme, host and, unless it is the default, port)
    as `user`; None if the secret names no user.
    """

    reference: str
    server: str
    user: str | None


class Bindings:
    """The approvals stored in the user's folder."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` defaults to the folder of this process's user."""
        self._given = folder

    def holds(self, binding: Binding) -> bool:
        """Whether the user has approved the reference for that server and user. Raises UserError if
        the file cannot be read or trusted.
        """
        folder = self._given or user_folder()
        return folder is not None and binding in self._read(folder / _FILE)

    def add(self, binding: Binding) -> None:
        """Store a binding, replacing one of the same reference for the same server. Safe with any
        number of processes. Raises UserError if it cannot be stored.
        """
        folder = self._given or user_folder()
        if folder is None:
            raise UserError(
                "this user has no home folder in which to record the server that "
                "credentials are for; set XDG_CONFIG_HOME to a folder",
                code="user_folder_unusable",
            )
        try:
            make_private_folder(folder)
            with file_lock(folder / "credentials.lock", LOCK_TIMEOUT_SECONDS, str(folder)):
                known = self._read(folder / _FILE)
                if binding not in known:
                    self._write(folder, known, binding)
        except OSError as error:
            raise UserError(
                f"{folder}, which records the server that credentials are for, "
                f"cannot be written: {error.strerror}; set XDG_CONFIG_HOME to a folder that can",
                code="user_folder_unusable",
                folder=str(folder),
            ) from None

    @staticmethod
    def _write(folder: Path, known: Sequence[Binding], binding: Binding) -> None:
        kept = [one for one in known if one[:2] != binding[:2]]
        # The folder may already exist, for settings.
        with contextlib.suppress(PermissionError):
            folder.chmod(0o700)
        text = json.dumps([one._asdict() for one in (*kept, binding)], indent=1)
        write_atomically(folder / _FILE, text.encode())

    @staticmethod
    def _read(path: Path) -> list[Binding]:
        data = read_trusted_file(path)
        if data is None:
            return []
        try:
            return _understood(json.loads(data))
        except (ValueError, TypeError, KeyError, RecursionError):
            raise UserError(
                f"{path} cannot be parsed; remove it, and give the credentials again",
                code="user_file_invalid",
                path=str(path),
            ) from None


def _understood(written: Any) -> list[Binding]:
    """Parse the stored list. Raises TypeError or KeyError for anything this module would not
    write.
    """
    if not isinstance(written, list):
        raise TypeError("bindings must be a list")
    bindings = [Binding(one["reference"], one["server"], one["user"]) for one in written]
    if not all(isinstance(part, str) for binding in bindings for part in binding[:2]):
        raise TypeError("a binding must consist of strings")
    return bindings
