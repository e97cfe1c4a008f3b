"""The files and folders that a scan of a folder leaves out, and the rule for each."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from kodit.domain.errors import TransientError
from kodit.domain.left_out import LeftOut, Presence
from kodit.domain.report import Report
from kodit.domain.value_objects import Source
from kodit.infrastructure.file_sizes import limit_of
from kodit.infrastructure.folder.builtin import GENERATED, VENDORED
from kodit.infrastructure.folder.marks import foreign_mark
from kodit.infrastructure.folder.reading import concerns_one_file, open_directory, open_root
from kodit.infrastructure.folder.repository_shape import REPOSITORY_DATA
from kodit.infrastructure.folder.scan import (
    DATA_DIRECTORY,
    MAXIMUM_DEPTH,
    NESTED_REPOSITORY,
    ScannedFolder,
    Scanner,
    reason_by_status,
    root_folder,
)

MOST_COUNTED = 10_000
"""Files that are counted in one left-out folder."""


def left_out_of_folder(
    source: Source, only_path: str | None, report: Report
) -> tuple[list[LeftOut], Presence]:
    """The files and folders below a folder that are left out now, by path; or only `only_path`, and
    whether it exists. Raises the same errors as a scan.
    """
    root = Path(source.location)
    scanner = _LeftOutScanner(root, only_path, report, submodules=source.submodules)
    descriptor = open_root(source.location)
    try:
        scanner.scan(root_folder(descriptor, root, source.include, source.exclude))
    except OSError as error:
        raise TransientError(f"the folder {root} cannot be read: {error.strerror}") from error
    finally:
        os.close(descriptor)
    return sorted(scanner.found, key=lambda one: one.path), scanner.presence


class _LeftOutScanner(Scanner):
    """Reads no files: files left out for their content are not found here."""

    def __init__(
        self, root: Path, only_path: str | None, report: Report, *, submodules: bool
    ) -> None:
        super().__init__(root, {}, 0, report, submodules=submodules)
        self._names = None if only_path is None else only_path.strip("/").split("/")
        self._starting_path: str | None = None
        self.found: list[LeftOut] = []
        self.presence = Presence.GONE if only_path else Presence.FOLDER

    def scan(self, folder: ScannedFolder) -> None:
        if self._starting_path is None:
            self._starting_path = folder.rules.path
        super().scan(folder)

    def _relevant(
        self, folder: ScannedFolder, listed: Mapping[str, os.DirEntry[str]]
    ) -> Mapping[str, os.DirEntry[str]]:
        if self._names is None:
            return listed
        if folder.depth >= len(self._names):
            return {}
        name = self._names[folder.depth]
        if name not in listed:
            return {}
        if folder.depth == len(self._names) - 1:
            is_folder = listed[name].is_dir(follow_symlinks=False)
            self.presence = Presence.FOLDER if is_folder else Presence.FILE
        return {name: listed[name]}

    def _record(self, folder: ScannedFolder, entry: os.DirEntry[str]) -> str | None:
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError as error:
            if concerns_one_file(error):
                return "unreadable"
            raise
        return reason_by_status(folder.prefix + entry.name, status)

    def _leave_out(
        self, folder: ScannedFolder, name: str, reason: str, *, is_folder: bool = False
    ) -> None:
        files, is_counted = 1, True
        if is_folder or not name:
            files, is_counted = _count(folder.descriptor, name)
            if self._names is not None:
                self.presence = self._below(folder.descriptor, name, folder.depth)
        rule = self._rule(folder, name, reason, is_folder=is_folder)
        path = folder.prefix + name + ("/" if is_folder else "")
        self.found.append(LeftOut(path or "./", reason, rule, files, is_counted))

    def _below(self, descriptor: int, name: str, depth: int) -> Presence:
        """Where the rest of `only_path` leads inside a left-out folder."""
        rest = (self._names or [])[depth + 1 if name else depth :]
        below = "/".join([*([name] if name else []), *rest])
        try:
            status = os.stat(below or ".", dir_fd=descriptor, follow_symlinks=False)
        except OSError:
            return Presence.GONE
        return Presence.FOLDER if stat.S_ISDIR(status.st_mode) else Presence.FILE

    def _rule(self, folder: ScannedFolder, name: str, reason: str, *, is_folder: bool) -> str:
        if not name:
            return _rule_inside(folder, reason)
        match reason:
            case "symbolic link":
                return self._link(folder, name)
            case "too large":
                size = os.stat(name, dir_fd=folder.descriptor, follow_symlinks=False).st_size
                return f"{size:,} bytes; at most {limit_of(name):,} are read"
            case "too deep":
                return f"below {MAXIMUM_DEPTH} folders"
            case "special file" | "undecodable name" | "unreadable":
                return reason
        return folder.rules.why(name, self._starting_path or "", is_directory=is_folder)

    def _link(self, folder: ScannedFolder, name: str) -> str:
        try:
            target = os.readlink(name, dir_fd=folder.descriptor)
        except OSError:
            return "symbolic links are not followed"
        place = os.path.normpath(self._root / folder.prefix / target)
        outside = "" if Path(place).is_relative_to(self._root) else ", outside the source"
        return f"a link to {target}{outside}"


def _rule_inside(folder: ScannedFolder, reason: str) -> str:
    """Why a folder is left out for its contents."""
    if reason == NESTED_REPOSITORY:
        return "a nested repository, by its .git, which --submodules would index"
    if reason == REPOSITORY_DATA:
        return "data of a version-control system, by its files"
    with os.scandir(folder.descriptor) as entries:
        names = {entry.name for entry in entries}
    if reason == VENDORED:
        mark = foreign_mark(names) if folder.rules.may_be_foreign else None
        if mark is not None:
            return f"third-party code, by its {mark}"
        return "a virtual environment, by its pyvenv.cfg"
    if reason == GENERATED:
        is_data = names >= DATA_DIRECTORY
        return "a data directory of Kodit" if is_data else "a cache, by its CACHEDIR.TAG"
    return ".noindex: empty"


def _count(descriptor: int, name: str) -> tuple[int, bool]:
    """The number of files in a folder, and whether that is all of them."""
    count = 0
    for _ in _files(descriptor, name, 0):
        count += 1
        if count > MOST_COUNTED:
            return MOST_COUNTED, False
    return count, True


def _files(parent: int, name: str, depth: int) -> Iterator[None]:
    try:
        descriptor = open_directory(parent, name or ".")
    except OSError:
        return
    try:
        below = []
        with os.scandir(descriptor) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    below.append(entry.name)
                else:
                    yield
        if depth < MAXIMUM_DEPTH:
            for inner in below:
                yield from _files(descriptor, inner, depth + 1)
    finally:
        os.close(descriptor)
