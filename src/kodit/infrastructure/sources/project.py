"""The project that a folder belongs to."""

from __future__ import annotations

import os
from pathlib import Path

from kodit.infrastructure.files import entries_of
from kodit.infrastructure.folder.repository import enclosing_work_tree, git_directory_at

_OF_SYSTEMS = frozenset(
    "applications bin boot dev etc home lib lib32 lib64 library media mnt net network opt private "
    "proc root run sbin snap srv sys system tmp users usr var volumes".split()
)
"""Folders at the root of a file system."""
_OF_DRIVES = ("media", "mnt", "volumes")
MOST_ENTRIES = 1_000
"""Entries of a folder that are searched for repositories."""


def project_of(folder: Path) -> str | None:
    """The root of the work tree that contains the folder, or the folder itself if there is none.
    None if that is too broad: the user's home or a folder above it, or a folder of repositories.
    """
    try:
        folder = folder.resolve(strict=True)
    except OSError:
        return None
    tree = enclosing_work_tree(folder)
    root = folder if tree is None else tree.root
    if root == root.parent or not root.is_dir() or _holds_home(root):
        return None
    if tree is None and _holds_repositories(root):
        return None
    return str(root)


def is_broad(folder: Path) -> bool:
    """Whether a folder holds much more than a project and is not the root of one: the user's home
    or a folder above it, a system folder, a whole drive.
    """
    if git_directory_at(folder) is not None:
        return False
    is_of_system = folder.parent == folder.parent.parent and folder.name.lower() in _OF_SYSTEMS
    is_drive = folder.parent.name.lower() in _OF_DRIVES and os.path.ismount(folder)
    return folder == folder.parent or is_of_system or is_drive or _holds_home(folder)


def _holds_home(folder: Path) -> bool:
    try:
        return Path.home().resolve().is_relative_to(folder)
    except (OSError, RuntimeError):
        return False


def _holds_repositories(folder: Path) -> bool:
    return any(
        git_directory_at(Path(entry.path)) is not None
        for entry in entries_of(folder)[:MOST_ENTRIES]
        if entry.is_dir(follow_symlinks=False)
    )
