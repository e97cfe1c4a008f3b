"""Making files that only this user can read, and writing small ones so that a crash leaves the old
or the new, never a part."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from pathlib import Path


def make_private(path: Path) -> None:
    """Make an empty file of mode 0600 where there is none: SQLite would let all read it, and gives
    the mode of a database to the files beside it."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, flags, 0o600))


def make_private_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing, of mode 0700."""
    missing = [folder for folder in (path, *path.parents) if not folder.is_dir()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True, mode=0o700)


def write_atomically(path: Path, data: bytes) -> None:
    """Replace the file's content in one step, and wait until it is on the disk. The new file is
    this user's alone (mode 0600)."""
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with os.fdopen(open_new_file(temporary), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def open_new_file(path: Path) -> int:
    """A descriptor of a file of mode 0600 that was not there before: what lies in its place, a
    symbolic link too, is an error and is neither opened nor followed."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def remove_tree(path: Path) -> None:
    """Remove a folder with all that is in it, as far as that can be; of a symbolic link only the
    link, whatever it leads to."""
    if path.is_symlink() or not path.is_dir():
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path, ignore_errors=True)


def entries_of(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder; nothing where there is none, or none that may be read."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []
