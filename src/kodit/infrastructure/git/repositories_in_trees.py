"""Repositories committed into a tree: bare ones as fixtures, copies of `.git`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from kodit.infrastructure.folder.repository_shape import (
    PROVING_NAMES,
    TELLING_NAMES,
    is_git_name,
    shape_of,
)
from kodit.infrastructure.git.objects import TreeEntry

_LINK = "120000"


class _Names(NamedTuple):
    files: dict[str, TreeEntry]
    folders: set[str]


class CommittedRepositories:
    """The folders of a tree that may be inside a committed repository, with their entries."""

    def __init__(self, entries: Sequence[TreeEntry]) -> None:
        self._suspects: dict[str, _Names] = {}
        parents: dict[str, tuple[str, str]] = {}
        for entry in entries:
            folder, _, name = entry.path.rpartition("/")
            if name.lower() in TELLING_NAMES:
                self._suspects.setdefault(folder, _Names({}, set()))
            while folder and folder not in parents:
                above, _, own = folder.rpartition("/")
                parents[folder] = above, own
                if own.lower() in TELLING_NAMES:
                    self._suspects.setdefault(above, _Names({}, set()))
                folder = above
        if not self._suspects:
            return
        for above, own in parents.values():
            if above in self._suspects:
                self._suspects[above].folders.add(own)
        for entry in entries:
            folder, _, name = entry.path.rpartition("/")
            if folder in self._suspects:
                self._suspects[folder].files[name] = entry
                if entry.mode == _LINK:
                    self._suspects[folder].folders.add(name)

    def telling_files(self) -> list[TreeEntry]:
        """The files whose content shows whether a folder is part of a repository."""
        return [
            entry
            for names in self._suspects.values()
            if sum(map(is_git_name, (*names.files, *names.folders))) > 1
            for name, entry in names.files.items()
            if name.lower() in PROVING_NAMES and entry.is_regular_file
        ]

    def folders(self, read: Callable[[TreeEntry], bytes | None]) -> frozenset[str]:
        """The folders inside a repository, "" being the root. `read` returns the bytes of a file,
        or None if they are not available.
        """
        found = set()
        for folder, names in self._suspects.items():

            def read_here(name: str, files: dict[str, TreeEntry] = names.files) -> bytes | None:
                return read(files[name])

            if shape_of(names.files, names.folders, read_here) is not None:
                found.add(folder)
        return frozenset(found)


def is_inside(path: str, repositories: frozenset[str]) -> bool:
    """Whether a file belongs to one of these repositories: it is below one, or is one of git's
    files at the root, where the tree's own files are beside it.
    """
    if not repositories:
        return False
    if "" in repositories and is_git_name(path.partition("/")[0]):
        return True
    end = path.find("/")
    while end >= 0:
        if path[:end] in repositories:
            return True
        end = path.find("/", end + 1)
    return False
