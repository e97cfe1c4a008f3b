"""Scanning a folder in place: one stat per file, and a hash only of files whose stamp changed."""

from __future__ import annotations

import os
import stat
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from kodit.domain.errors import TransientError
from kodit.domain.report import Report, ignore_report
from kodit.domain.source import KnownFile, stamp_mark
from kodit.domain.text import is_text
from kodit.domain.value_objects import FileStamp, Scan, ScannedFile
from kodit.infrastructure.file_sizes import limit_of
from kodit.infrastructure.folder.attributes import ATTRIBUTES
from kodit.infrastructure.folder.builtin import GENERATED, VENDORED
from kodit.infrastructure.folder.content import blob_id
from kodit.infrastructure.folder.marks import foreign_mark
from kodit.infrastructure.folder.nothing_left import IgnoredEntries
from kodit.infrastructure.folder.reading import (
    concerns_one_file,
    open_directory,
    open_root,
    read_regular_file,
)
from kodit.infrastructure.folder.repository import git_directory_at, is_bare
from kodit.infrastructure.folder.repository_shape import (
    REPOSITORY_DATA,
    Shape,
    is_git_name,
    may_be_repository,
    shape_of,
)
from kodit.infrastructure.folder.rules import IGNORED, DirectoryRules
from kodit.infrastructure.folder.work_trees import rules_of_root, rules_of_work_tree

RACY_NS = 2_000_000_000
"""A file modified within this time before a scan may be modified again without a new stamp."""
TOO_LARGE = "too large"
NESTED_REPOSITORY = "nested repository"
SYMBOLIC_LINK = "symbolic link"
MAXIMUM_DEPTH = 256
"""Deeper folders are skipped: each level holds a descriptor, and a tree can be deep on purpose."""

_LARGEST = 2**63 - 1
"""The largest integer that the database stores."""

CACHE_SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55"
"""First bytes of CACHEDIR.TAG, by the Cache Directory Tagging Specification."""

DATA_DIRECTORY = frozenset({"kodit.db", "write.lock"})
"""Files that every data directory of Kodit contains. In a folder that is indexed, its lock files
would be new files at every scan.
"""


def scan_folder(  # noqa: PLR0917 - run in a child process, which passes plain tuples
    root: str,
    known: Mapping[str, KnownFile],
    last_scan_ns: int = 0,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    report: Report = ignore_report,
    *,
    submodules: bool = False,
) -> Scan:
    """Compare the folder `root` (absolute, without symbolic links) with the files in `known`.

    `last_scan_ns` is the `scanned_at_ns` of the scan that `known` comes from. Symbolic links are
    never followed and nothing is written. With `submodules`, nested repositories are read as they
    are checked out. Raises SourceError if there is no such folder, and TransientError if the
    machine cannot read it.
    """
    started_ns = time.time_ns()
    folder = Path(root)
    scanner = Scanner(folder, known, last_scan_ns, report, submodules=submodules)
    descriptor = open_root(root)
    try:
        scanner.scan(root_folder(descriptor, folder, include, exclude))
    except OSError as error:
        raise TransientError(f"the folder {root} cannot be read: {error.strerror}") from error
    finally:
        os.close(descriptor)
    return scanner.result(started_ns)


def root_folder(
    descriptor: int, root: Path, include: Sequence[str], exclude: Sequence[str]
) -> ScannedFolder:
    """The open root of a source, with the rules that apply there."""
    rules, in_repository = rules_of_root(root, include, exclude)
    return ScannedFolder(descriptor, "", rules, in_repository, 0)


class ScannedFolder(NamedTuple):
    """An open folder: its path ("" or with a trailing slash), its rules, whether it is in a git
    work tree, its depth, and whether it is inside a bare repository, which is only searched for
    work trees.
    """

    descriptor: int
    prefix: str
    rules: DirectoryRules
    in_repository: bool
    depth: int
    in_bare_repository: bool = False


class Scanner:
    """Walks a folder by its rules."""

    def __init__(
        self,
        root: Path,
        known: Mapping[str, KnownFile],
        last_scan_ns: int,
        report: Report,
        *,
        submodules: bool = False,
    ) -> None:
        self._root = root
        self._with_submodules = submodules
        self._known = known
        self._racy_from = last_scan_ns - RACY_NS
        self._report = report
        self._total = len(known) or None
        self._changed: list[ScannedFile] = []
        self._met: set[str] = set()
        self._unchanged = 0
        self._skipped: Counter[str] = Counter()
        self._ignored = IgnoredEntries()
        self._repositories: list[str] = []
        self._top = ""

    def result(self, started_ns: int) -> Scan:
        if not self._met and not self._changed:
            self._skipped.update(self._ignored.by_rule(self._top))
        gone = () if len(self._met) == len(self._known) else self._known.keys() - self._met
        return Scan(
            changed=tuple(sorted(self._changed, key=lambda file: file.path)),
            gone=tuple(sorted(gone)),
            unchanged=self._unchanged,
            skipped=dict(sorted(self._skipped.items())),
            scanned_at_ns=started_ns,
            repositories=tuple(self._repositories),
        )

    def scan(self, folder: ScannedFolder) -> None:
        """Scan a folder and all below it."""
        if not folder.depth:
            self._top = folder.rules.path
        with os.scandir(folder.descriptor) as entries:
            listed = {entry.name: entry for entry in entries}
        if folder.in_bare_repository and ".git" not in listed:
            self._look_for_work_trees(folder, listed)
            return
        reason = self._reason_inside(folder, listed) if folder.depth else None
        shape = None if reason else _shape_of(folder, listed)
        if shape is not None:
            reason = REPOSITORY_DATA
        if reason is not None:
            self._leave_out(folder, "", reason)
        if shape is not None and ".git" in listed:
            # A work tree whose own files look like that: all the others are read.
            listed = {name: entry for name, entry in listed.items() if not is_git_name(name)}
            self._scan_listed(folder, listed)
        elif shape is Shape.GIT:
            self._look_for_work_trees(folder, listed)
        elif reason is None:
            self._scan_listed(folder, listed)

    def _scan_listed(self, folder: ScannedFolder, listed: Mapping[str, os.DirEntry[str]]) -> None:
        gitignore = _rules_file(folder, listed, ".gitignore")
        noindex = _rules_file(folder, listed, ".noindex")
        if folder.depth and ".git" in listed:
            place = self._root / folder.prefix
            rules = rules_of_work_tree(folder.rules, place, is_within=folder.in_repository)
            if rules is not folder.rules:
                self._repositories.append(folder.prefix.removesuffix("/"))
            folder = folder._replace(rules=rules)
        if noindex is not None and not noindex.strip() and not folder.rules.is_named:
            self._leave_out(folder, "", IGNORED)
            return
        attributes = _rules_file(folder, listed, ATTRIBUTES)
        rules = folder.rules.with_files(gitignore, noindex, attributes)
        folder = folder._replace(
            rules=rules,
            in_repository=folder.in_repository or self._is_work_tree(folder, listed),
            in_bare_repository=False,
        )
        self._enter(folder)
        below = []
        for name, entry in self._relevant(folder, listed).items():
            if entry.is_dir(follow_symlinks=False):
                below.append(name)
                continue
            reason = rules.of_file(name)
            if reason is None:
                reason = self._record(folder, entry)
            if reason is not None:
                self._leave_out(folder, name, reason)
        self._report(len(self._met) + len(self._changed), self._total)
        for name in below:
            reason = rules.of_directory(name)
            if reason is None:
                reason = self._descend(folder, name)
            if reason is not None:
                self._leave_out(folder, name, reason, is_folder=True)

    def _leave_out(
        self,
        folder: ScannedFolder,
        name: str,
        reason: str,
        *,
        is_folder: bool = False,
    ) -> None:
        """Count an entry of a folder as left out, or with an empty name the folder itself. One left
        out by the user's own rules is counted only if nothing else is found.
        """
        if reason is not IGNORED:
            self._skipped[reason] += 1
        elif not self._met and not self._changed:
            self._ignored.note(folder.rules, name, is_folder=is_folder)

    def _relevant(
        self, _folder: ScannedFolder, listed: Mapping[str, os.DirEntry[str]]
    ) -> Mapping[str, os.DirEntry[str]]:
        """The entries of a folder that are relevant."""
        return listed

    def _enter(self, folder: ScannedFolder) -> None:
        """Called before a folder whose files are read is scanned; its rules are complete."""

    def _look_for_work_trees(
        self, folder: ScannedFolder, listed: Mapping[str, os.DirEntry[str]]
    ) -> None:
        """Enter only folders that may contain work trees added to a bare repository inside it."""
        inside = folder._replace(in_bare_repository=True)
        for name, entry in listed.items():
            if (
                entry.is_dir(follow_symlinks=False)
                and not is_git_name(name)
                and folder.rules.of_directory(name) is None
            ):
                reason = self._descend(inside, name)
                if reason is not None:
                    self._leave_out(folder, name, reason, is_folder=True)

    def _is_work_tree(self, folder: ScannedFolder, listed: Mapping[str, os.DirEntry[str]]) -> bool:
        """Whether the folder is the root of a work tree. A bare repository whose `.git` is here has
        its work trees beside it, and they are its code.
        """
        if ".git" not in listed:
            return False
        git_directory = git_directory_at(self._root / folder.prefix)
        return git_directory is None or not is_bare(git_directory)

    def _descend(self, folder: ScannedFolder, name: str) -> str | None:
        if folder.depth == MAXIMUM_DEPTH:
            return "too deep"
        if not is_text(name):
            return "undecodable name"
        try:
            descriptor = open_directory(folder.descriptor, name)
        except OSError as error:
            if concerns_one_file(error):
                return "unreadable"
            raise
        try:
            self.scan(
                ScannedFolder(
                    descriptor,
                    f"{folder.prefix}{name}/",
                    folder.rules.enter(name),
                    folder.in_repository,
                    folder.depth + 1,
                    folder.in_bare_repository,
                )
            )
        finally:
            os.close(descriptor)
        return None

    def _reason_inside(
        self, folder: ScannedFolder, listed: Mapping[str, os.DirEntry[str]]
    ) -> str | None:
        """Why a folder is left out for its contents, or None."""
        if folder.in_repository and ".git" in listed and not self._with_submodules:
            return NESTED_REPOSITORY
        if listed.keys() >= DATA_DIRECTORY:
            return GENERATED
        if folder.rules.is_named:
            return None
        if folder.rules.may_be_foreign and foreign_mark(listed) is not None:
            return VENDORED
        if _rules_file(folder, listed, "pyvenv.cfg") is not None:
            return VENDORED
        tag = _rules_file(folder, listed, "CACHEDIR.TAG")
        return GENERATED if tag is not None and tag.startswith(CACHE_SIGNATURE) else None

    def _record(self, folder: ScannedFolder, entry: os.DirEntry[str]) -> str | None:
        """Record a file that the rules let through; returns the reason if they do not, or None."""
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError as error:
            if concerns_one_file(error):
                return "unreadable"
            raise
        path = folder.prefix + entry.name
        known = self._known.get(path)
        mtime_ns, ctime_ns, inode = status.st_mtime_ns, status.st_ctime_ns, status.st_ino
        mark = stamp_mark(mtime_ns, ctime_ns, inode)
        moved = known is None or known[1:] != (status.st_size, mark)
        if not moved and mtime_ns < self._racy_from and ctime_ns < self._racy_from:
            self._met.add(path)
            self._unchanged += 1
            return None
        reason = reason_by_status(path, status)
        if reason is not None:
            return reason
        data = read_regular_file(folder.descriptor, entry.name)
        if data is None:
            return "unreadable"
        if known is not None:
            self._met.add(path)
        content_hash = blob_id(data)
        if not moved and known is not None and known[0] == content_hash:
            self._unchanged += 1
        else:
            stamp = FileStamp(status.st_size, mtime_ns, ctime_ns, inode)
            self._changed.append(ScannedFile(path, content_hash, stamp))
        return None


def _shape_of(folder: ScannedFolder, listed: Mapping[str, os.DirEntry[str]]) -> Shape | None:
    if not may_be_repository(listed):
        return None
    folders = {name for name, entry in listed.items() if entry.is_dir(follow_symlinks=False)}
    links = {name for name, entry in listed.items() if entry.is_symlink()}
    return shape_of(
        listed.keys() - folders,
        folders | links,
        lambda name: read_regular_file(folder.descriptor, name),
    )


def _rules_file(
    folder: ScannedFolder, listed: Mapping[str, os.DirEntry[str]], name: str
) -> bytes | None:
    return read_regular_file(folder.descriptor, name) if name in listed else None


def reason_by_status(path: str, status: os.stat_result) -> str | None:
    """Why a file is left out because of its file-system status, or None."""
    if stat.S_ISLNK(status.st_mode):
        return SYMBOLIC_LINK
    if not stat.S_ISREG(status.st_mode):
        return "special file"
    if not is_text(path):
        return "undecodable name"
    return TOO_LARGE if status.st_size > limit_of(path) else None
