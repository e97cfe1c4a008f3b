"""Creating files that only this user can read, and writing small files atomically."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_PROBE_BYTES = 1 << 20


def make_private(path: Path) -> None:
    """Create an empty file of mode 0600 if there is none: SQLite would let everybody read it, and
    gives the files beside a database its mode.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, flags, 0o600))


def make_private_folder(path: Path) -> None:
    """Create a folder, and its missing parents, with mode 0700."""
    missing = [folder for folder in (path, *path.parents) if not folder.is_dir()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True, mode=0o700)


def write_atomically(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Replace the file's content atomically. If `durable`, it is on the disk afterwards; otherwise
    it survives this process, but maybe not a power failure. The new file has mode 0600.
    """
    with replacing(path, durable=durable) as file:
        file.write(data)


def _new_name() -> str:
    """A unique suffix for a file name."""
    return os.urandom(4).hex()


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[BinaryIO]:
    """Yields a temporary file, which replaces `path` at the end of the block, or is removed after
    an error. Its name contains the id of this process.
    """
    name = f"{path.name}.{os.getpid()}.{_new_name()}.tmp"
    temporary = path.with_name(name)
    try:
        with os.fdopen(open_new_file(temporary), "wb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)  # an error of a write does not name the file
        raise
    if durable:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk: after a power failure a rename may be lost
    even if the file's content is not.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def why_write_fails(folder: Path, needed: int) -> str | None:
    """Why a write of this many bytes into the folder would fail, or None: for engines that do not
    report why theirs did.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    if limit != resource.RLIM_INFINITY:
        return f"files of this process may not grow beyond {limit} bytes (ulimit -f)"
    try:
        room = os.statvfs(folder)
        free = room.f_bavail * room.f_frsize
        if free < needed:
            return f"the disk of {folder} is full: {free >> 20} MB are free"
        probe = folder / f"probe.{_new_name()}.tmp"
        try:
            with probe.open("wb") as file:  # a quota only shows when it is exceeded
                file.write(bytes(min(needed, _PROBE_BYTES)))
                file.flush()
                os.fsync(file.fileno())
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        return f"the disk of {folder} is full or failing: {error.strerror}"
    return None


def open_new_file(path: Path) -> int:
    """A descriptor of a new file of mode 0600. Anything that exists at the path, including a
    symbolic link, raises FileExistsError and is neither opened nor followed.
    """
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def remove_tree(path: Path) -> None:
    """Remove a folder and everything in it as far as possible; of a symbolic link only the link,
    whatever its target.
    """
    if path.is_symlink() or not path.is_dir():
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path, ignore_errors=True)


def entries_of(folder: Path) -> list[os.DirEntry[str]]:
    """The entries of a folder; empty if there is none, or it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []
