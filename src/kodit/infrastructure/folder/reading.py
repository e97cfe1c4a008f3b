"""Opening files below a root, one path component at a time, so that symbolic links are never
followed.

Every folder is opened relative to its parent's descriptor with O_NOFOLLOW: opening something that
was replaced by a link after the scan fails instead of following it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from kodit.domain.errors import SourceError, TransientError
from kodit.infrastructure.file_sizes import limit_of

_DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PASSING_FLAGS: int = (
    getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
)
"""For a folder on the way, which need not be readable."""
_NOWHERE_FOLLOW: int = getattr(os, "O_NOFOLLOW_ANY", 0)
"""On macOS: follow no link anywhere in a path."""
# O_NONBLOCK: opening a FIFO must not wait for a writer.
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

_VANISHED = frozenset(
    (
        errno.ENOENT,
        errno.ENOTDIR,
        errno.ELOOP,
        errno.EACCES,
        errno.EPERM,
        errno.EISDIR,
        errno.ENAMETOOLONG,
        errno.ENXIO,
        errno.EMLINK,
        errno.EINVAL,
        errno.EOPNOTSUPP,
        errno.ENODEV,
    )
)


def concerns_one_file(error: OSError) -> bool:
    """Whether an error is about one file, rather than about the machine."""
    return error.errno in _VANISHED


def open_root(root: str) -> int:
    """A descriptor of the source's folder. Raises SourceError, naming it, if it does not exist.

    All links in its path were resolved, and allowed, when it was added. A link that has appeared
    since, in place of the folder or one above it, could lead anywhere.
    """
    try:
        if _NOWHERE_FOLLOW:
            return os.open(root, _DIRECTORY_FLAGS ^ os.O_NOFOLLOW | _NOWHERE_FOLLOW)
        return _open_by_components(root)
    except FileNotFoundError:
        raise SourceError(f"the folder {root} does not exist") from None
    except NotADirectoryError:
        raise SourceError(f"{root} is not a folder") from None
    except PermissionError:
        raise SourceError(f"the folder {root} cannot be read: permission denied") from None
    except OSError as error:
        if error.errno == errno.ELOOP:  # macOS's error for a symbolic link
            raise SourceError(f"{root} is not a folder") from None
        raise TransientError(f"the folder {root} cannot be opened: {error.strerror}") from error


def _open_by_components(path: str) -> int:
    start = "/" if path.startswith("/") else "."
    names = [name for name in path.split("/") if name]
    current = os.open(start, _PASSING_FLAGS if names else _DIRECTORY_FLAGS)
    for number, name in enumerate(names, start=1):
        flags = _DIRECTORY_FLAGS if number == len(names) else _PASSING_FLAGS
        try:
            following = os.open(name, flags, dir_fd=current)
        finally:
            os.close(current)
        current = following
    return current


def open_directory(parent: int, name: str) -> int:
    """A descriptor of the folder `name` in `parent`. Raises OSError if it is anything else."""
    return os.open(name, _DIRECTORY_FLAGS, dir_fd=parent)


def read_regular_file(parent: int, name: str, limit: int | None = None) -> bytes | None:
    """The bytes of the regular file `name` in `parent`; None if it is not one, cannot be read, or
    exceeds `limit` bytes, by default the limit for its name. Raises OSError only if the machine is
    at fault.
    """
    limit = limit_of(name) if limit is None else limit
    try:
        descriptor = os.open(name, _FILE_FLAGS, dir_fd=parent)
    except OSError as error:
        if concerns_one_file(error):
            return None
        raise
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
            return None
        data = os.read(descriptor, status.st_size + 1)
        if len(data) == status.st_size:
            return data
        return _read_on(descriptor, data, limit)
    finally:
        os.close(descriptor)


def _read_on(descriptor: int, data: bytes, limit: int) -> bytes | None:
    pieces = [data]
    length = len(data)
    while length <= limit:
        piece = os.read(descriptor, limit + 1 - length)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
        length += len(piece)
    return None


class _Descent:
    """The open folders from the root down to that of the file read last."""

    def __init__(self, root: str) -> None:
        self._names: list[str] = []
        self._descriptors = [open_root(root)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for descriptor in self._descriptors:
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def go_to(self, names: Sequence[str]) -> int:
        """A descriptor of the folder at `names` below the root. Raises OSError."""
        common = 0
        while common < min(len(names), len(self._names)) and names[common] == self._names[common]:
            common += 1
        while len(self._names) > common:
            self._names.pop()
            os.close(self._descriptors.pop())
        for name in names[common:]:
            self._descriptors.append(open_directory(self._descriptors[-1], name))
            self._names.append(name)
        return self._descriptors[-1]


def read_files(root: str, paths: Sequence[str]) -> list[bytes | None]:
    """The bytes of each path below `root` (relative, with `/`), in the order of `paths`.

    None stands for a file that vanished, is no longer a regular file, grew beyond the limit, cannot
    be read, or is reached through a symbolic link. Fastest when `paths` are sorted. Raises
    SourceError if the root is gone and TransientError if the machine cannot read.
    """
    contents: list[bytes | None] = []
    with _Descent(root) as descent:
        for path in paths:
            *folders, name = path.split("/")
            if not name or name in (".", "..") or ".." in folders or "" in folders:
                contents.append(None)
                continue
            try:
                contents.append(read_regular_file(descent.go_to(folders), name))
            except OSError as error:
                if not concerns_one_file(error):
                    raise TransientError(f"cannot read {root}: {error.strerror}") from error
                contents.append(None)
    return contents
