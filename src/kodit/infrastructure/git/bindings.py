"""Which references to secrets this user has given for which server.

An index stores `env:NAME`, and its database may have been made by anybody. So the secret goes only
where this user has said that it may go, which is written down in the user's own folder,
beside no data directory: in `credentials.json`, a list of objects

    {"reference": "env:NAME", "server": "https://git.example.org", "user": "ada"}

in which `user` is the name before the colon in the variable, or null where it holds a token alone.
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
    """A reference may be used for a server (scheme, host and, unless it is the usual one, port) as
    a user; None where the secret names no user."""

    reference: str
    server: str
    user: str | None


class Bindings:
    """What is written in the folder of the user."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` is that of this process's user, unless it is given."""
        self._given = folder

    def holds(self, binding: Binding) -> bool:
        """Whether the user has given the reference for that server and user. Raises UserError
        where the file cannot be read or trusted."""
        folder = self._given or user_folder()
        return folder is not None and binding in self._read(folder / _FILE)

    def add(self, binding: Binding) -> None:
        """Write a binding down, in place of one of the same reference for the same server. Safe
        with any number of processes. Raises UserError where that cannot be."""
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
        # The folder may have been made by hand, for settings.
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
    """Raises TypeError or KeyError for what this module has not written."""
    if not isinstance(written, list):
        raise TypeError("bindings must be a list")
    bindings = [Binding(one["reference"], one["server"], one["user"]) for one in written]
    if not all(isinstance(part, str) for binding in bindings for part in binding[:2]):
        raise TypeError("a binding must consist of strings")
    return bindings
