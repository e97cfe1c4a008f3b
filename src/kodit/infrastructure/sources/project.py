"""What somebody who works in a folder works on."""

from __future__ import annotations

from pathlib import Path

from kodit.infrastructure.files import entries_of
from kodit.infrastructure.folder.repository import enclosing_work_tree, git_directory_at

MOST_ENTRIES = 1_000
"""Of a folder that is looked through for repositories."""


def project_of(folder: Path) -> str | None:
    """The root of the work tree that holds the folder, or the folder itself where none does. None
    where that is too much: the user's home or what lies above it, or a folder of repositories."""
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
