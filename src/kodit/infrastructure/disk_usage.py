"""The disk usage of a data directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from kodit.domain.space import Sizes
from kodit.infrastructure.files import entries_of

_BLOCK = 512


def sizes_beside(data_dir: Path, database: int) -> Sizes:
    """The sizes of everything in a data directory, beside that of its database."""
    by_index: dict[int, int] = {}
    vectors = clones = 0
    for path in _files_in(data_dir / "vectors"):
        size = size_of(path)
        vectors += size
        _count(by_index, path.name.partition("-")[0], size)
    for folder in entries_of(data_dir / "clones"):
        size = sum(map(size_of, _files_in(Path(folder.path))))
        clones += size
        _count(by_index, folder.name.removesuffix(".git"), size)
    return Sizes(
        database=database,
        keyword=sum(map(size_of, _files_in(data_dir / "keyword"))),
        vectors=vectors,
        clones=clones,
        by_index=by_index,
    )


def size_of(path: Path) -> int:
    """The disk space of a file; 0 if it is gone."""
    try:
        return os.lstat(path).st_blocks * _BLOCK
    except FileNotFoundError:
        return 0


def _files_in(folder: Path) -> Iterator[Path]:
    """All files below a folder, without following links."""
    for entry in entries_of(folder):
        if entry.is_dir(follow_symlinks=False):
            yield from _files_in(Path(entry.path))
        elif entry.is_file(follow_symlinks=False):
            yield Path(entry.path)


def _count(by_index: dict[int, int], name: str, size: int) -> None:
    if name.isdecimal():
        by_index[int(name)] = by_index.get(int(name), 0) + size
