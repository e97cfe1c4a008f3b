"""The folder that holds everything Kodit writes."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from kodit.domain.errors import UserError
from kodit.infrastructure.files import entries_of, make_private, write_atomically
from kodit.infrastructure.trust import reason_for_distrust

_FOLDERS = ("clones", "credentials", "keyword", "vectors", "watch", "workers")


def make_data_directory(path: Path) -> None:
    """Make the folder, unless it exists. Raises UserError if that fails, or if the folder cannot be
    trusted.
    """
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise _unusable(f"cannot be created: {error.strerror}", path) from None
    check_data_directory(path)
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise _unusable("cannot be read and written by this user", path)


def make_database_file(path: Path) -> None:
    """Make an empty database in the folder that only this user can read, unless there is one."""
    make_private(path / "kodit.db")


SERVER_FILE = "server.database"
"""Names the database of a server that the data directory belongs to; without its password."""


def refuse_folder_with_database(path: Path, place: str) -> None:
    """Raises UserError for a folder that holds a database of its own, and so cannot hold what is
    derived from one on a server: the indexes of both have the same numbers.
    """
    file = path / "kodit.db"
    if file.exists() and file.stat().st_size:
        raise _unusable(
            f"is not used for the database {place}: it holds a database of its own, kodit.db; "
            "choose another folder, or unset KODIT_DATABASE_URL",
            path,
        )


def note_server(path: Path, place: str) -> None:
    """Record that what is derived in the folder is from a database on a server."""
    note = path / SERVER_FILE
    if not note.exists():
        make_private(note)
        note.write_text(f"{place}\n", "utf-8")


NODE_FILE = "server.node"
"""Has the name of a data directory among all that belong to a database on a server."""
_NODE_NAME = re.compile(r"[0-9a-f]{16}")


def name_of_node(path: Path) -> str | None:
    """The name of the data directory, None if it has none yet."""
    try:
        name = (path / NODE_FILE).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return name if _NODE_NAME.fullmatch(name) else None


def name_node(path: Path) -> str:
    """The name of the data directory, which gets a random one if it has none."""
    name = name_of_node(path)
    while name is None:
        write_atomically(path / NODE_FILE, f"{os.urandom(8).hex()}\n".encode(), durable=True)
        name = name_of_node(path)
    return name


def refuse_folder_of_server(path: Path) -> None:
    """Raises UserError for a folder that belongs to a database on a server."""
    if (path / SERVER_FILE).exists():
        raise _unusable(
            f"belongs to a database on a server, which {SERVER_FILE} in it names; set "
            "KODIT_DATABASE_URL, or choose another folder",
            path,
        )


def is_read_only(path: Path) -> bool:
    """Whether there is a database that this user may read, in a folder that this user cannot
    write.
    """
    return os.access(path / "kodit.db", os.R_OK) and not os.access(path, os.W_OK)


def check_data_directory(path: Path) -> None:
    """Refuse a folder that others may write, or one with special files where Kodit reads and
    writes: a symbolic link could lead to any file of this user, and a pipe would block its reader
    for ever. Raises UserError.
    """
    reason = reason_for_distrust(path.stat())
    if reason is not None:
        raise _unusable(f"is not used: {reason}; make it accessible to you alone", path)
    for folder in (path, path / "keyword", *_folders_in(path / "keyword")):
        for entry in entries_of(folder):
            if entry.is_symlink() and (folder != path or _is_of_kodit(entry.name)):
                raise _unusable(
                    f"is not used: {entry.path} is a symbolic link, which could lead anywhere; "
                    "replace it with its target",
                    path,
                )
    for folder in (path, *(path / name for name in _FOLDERS), *_folders_in(path / "keyword")):
        for entry in entries_of(folder):
            wrong = _why_wrong(entry, is_top=folder == path)
            if wrong is not None:
                raise _unusable(f"is not used: {entry.path} is {wrong}; move it away", path)


def _why_wrong(entry: os.DirEntry[str], *, is_top: bool) -> str | None:
    """What is there instead of a file or folder of Kodit, or None."""
    if is_top and not _is_of_kodit(entry.name):
        return None
    if entry.is_symlink():
        return None  # see above; other code opens it without following it
    if entry.is_dir(follow_symlinks=False):
        is_right = not is_top or entry.name in _FOLDERS
        return None if is_right else "a folder, and Kodit needs that name for a file"
    if is_top and entry.name in _FOLDERS:
        return "a file, and Kodit needs that name for a folder"
    is_socket = is_top and entry.name == "server.sock"  # which the server itself replaces
    if is_socket or entry.is_file(follow_symlinks=False):
        return None
    return "neither a file nor a folder"


def _is_of_kodit(name: str) -> bool:
    return name.startswith(("kodit.db", "write.", "server.", "savings.")) or name in _FOLDERS


def _folders_in(folder: Path) -> list[Path]:
    return [Path(entry.path) for entry in entries_of(folder) if entry.is_dir(follow_symlinks=False)]


def _unusable(why: str, path: Path) -> UserError:
    return UserError(
        f"the data directory {path} {why}", code="data_dir_unusable", data_dir=str(path)
    )


def clear_derived(data_dir: Path) -> None:
    """Remove the engines' files, for a new database: it would assign the ids in files of an older
    one again. Nothing else is removed: the data directory may have been chosen by mistake.
    """
    keyword = data_dir / "keyword"
    if (keyword / "keyword.lock").exists():
        shutil.rmtree(keyword, ignore_errors=True)
    for pack in (data_dir / "vectors").glob("[0-9]*-*.pack"):
        pack.unlink(missing_ok=True)
