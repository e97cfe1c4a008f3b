"""Scanning a folder in place: one stat per file, and a hash only where something moved."""

from __future__ import annotations

import os
import stat
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from kodit.domain.errors import TransientError
from kodit.domain.source import FileStamp, KnownFile, Scan, ScannedFile
from kodit.infrastructure.folder.builtin import GENERATED, MAXIMUM_FILE_BYTES, VENDORED
from kodit.infrastructure.folder.content import blob_id
from kodit.infrastructure.folder.reading import (
    is_about_this_file,
    open_directory,
    open_root,
    read_regular_file,
)
from kodit.infrastructure.folder.repository import enclosing_work_tree, outer_ignore_files
from kodit.infrastructure.folder.rules import IGNORED, DirectoryRules

RACY_NS = 2_000_000_000
"""A file that changed within this time of a scan may change again without its stamp moving."""
MAXIMUM_DEPTH = 256
"""Deeper folders are skipped: each level holds a descriptor, and a tree can be made to be deep."""

CACHE_SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55"
"""First bytes of CACHEDIR.TAG, by the Cache Directory Tagging Specification."""

Report = Callable[[int, int | None], None]
"""Called with what is done so far and the total, None while that is unknown."""


def ignore_report(_done: int, _total: int | None) -> None:
    """The report of a caller who does not ask for progress."""


def scan_folder(
    root: str,
    known: Mapping[str, KnownFile],
    last_scan_ns: int = 0,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    report: Report = ignore_report,
) -> Scan:
    """Compare the folder `root` (absolute, without symbolic links) with what is `known` of it.

    `last_scan_ns` is the `scanned_at_ns` of the scan that `known` comes from. Symbolic links are
    never followed and nothing is written. Raises SourceError if there is no such folder, and
    TransientError if the machine cannot read it.
    """
    started_ns = time.time_ns()
    scanner = _Scanner(known, last_scan_ns, report)
    folder = Path(root)
    tree = enclosing_work_tree(folder)
    if tree is None:
        rules = DirectoryRules.at_root(include=include, exclude=exclude)
    else:
        below = folder.relative_to(tree.root).as_posix()
        rules = DirectoryRules.at_root(
            "" if below == "." else f"{below}/", outer_ignore_files(folder, tree), include, exclude
        )
    descriptor = open_root(root)
    try:
        scanner.scan(descriptor, "", rules, in_repository=tree is not None)
    except OSError as error:
        raise TransientError(f"The folder {root} cannot be read: {error.strerror}.") from error
    finally:
        os.close(descriptor)
    return scanner.result(started_ns)


class _Scanner:
    def __init__(self, known: Mapping[str, KnownFile], last_scan_ns: int, report: Report) -> None:
        self._known = known
        self._racy_from = last_scan_ns - RACY_NS
        self._report = report
        self._total = len(known) or None
        self._changed: list[ScannedFile] = []
        self._met: set[str] = set()
        self._unchanged = 0
        self._skipped: Counter[str] = Counter()

    def result(self, started_ns: int) -> Scan:
        gone = () if len(self._met) == len(self._known) else self._known.keys() - self._met
        return Scan(
            changed=tuple(sorted(self._changed, key=lambda file: file.path)),
            gone=tuple(sorted(gone)),
            unchanged=self._unchanged,
            skipped=dict(sorted(self._skipped.items())),
            scanned_at_ns=started_ns,
        )

    def scan(
        self,
        directory: int,
        prefix: str,
        rules: DirectoryRules,
        *,
        in_repository: bool,
        depth: int = 0,
    ) -> None:
        """Take in one open folder and what is below it."""
        with os.scandir(directory) as entries:
            listed = {entry.name: entry for entry in entries}
        if depth:
            reason = self._reason_inside(directory, listed, in_repository)
            if reason is not None:
                self._skipped[reason] += 1
                return
        gitignore = self._rules_file(directory, listed, ".gitignore")
        noindex = self._rules_file(directory, listed, ".noindex")
        if noindex is not None and not noindex.strip():
            return
        rules = rules.with_files(gitignore, noindex)
        in_repository = in_repository or ".git" in listed
        folders = []
        for name, entry in listed.items():
            if entry.is_dir(follow_symlinks=False):
                folders.append(name)
                continue
            reason = rules.of_file(name)
            if reason is None:
                reason = self._take_in(directory, prefix + name, entry)
            if reason is not None and reason is not IGNORED:
                self._skipped[reason] += 1
        self._report(len(self._met) + len(self._changed), self._total)
        for name in folders:
            reason = rules.of_directory(name)
            if reason is None:
                reason = self._descend(directory, prefix, name, rules, in_repository, depth)
            if reason is not None and reason is not IGNORED:
                self._skipped[reason] += 1

    def _descend(
        self,
        parent: int,
        prefix: str,
        name: str,
        rules: DirectoryRules,
        in_repository: bool,
        depth: int,
    ) -> str | None:
        if depth == MAXIMUM_DEPTH:
            return "too deep"
        if not is_text(name):
            return "undecodable name"
        try:
            descriptor = open_directory(parent, name)
        except OSError as error:
            if is_about_this_file(error):
                return "unreadable"
            raise
        try:
            self.scan(
                descriptor,
                f"{prefix}{name}/",
                rules.enter(name),
                in_repository=in_repository,
                depth=depth + 1,
            )
        finally:
            os.close(descriptor)
        return None

    @staticmethod
    def _reason_inside(
        directory: int, listed: dict[str, os.DirEntry[str]], in_repository: bool
    ) -> str | None:
        """Why a folder is left out for what lies in it, or None."""
        if in_repository and ".git" in listed:
            return "nested repository"
        if "pyvenv.cfg" in listed:
            return VENDORED
        if "CACHEDIR.TAG" in listed:
            tag = read_regular_file(directory, "CACHEDIR.TAG")
            if tag is not None and tag.startswith(CACHE_SIGNATURE):
                return GENERATED
        return None

    @staticmethod
    def _rules_file(directory: int, listed: dict[str, os.DirEntry[str]], name: str) -> bytes | None:
        return read_regular_file(directory, name) if name in listed else None

    def _take_in(self, directory: int, path: str, entry: os.DirEntry[str]) -> str | None:
        """Record a file that the rules let through; returns why not, or None."""
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError as error:
            if is_about_this_file(error):
                return "unreadable"
            raise
        if not stat.S_ISREG(status.st_mode):
            return "symbolic link" if stat.S_ISLNK(status.st_mode) else "special file"
        if status.st_size > MAXIMUM_FILE_BYTES:
            return "too large"
        mtime_ns, ctime_ns = status.st_mtime_ns, status.st_ctime_ns
        known = self._known.get(path)
        moved = known is None or known[1:] != (
            status.st_size,
            mtime_ns,
            ctime_ns,
            status.st_ino,
        )
        if not moved and mtime_ns < self._racy_from and ctime_ns < self._racy_from:
            self._met.add(path)
            self._unchanged += 1
            return None
        if not is_text(path):
            return "undecodable name"
        data = read_regular_file(directory, entry.name)
        if data is None:
            return "unreadable"
        content_hash = blob_id(data)
        if known is not None:
            self._met.add(path)
        if known is not None and not moved and known[0] == content_hash:
            self._unchanged += 1
            return None
        stamp = FileStamp(status.st_size, mtime_ns, ctime_ns, status.st_ino)
        self._changed.append(ScannedFile(path, content_hash, stamp))
        return None


def is_text(name: str) -> bool:
    """Whether a name can be stored as UTF-8."""
    return name.isascii() or not any("\ud800" <= character <= "\udfff" for character in name)
