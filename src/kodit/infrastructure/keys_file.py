"""The file of API keys: a list of objects

    {"name": "ci", "scope": "read", "salt": "…", "digest": "…", "created_at": "2026-11-26T…Z"}

It is in the user's own folder unless KODIT_KEYS_FILE is set, never in a data directory, which may
come from anybody.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kodit.domain.errors import UserError
from kodit.domain.keys import Key, KeyScope
from kodit.infrastructure.files import make_private_folder, write_atomically
from kodit.infrastructure.locks import file_lock
from kodit.infrastructure.trust import read_trusted_file, user_folder

FILE_NAME = "keys.json"
LOCK_TIMEOUT_SECONDS = 10.0


class KeysFile:
    """The keys of one file. Safe with any number of processes."""

    def __init__(self, path: Path | None) -> None:
        """`path` defaults to that of this process's user."""
        folder = user_folder()
        self.path = path or (folder / FILE_NAME if folder is not None else None)
        self._seen: tuple[int, ...] | None = None
        self._keys: tuple[Key, ...] = ()

    def read(self) -> tuple[Key, ...]:
        """The current keys; read again only when the file has changed.

        Raises UserError if the file cannot be read, trusted or parsed.
        """
        if self.path is None:
            return ()
        state = self._state(self.path)
        if state != self._seen or state is None:
            self._keys = _read(self.path)
            self._seen = state
        return self._keys

    def change(self, change: Callable[[Sequence[Key]], Sequence[Key]]) -> None:
        """Replace the keys by the result of `change`; no other process changes them meanwhile."""
        if self.path is None:
            raise UserError(
                "this user has no home folder in which to keep keys; set KODIT_KEYS_FILE to a file"
            )
        try:
            make_private_folder(self.path.parent)
            lock = self.path.with_name(f"{self.path.name}.lock")
            with file_lock(lock, LOCK_TIMEOUT_SECONDS, str(self.path)):
                keys = change(_read(self.path))
                text = json.dumps([_written(key) for key in keys], indent=1)
                write_atomically(self.path, text.encode())
        except OSError as error:
            raise UserError(
                f"{self.path}, which holds the keys, cannot be written: {error.strerror}; set "
                "KODIT_KEYS_FILE to a file that can"
            ) from None

    @staticmethod
    def _state(path: Path) -> tuple[int, ...] | None:
        """A stamp that differs after every change; None if there is no file."""
        try:
            status = path.stat()
        except OSError:
            return None
        return (
            *(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns),
            *(status.st_ctime_ns, status.st_mode, status.st_uid),
        )


def _read(path: Path) -> tuple[Key, ...]:
    data = read_trusted_file(path)
    if data is None:
        return ()
    try:
        return tuple(_understood(one) for one in json.loads(data))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise UserError(
            f"{path} is not a valid keys file; remove it, and add the keys again"
        ) from None


def _understood(written: Any) -> Key:
    texts = [written[name] for name in ("name", "salt", "digest", "created_at")]
    if not all(isinstance(text, str) and text.isascii() for text in texts):
        raise TypeError("a key must consist of strings")
    name, salt, digest, created_at = texts
    return Key(name, KeyScope(written["scope"]), salt, digest, datetime.fromisoformat(created_at))


def _written(key: Key) -> dict[str, str]:
    moment = key.created_at.astimezone(UTC).isoformat(timespec="seconds")
    return {
        "name": key.name,
        "scope": key.scope,
        "salt": key.salt,
        "digest": key.digest,
        "created_at": moment.replace("+00:00", "Z"),
    }
