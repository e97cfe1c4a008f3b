"""Finding the git work tree of a folder without running git."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from kodit.infrastructure.folder.attributes import ATTRIBUTES, NO_ATTRIBUTES, Attributes
from kodit.infrastructure.folder.layers import LayerKind, OuterRules
from kodit.infrastructure.folder.patterns import byte_text
from kodit.infrastructure.folder.repository_shape import is_git_name
from kodit.infrastructure.folder.user_ignores import user_ignore_file

_RULES_LIMIT = 1_000_000
_DEEPEST_WORK_TREE = 4
_BARE = re.compile(
    rb"(?im)^[ \t]*(?:\[[^]\n]*\][ \t]*)?bare[ \t]*(?:=[ \t]*\"?(?P<value>\w*)|\r?$)"
)
"""The `bare` setting in a configuration; the word alone means yes, and an empty value no."""
_TRUE = frozenset((b"true", b"yes", b"on", b"1"))


@dataclass(frozen=True, slots=True)
class WorkTree:
    """`root` contains `.git`; `git_directory` is this work tree's own and `common_directory` the
    one it shares with the other work trees of the repository.
    """

    root: Path
    git_directory: Path
    common_directory: Path


def enclosing_work_tree(folder: Path) -> WorkTree | None:
    """The innermost work tree that contains `folder`, which may be its root. None also if the
    innermost repository is bare: then only the files of linked work trees belong to it.
    """
    for candidate in (folder, *folder.parents):
        git_directory = git_directory_at(candidate)
        if git_directory is not None:
            if is_bare(git_directory):
                return None
            return WorkTree(candidate, git_directory, _common_directory(git_directory))
        if is_git_directory(candidate):
            return None
    return None


def git_directory_at(folder: Path) -> Path | None:
    """The git directory of the repository whose `.git` is in `folder`, or None."""
    return _git_directory(folder / ".git")


def is_git_directory(folder: Path) -> bool:
    """Whether a folder is itself a git directory: a bare repository, or a `.git`."""
    return (
        is_file(folder / "HEAD")
        and is_folder(folder / "objects")
        and (is_folder(folder / "refs") or is_file(folder / "packed-refs"))
    )


def is_bare(git_directory: Path) -> bool:
    """Whether a repository is configured as bare. A linked work tree's never is."""
    if is_file(git_directory / "commondir"):
        return False
    for name in ("config.worktree", "config"):
        content = _read_rules(git_directory / name, follow=True) or b""
        stated = [match["value"] for match in _BARE.finditer(content)]
        if stated:
            return stated[-1] is None or stated[-1].lower() in _TRUE
    return False


def holds_work_trees(folder: Path) -> bool:
    """Whether there are work trees below a folder that is itself a bare repository. Their folders
    may be nested as deeply as branch names have slashes.
    """
    return _holds_work_trees(folder, _DEEPEST_WORK_TREE)


def _holds_work_trees(folder: Path, depth: int) -> bool:
    try:
        with os.scandir(folder) as entries:
            below = [
                entry.name
                for entry in entries
                if entry.is_dir(follow_symlinks=False) and not is_git_name(entry.name)
            ]
    except OSError:
        return False
    return any(
        git_directory_at(folder / name) is not None
        or (depth > 1 and _holds_work_trees(folder / name, depth - 1))
        for name in below
    )


def outer_ignore_files(folder: Path, tree: WorkTree) -> list[OuterRules]:
    """The ignore files that git would read before the one in `folder`, lowest precedence first,
    each with the folder it applies to: the user's own, `info/exclude`, then `.gitignore` from the
    work tree's root down.
    """
    exclude = _read_rules(tree.common_directory / "info" / "exclude", follow=True)
    files = [("", exclude, ".git/info/exclude")]
    base = tree.root
    prefix = ""
    for name in folder.relative_to(tree.root).parts:
        files.append((prefix, _read_rules(base / ".gitignore", follow=False), ".gitignore"))
        base /= name
        prefix += f"{name}/"
    outer = [OuterRules(place, content, file) for place, content, file in files if content]
    return [user_rules(), *outer]


def user_rules() -> OuterRules:
    """The contents of the user's own ignore file, if there is one."""
    own = user_ignore_file()
    content = None if own is None else _read_rules(own, follow=True)
    return OuterRules("", content or b"", str(own), LayerKind.USER)


def outer_attributes(folder: Path, tree: WorkTree) -> Attributes:
    """The attributes that git would read before those in `folder`."""
    info = _read_rules(tree.common_directory / "info" / "attributes", follow=True)
    attributes = NO_ATTRIBUTES.with_strongest("", info)
    base = tree.root
    prefix = ""
    for name in folder.relative_to(tree.root).parts:
        content = _read_rules(base / ATTRIBUTES, follow=False)
        attributes = attributes.with_file(byte_text(prefix), content, is_top=not prefix)
        base /= name
        prefix += f"{name}/"
    return attributes


def info_file(work_tree: Path, name: str) -> bytes | None:
    """The contents of a file in `info` of the repository whose work tree has its root there."""
    git_directory = git_directory_at(work_tree)
    if git_directory is None:
        return None
    return _read_rules(_common_directory(git_directory) / "info" / name, follow=True)


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
    """Whether a file is there; like git, this takes an inaccessible file as missing."""
    try:
        return path.is_file()
    except PermissionError:
        return False


def is_folder(path: Path) -> bool:
    """Whether a folder is there; an inaccessible one counts as missing."""
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
