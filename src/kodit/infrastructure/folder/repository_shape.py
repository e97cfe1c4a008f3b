"""Recognising the data of a repository by its files, whatever its folder is called.

Version-control systems keep passwords, tokens and addresses in their own files: the `config` of a
bare repository, the `hgrc` of a copied `.hg`, the `Root` of a `CVS` folder. Only folders like
`.git` are recognised by name (`builtin.py`). Names are compared in lower case, because copies come
from case-insensitive file systems.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Final, NamedTuple

REPOSITORY_DATA: Final = "repository data"
"""The reason for leaving out the inside of a repository."""

_GIT_FILES = frozenset(
    """
    head config packed-refs description index orig_head fetch_head commit_editmsg merge_head
    merge_msg merge_mode merge_rr auto_merge squash_msg tag_editmsg notes_editmsg rebase_head
    cherry_pick_head revert_head bisect_log bisect_start bisect_terms bisect_names shallow
    commondir gitdir config.worktree config.lock head.lock index.lock packed-refs.lock gc.log
    gc.pid git-daemon-export-ok edit_description gitk.cache
    """.split()
)
_GIT_FOLDERS = frozenset(
    """
    objects refs hooks info logs branches worktrees modules reftable lfs annex svn remotes
    rebase-merge rebase-apply sequencer rr-cache subtree-cache filter-repo lost-found
    fsmonitor--daemon notes_merge_worktree
    """.split()
)


class Shape(Enum):
    """What a folder contains, judging by its entries."""

    GIT = "git"
    """A git repository, bare or copied from `.git`, or git's data of a linked work tree."""
    OTHER = "other"
    """The data of another version-control system."""


class _Signature(NamedTuple):
    """Files and folders that occur together in one kind of repository and nowhere else."""

    shape: Shape
    files: frozenset[str]
    folders: frozenset[str]


def _signature(shape: Shape, files: str, folders: str = "") -> _Signature:
    return _Signature(shape, frozenset(files.split()), frozenset(folders.split()))


_SIGNATURES = (
    _signature(Shape.GIT, "head", "objects refs"),
    _signature(Shape.GIT, "head", "objects reftable"),
    _signature(Shape.GIT, "head packed-refs", "objects"),
    # Of a linked work tree, in `worktrees/NAME`.
    _signature(Shape.GIT, "commondir gitdir"),
    _signature(Shape.GIT, "head commondir"),
    _signature(Shape.GIT, "head gitdir"),
    # Mercurial and Sapling
    _signature(Shape.OTHER, "requires", "store"),
    _signature(Shape.OTHER, "requires hgrc"),
    _signature(Shape.OTHER, "requires dirstate"),
    _signature(Shape.OTHER, "hgrc", "store"),
    _signature(Shape.OTHER, "hgrc dirstate"),
    # Subversion: working copies, new and old, and a server's repository
    _signature(Shape.OTHER, "wc.db"),
    _signature(Shape.OTHER, "entries", "text-base"),
    _signature(Shape.OTHER, "format", "conf db locks"),
    _signature(Shape.OTHER, "svnserve.conf passwd"),
    # CVS: working copies, and the administrative folder of a server
    _signature(Shape.OTHER, "entries root repository"),
    _signature(Shape.OTHER, "passwd checkoutlist"),
    # Bazaar
    _signature(Shape.OTHER, "branch-format", "branch"),
    _signature(Shape.OTHER, "branch-format", "repository"),
    _signature(Shape.OTHER, "branch.conf format"),
    # Jujutsu
    _signature(Shape.OTHER, "", "op_store op_heads"),
    # Darcs and Pijul
    _signature(Shape.OTHER, "hashed_inventory", "patches"),
    _signature(Shape.OTHER, "config", "pristine changes"),
)

_PROOFS = {
    "config": re.compile(rb"(?im)^[ \t]*\[[ \t]*(?:core|remote|branch|submodule|extensions)\b"),
    "config.worktree": re.compile(rb"(?im)^[ \t]*\[[ \t]*(?:core|remote|branch|extensions)\b"),
    "head": re.compile(rb"ref: refs/|[0-9a-f]{40}(?:[0-9a-f]{24})?\s*\Z"),
    "orig_head": re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?\s*\Z"),
    "fetch_head": re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?\t"),
    "packed-refs": re.compile(rb"# pack-refs |[0-9a-f]{40}(?:[0-9a-f]{24})? refs/"),
}
"""Files of git whose content identifies even part of a repository, together with two other
names.
"""
_FEWEST_NAMES = 3

PROVING_NAMES = frozenset(_PROOFS)
"""Names, in lower case, of the files that `shape_of` may read."""
TELLING_FOLDER = "op_heads"
"""The folder that identifies a repository without files of its own."""
TELLING_NAMES = (
    frozenset(name for signature in _SIGNATURES for name in signature.files)
    | PROVING_NAMES
    | {TELLING_FOLDER}
)
"""Names, in lower case, of which every repository has at least one."""


def may_be_repository(names: Iterable[str]) -> bool:
    """Whether `shape_of` is worth calling for a folder with these names: a quick no for most."""
    return not TELLING_NAMES.isdisjoint(map(str.lower, names))


def is_git_name(name: str) -> bool:
    """Whether git itself has a file or folder with this name in its repositories, or an editor or a
    person may have made a copy with it.
    """
    lower = name.lower()
    stem = lower.rstrip("~").removesuffix(".bak").removesuffix(".old").removesuffix(".orig")
    return stem in _GIT_FILES or stem in _GIT_FOLDERS


def shape_of(
    files: Iterable[str], folders: Iterable[str], read: Callable[[str], bytes | None]
) -> Shape | None:
    """The shape of a folder with these files and folders, None for an ordinary one. A symbolic link
    counts as both. `read` returns the bytes of a file by its name, or None if they are not
    available.
    """
    named = {name.lower(): name for name in files}
    below = {name.lower() for name in folders}
    for shape, some_files, some_folders in _SIGNATURES:
        if some_files <= named.keys() and some_folders <= below:
            return shape
    if len(_GIT_FILES & named.keys()) + len(_GIT_FOLDERS & below) < _FEWEST_NAMES:
        return None
    for lower, proof in _PROOFS.items():
        data = read(named[lower]) if lower in named else None
        if data is not None and (
            proof.search(data) if lower.startswith("config") else proof.match(data)
        ):
            return Shape.GIT
    return None
