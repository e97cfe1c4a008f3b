"""Comparing an unwatched folder with the result of its last scan."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from kodit.domain.entities import Source
from kodit.domain.errors import KoditError
from kodit.domain.ports.watching import FolderChanges
from kodit.domain.source import KnownFile
from kodit.infrastructure.folder.content import blob_id
from kodit.infrastructure.folder.reading import open_root, read_regular_file
from kodit.infrastructure.folder.repository import enclosing_work_tree
from kodit.infrastructure.watching.folder_lister import FolderLister

MOST_READ: Final = 100
"""Files that are read because their stamps are not conclusive; if there are more, a scan is
needed.
"""


def compare_folder(
    source: Source, known: Mapping[str, KnownFile], last_scan_ns: int, *, is_certain: bool
) -> FolderChanges:
    """The result of `FolderComparer`. A file that was only touched has not changed."""
    lister = FolderLister(source.location, known, last_scan_ns, source)
    try:
        lister.walk()
        moved = [path for path in lister.differing if path in known]
        racy = lister.racy if is_certain else {}
        changed = dict(lister.differing)
        if len(moved) + len(racy) <= MOST_READ:
            for path in moved:
                if _is_as_known(source.location, path, known[path]):
                    del changed[path]
            changed |= {
                path: stamp
                for path, stamp in racy.items()
                if not _is_as_known(source.location, path, known[path])
            }
            racy = {}
    except (KoditError, OSError):  # it does not exist, or cannot be read
        return FolderChanges()
    gone = dict.fromkeys(known.keys() - lister.met)
    needs_scan = bool(racy) or (is_certain and _has_new_commits(source, last_scan_ns))
    return FolderChanges(changed | gone, needs_scan)


def _is_as_known(root: str, path: str, known: KnownFile) -> bool:
    folder, _, name = path.rpartition("/")
    try:
        descriptor = open_root(f"{root}/{folder}")
    except KoditError:  # it is gone in the meantime
        return False
    try:
        data = read_regular_file(descriptor, name)
    finally:
        os.close(descriptor)
    return data is not None and blob_id(data) == known.content_hash


def _has_new_commits(source: Source, since_ns: int) -> bool:
    """Whether there was a commit or checkout since, so that authors and dates of files may
    differ.
    """
    tree = enclosing_work_tree(Path(source.location))
    with suppress(OSError):
        if tree is not None:
            return (tree.git_directory / "logs" / "HEAD").stat().st_mtime_ns >= since_ns
    return False
