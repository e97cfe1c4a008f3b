"""The files that git tracks in a work tree, read from its index without running git.

The format is that of gitformat-index(5): versions 2 to 4. A repository may come from anybody, so an
invalid index counts as empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

_LARGEST = 256_000_000
_FIXED = 62
"""Bytes of an entry before its path, without the extended flags."""
_EXTENDED = 0x4000
_SKIP_WORK_TREE_AND_MORE = 2


class TrackedFiles:
    """The files of one work tree that git tracks; its index is read on first use. Paths are byte
    text; `base` is the work tree's own path in them, "" or with a trailing slash.
    """

    def __init__(self, git_directory: Path, base: str = "") -> None:
        """`git_directory` is that of the work tree."""
        self._git_directory = git_directory
        self._base = base

    def holds_file(self, path: str) -> bool:
        """Whether a file is tracked."""
        return path.startswith(self._base) and path[len(self._base) :] in self._files

    def holds_folder(self, path: str) -> bool:
        """Whether anything in a folder is tracked; `path` has no trailing slash."""
        return path.startswith(self._base) and path[len(self._base) :] in self._folders

    @cached_property
    def _files(self) -> frozenset[str]:
        try:
            with (self._git_directory / "index").open("rb") as file:
                data = file.read(_LARGEST)
            return frozenset(path.decode("latin-1") for path in tracked_paths(data))
        except (OSError, ValueError, IndexError):
            return frozenset()

    @cached_property
    def _folders(self) -> frozenset[str]:
        folders: set[str] = set()
        for path in self._files:
            folder = path.rpartition("/")[0]
            while folder and folder not in folders:
                folders.add(folder)
                folder = folder.rpartition("/")[0]
        return frozenset(folders)


def tracked_paths(data: bytes) -> Iterator[bytes]:
    """The paths in an index, in order. Raises ValueError or IndexError if it is invalid."""
    if data[:4] != b"DIRC":
        raise ValueError("not an index")
    version = int.from_bytes(data[4:8], "big")
    count = int.from_bytes(data[8:12], "big")
    if version not in (2, 3, 4):
        raise ValueError(f"version {version} of an index")
    position = 12
    before = b""
    for _ in range(count):
        start = position
        position += _FIXED
        if data[start + 60] << 8 & _EXTENDED:
            position += _SKIP_WORK_TREE_AND_MORE
        removed = 0
        if version == 4:
            removed, position = _number(data, position)
        end = data.index(b"\0", position)
        path = data[position:end]
        if version == 4:
            path = before[: len(before) - removed] + path
            before = path
            position = end + 1
        else:
            # Entries are padded to a multiple of eight bytes with one to eight NUL bytes.
            position = start + ((end - start + 8) & ~7)
        yield path


def _number(data: bytes, position: int) -> tuple[int, int]:
    """A number in the encoding of OFS_DELTA, and the position after it."""
    byte = data[position]
    position += 1
    value = byte & 0x7F
    while byte & 0x80:
        byte = data[position]
        position += 1
        value = ((value + 1) << 7) | (byte & 0x7F)
    return value, position
