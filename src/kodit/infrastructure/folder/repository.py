"""The git work tree that a folder lies in, found without running git."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_RULES_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class WorkTree:
    """`root` holds `.git`; `git_directory` is this work tree's own data and `common_directory`
    what it shares with the other work trees of the repository."""

    root: Path
    git_directory: Path
    common_directory: Path


def enclosing_work_tree(folder: Path) -> WorkTree | None:
    """The innermost work tree that holds `folder`, which may be its root."""
    for candidate in (folder, *folder.parents):
        git_directory = _git_directory(candidate / ".git")
        if git_directory is not None:
            return WorkTree(candidate, git_directory, _common_directory(git_directory))
    return None


def outer_ignore_files(folder: Path, tree: WorkTree) -> list[tuple[str, bytes]]:
    """The ignore files that git would read before the one in `folder`, weakest first, each with
    the place it speaks of: `info/exclude`, then `.gitignore` from the work tree's root down."""
    files = [("", _read_rules(tree.common_directory / "info" / "exclude", follow=True))]
    base = tree.root
    prefix = ""
    for name in folder.relative_to(tree.root).parts:
        files.append((prefix, _read_rules(base / ".gitignore", follow=False)))
        base /= name
        prefix += f"{name}/"
    return [(place, content) for place, content in files if content]


def _git_directory(entry: Path) -> Path | None:
    if is_folder(entry):
        is_repository = is_file(entry / "HEAD") and (
            is_folder(entry / "objects") or is_file(entry / "commondir")
        )
        return entry if is_repository else None
    content = _read_rules(entry, follow=False)
    if content is None or not content.startswith(b"gitdir: "):
        return None
    target = Path(os.fsdecode(content.removeprefix(b"gitdir: ").rstrip(b"\r\n")))
    directory = target if target.is_absolute() else entry.parent / target
    return directory if is_file(directory / "HEAD") else None


def is_file(path: Path) -> bool:
    """Whether a file is seen there: as for git, what may not be looked at is not there."""
    try:
        return path.is_file()
    except PermissionError:
        return False


def is_folder(path: Path) -> bool:
    """Whether a folder is seen there, likewise."""
    try:
        return path.is_dir()
    except PermissionError:
        return False


def _common_directory(git_directory: Path) -> Path:
    content = _read_rules(git_directory / "commondir", follow=False)
    if content is None:
        return git_directory
    return git_directory / os.fsdecode(content.rstrip(b"\r\n"))


def _read_rules(path: Path, *, follow: bool) -> bytes | None:
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except OSError:
        return None
    try:
        return os.read(descriptor, _RULES_LIMIT)
    except OSError:
        return None
    finally:
        os.close(descriptor)
