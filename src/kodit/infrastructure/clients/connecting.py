"""Adding Kodit to a client's configuration file, and removing it."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kodit.domain.errors import UserError
from kodit.infrastructure.clients import jsonc, toml
from kodit.infrastructure.clients.edits import (
    Edit,
    UneditableError,
    UnreadableError,
    applied,
    inverted,
)
from kodit.infrastructure.clients.places import NAME, Client
from kodit.infrastructure.files import make_private_folder, write_atomically

FOLDER = "connections"
"""The folder of undo records in the data directory."""
LARGEST_FILE_BYTES = 50_000_000


@dataclass(frozen=True, slots=True)
class Change:
    """A planned change of a client's file. `before` or `after` is None if there is no file before
    or afterwards.
    """

    client: Client
    path: Path
    before: str | None
    after: str | None
    edits: Sequence[Edit] = ()

    @property
    def is_none(self) -> bool:
        """Whether the file is already as planned."""
        return self.before == self.after


def plan_connection(client: Client, path: Path, entry: dict[str, Any]) -> Change:
    """Plan adding the server to the file. If a server with this name exists, only its command
    changes. Raises UserError for a file that cannot be parsed, which is not changed.
    """
    before = _read(path)
    text = before or ""
    try:
        if client.is_toml:
            edits = toml.edits_to_set(text, (*client.keys, NAME), entry)
        else:
            edits = _edits_of_json(text, (*client.keys, NAME), entry)
        after = applied(text, edits)
        found = (toml if client.is_toml else jsonc).find(after, (*client.keys, NAME))
    except UnreadableError as error:
        raise UserError(
            f"{path} cannot be read as {'TOML' if client.is_toml else 'JSON'} ({error}); it was "
            "not changed",
            code="client_file_unreadable",
            path=str(path),
        ) from None
    except UneditableError as error:
        raise UserError(
            f"{path} was not changed: {error}",
            code="client_file_unreadable",
            path=str(path),
        ) from None
    if not isinstance(found, dict) or any(found.get(key) != one for key, one in entry.items()):
        raise UserError(f"{path} was not changed: its servers are not where they should be")
    return Change(client, path, before, after, edits)


def _edits_of_json(text: str, keys: tuple[str, ...], entry: dict[str, Any]) -> list[Edit]:
    present = jsonc.find(text, keys)
    if not isinstance(present, dict) or "url" in present or "httpUrl" in present:
        return jsonc.edits_to_set(text, keys, entry)
    if all(present.get(key) == value for key, value in entry.items()):
        return []
    return jsonc.edits_to_set(text, keys, {**present, **entry})


def write(change: Change, data_dir: Path) -> None:
    """Apply the change, and store how to undo it. Raises UserError."""
    if change.after is None:
        raise ValueError("a connection leaves a file")
    target = _record(data_dir, change.path)
    # Writing it twice would lose the state before the first time.
    undo = None if target.exists() else inverted(change.before or "", change.edits)
    record = {
        "path": str(change.path),
        "digest": _digest(change.after),
        "existed": change.before is not None,
        "undo": None if undo is None else [[one.start, one.end, one.text] for one in undo],
    }
    make_private_folder(target.parent)
    write_atomically(target, json.dumps(record).encode())
    _write(change.path, change.after)


def plan_undo(client: Client, path: Path, data_dir: Path) -> Change:
    """Plan restoring the file as it was or, if it has changed since, removing only the server.
    Raises UserError.
    """
    before = _read(path)
    if before is None:
        return Change(client, path, None, None)
    record = _load(_record(data_dir, path))
    if record and record.get("digest") == _digest(before) and record.get("undo") is not None:
        if not record["existed"]:
            return Change(client, path, before, None)
        back = [Edit(*edit) for edit in record["undo"]]
        return Change(client, path, before, applied(before, back), back)
    try:
        edits = (toml if client.is_toml else jsonc).edits_to_remove(before, (*client.keys, NAME))
    except (UnreadableError, UneditableError) as error:
        raise UserError(
            f"{path} was not changed ({error}); remove the server {NAME!r} by hand",
            code="client_file_unchanged",
            path=str(path),
        ) from None
    return Change(client, path, before, applied(before, edits), edits)


def undo(change: Change, data_dir: Path) -> None:
    """Apply a planned undo."""
    if change.after is None:
        Path(os.path.realpath(change.path)).unlink(missing_ok=True)  # a dangling link dangles again
    else:
        _write(change.path, change.after)
    _record(data_dir, change.path).unlink(missing_ok=True)


def _read(path: Path) -> str | None:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_FILE_BYTES:
            raise UserError(f"{path} is not a settings file; it was not changed")
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise UserError(
            f"{path} is not UTF-8 text; it was not changed", code="client_file_unreadable"
        ) from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None


def _write(path: Path, text: str) -> None:
    """Writes through a symbolic link, which is kept."""
    target = Path(os.path.realpath(path))
    try:
        umask = os.umask(0o077)
        os.umask(umask)
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~umask
        if not mode & 0o222 or (target.exists() and not os.access(target, os.W_OK)):
            raise UserError(
                f"{path} is read-only; make it writable, or add the server by hand",
                code="client_file_read_only",
                path=str(path),
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, text.encode("utf-8"))
        target.chmod(mode)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from None


def _record(data_dir: Path, path: Path) -> Path:
    return data_dir / FOLDER / f"{_digest(os.path.realpath(path))}.json"


def _load(path: Path) -> dict[str, Any] | None:
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
