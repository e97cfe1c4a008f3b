"""One watched folder: which subfolders are scanned, and what an event in them means."""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Iterator, Mapping, Set
from contextlib import suppress
from pathlib import Path
from typing import Final

from kodit.domain.errors import KoditError
from kodit.domain.ports.watching import FolderChanges, WatchedFolder
from kodit.domain.source import KnownFile
from kodit.domain.value_objects import FileStamp
from kodit.infrastructure.folder.repository import WorkTree, enclosing_work_tree
from kodit.infrastructure.folder.scan import ScannedFolder, reason_by_status
from kodit.infrastructure.folder.user_ignores import files_of_user
from kodit.infrastructure.watching.folder_lister import FolderLister, stamp_of

_RULE_FILES: Final = frozenset(
    {".gitignore", ".noindex", ".gitattributes", ".git", "pyvenv.cfg", "CACHEDIR.TAG"}
)
"""Files that may affect all files beside and below them."""
_OF_GIT: Final = frozenset({"HEAD", "packed-refs", "logs"})
_CHANGES_NO_RULE: Final = frozenset({"HEAD", "packed-refs"})
_LONGEST_GIT_LOCK_SECONDS = 120.0
"""An older lock was left by a killed git."""


class WatchedTree:
    """The folders below one root that a scan enters, each with its rules."""

    def __init__(self, folder: WatchedFolder) -> None:
        self.folder = folder
        self.root = folder.source.location
        self._folders: dict[str, ScannedFolder] = {}
        self._files: dict[str, FileStamp | None] = {}
        self._beside: dict[str, frozenset[str]] = {}
        self._git_lock: Path | None = None
        self._needs_scan = False
        self._must_look = False
        self.is_outdated = False
        """Whether the set of folders to watch has changed."""

    @property
    def is_there(self) -> bool:
        """Whether the folder existed at the last look."""
        return "" in self._folders

    def places(self, *, each: bool) -> Iterator[str]:
        """The absolute paths of the folders in which relevant events may happen: `each` of them, or
        only the topmost ones.
        """
        for prefix in self._folders if each else [""]:
            yield f"{self.root}/{prefix}".rstrip("/") or "/"
        yield from self._beside

    def look(
        self, known: Mapping[str, KnownFile] | None = None, last_scan_ns: int = 0
    ) -> FolderChanges:
        """Find the current folders and rules. With `known`, returns how the files differ from
        it.
        """
        self._must_look = False
        before = self._folders.keys()
        lister = FolderLister(self.root, known, last_scan_ns, self.folder.source)
        try:
            lister.walk()
        except (KoditError, OSError):  # it does not exist, or cannot be read
            lister.folders.clear()
            known = None
        self._folders = lister.folders
        self.is_outdated |= self._folders.keys() != before
        self._check_outside()
        if known is None:
            return FolderChanges()
        gone = dict.fromkeys(known.keys() - lister.met)
        needs_scan = bool(lister.racy) or self._has_new_commits(last_scan_ns)
        return FolderChanges(lister.differing | gone, needs_scan)

    def recheck(self, prefixes: Set[str]) -> None:
        """Check whether anything appeared in these folders between listing and watching them."""
        for prefix in prefixes:
            above = prefix.rstrip("/").rpartition("/")[0]
            if prefix and (f"{above}/" if above else "") not in prefixes:
                self._enter(prefix)

    def prefixes(self) -> frozenset[str]:
        """The currently known folders."""
        return frozenset(self._folders)

    def take(self) -> FolderChanges:
        """The changes since the last call."""
        changes = FolderChanges(self._files, self._needs_scan)
        self._files, self._needs_scan = {}, False
        return changes

    def need_scan(self) -> None:
        """Note an unknown change."""
        self._needs_scan = True

    def note(self, path: str) -> None:
        """Note an event at an absolute path."""
        parent, _, name = path.rpartition("/")
        if name in self._beside.get(parent, ()):
            self._needs_scan = True
            self._must_look |= name not in _CHANGES_NO_RULE
        elif path == self.root:
            # A folder that replaced it is not watched yet.
            self._must_look = self.is_outdated = True
            self._needs_scan |= Path(path).is_dir()
        elif path.startswith(top := f"{self.root.rstrip('/')}/"):
            self._note_below(path[len(top) :], name)

    def catch_up(self) -> None:
        """Look at the whole folder, if a noted event requires it."""
        if self._must_look:
            self.look()

    def is_changing(self) -> bool:
        """Whether git holds the lock that it takes while it changes files."""
        if self._git_lock is None:
            return False
        with suppress(OSError):
            return time.time() - self._git_lock.stat().st_mtime < _LONGEST_GIT_LOCK_SECONDS
        return False

    def _note_below(self, relative: str, name: str) -> None:
        folder = self._folders.get(relative[: len(relative) - len(name)])
        if folder is None:
            return
        if name in _RULE_FILES:
            self._needs_scan = self._must_look = True
        try:
            status = os.lstat(f"{self.root}/{relative}")
        except OSError:
            status = None
        if f"{relative}/" in self._folders:
            self._leave(f"{relative}/")
        elif status is None and folder.rules.of_file(name) is None:
            self._files[relative] = None
        if status is None:
            return
        if stat.S_ISDIR(status.st_mode):
            if folder.rules.of_directory(name) is None:
                self._enter(f"{relative}/")
        elif folder.rules.of_file(name) is None and reason_by_status(relative, status) is None:
            self._files[relative] = stamp_of(status)

    def _enter(self, prefix: str) -> None:
        """Handle a new folder with everything in it."""
        above, _, name = prefix.rstrip("/").rpartition("/")
        parent = self._folders.get(f"{above}/" if above else "")
        if parent is None:
            return
        lister = FolderLister(self.root, {}, 0, self.folder.source)
        try:
            lister.walk_below(parent, name)
        except (KoditError, OSError):
            return
        self.is_outdated |= not lister.folders.keys() <= self._folders.keys()
        self._folders |= lister.folders
        self._files |= lister.differing

    def _leave(self, prefix: str) -> None:
        """Handle a folder that is gone or was replaced."""
        for one in [one for one in self._folders if one.startswith(prefix)]:
            del self._folders[one]
        self.is_outdated = True
        self._needs_scan = True

    def _has_new_commits(self, since_ns: int) -> bool:
        """Whether there may have been a commit or checkout since."""
        for folder, names in self._beside.items():
            for name in names & {"HEAD", "packed-refs"}:
                with suppress(OSError):
                    if Path(folder, name).stat().st_mtime_ns >= since_ns:
                        return True
        return False

    def _check_outside(self) -> None:
        """Check relevant files outside the folder: git's data, and ignore files above."""
        tree = enclosing_work_tree(Path(self.root)) if self.is_there else None
        beside: dict[str, frozenset[str]] = {}
        self._git_lock = None
        if tree is not None:
            self._git_lock = tree.git_directory / "index.lock"
            beside = dict(_places_of_git(tree))
            for above in Path(self.root).parents:
                if not above.is_relative_to(tree.root):
                    break
                beside[str(above)] = frozenset({".gitignore", ".gitattributes"})
            for folder, names in _places_of_user():
                beside[folder] = beside.get(folder, frozenset()) | names
        self.is_outdated |= beside.keys() != self._beside.keys()
        self._beside = beside


def _places_of_git(tree: WorkTree) -> Iterator[tuple[str, frozenset[str]]]:
    yield str(tree.git_directory), _OF_GIT
    for folder, names in (
        (tree.git_directory / "logs", {"HEAD"}),
        (tree.common_directory / "info", {"exclude", "attributes"}),
    ):
        if folder.is_dir():
            yield str(folder), frozenset(names)


def _places_of_user() -> Iterator[tuple[str, frozenset[str]]]:
    """The locations of the user's own ignore file and of the configuration that names it. A system
    that watches whole trees would watch the whole home for files in it.
    """
    for path in files_of_user():
        holds_home = Path(os.environ.get("HOME") or "/").is_relative_to(path.parent)
        if path.parent.is_dir() and (sys.platform == "linux" or not holds_home):
            yield str(path.parent), frozenset({path.name})
