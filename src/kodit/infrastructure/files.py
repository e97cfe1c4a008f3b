"""Making files that only this user can read, and writing small ones so that a crash leaves the old
or the new, never a part."""

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


def write_atomically(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Replace the file's content in one step. A `durable` one is on the disk then; the other
    outlives this process, but maybe not the machine's power. The new file is this user's alone
    (mode 0600)."""
    with replacing(path, durable=durable) as file:
        file.write(data)


def _new_name() -> str:
    """What no other file has in its name."""
    return os.urandom(4).hex()


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[BinaryIO]:
    """A file to write into, which takes the place of `path` at the end of the block, or is
    removed where that ends with an error. Its name says which process writes it."""
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
            error.filename = str(path)  # a write that fails does not know what it wrote to
        raise
    if durable:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk: a rename alone may be lost with the power
    though the file's content is not."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def why_no_room(folder: Path, needed: int) -> str | None:
    """Why a write of so many bytes into the folder would fail, if it would: for engines that do
    not say why theirs did."""
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
            with probe.open("wb") as file:  # a quota shows only when it is met
                file.write(bytes(min(needed, _PROBE_BYTES)))
                file.flush()
                os.fsync(file.fileno())
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        return f"the disk of {folder} is full or failing: {error.strerror}"
    return None


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
    """What is in a folder; nothing if there is none, or none that may be read."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []
