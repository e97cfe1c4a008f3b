"""The attributes and includes that apply to files being read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from kodit.infrastructure.folder.attributes import (
    ATTRIBUTES,
    ENCODING,
    GENERATED,
    NO_ATTRIBUTES,
    Attributes,
    Value,
    is_denied,
)
from kodit.infrastructure.folder.globs import glob_matcher
from kodit.infrastructure.folder.patterns import byte_text, parse_patterns
from kodit.infrastructure.folder.reading import read_files
from kodit.infrastructure.folder.repository import (
    enclosing_work_tree,
    git_directory_at,
    info_file,
    outer_attributes,
)
from kodit.infrastructure.sources.location import Location


class FileMarks:
    """Reads each `.gitattributes` file once, when the first file needs it."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self._folders: dict[str, Attributes] = {}
        self._prefix = ""
        self._named = glob_matcher(
            [
                glob
                for glob in location.source.include
                for pattern in parse_patterns(glob.encode("utf-8", "surrogateescape"))
                if pattern.whole_path or pattern.is_literal
            ]
        )

    def encoding(self, path: str) -> str | None:
        """The declared encoding of a file on disk, or None; git itself stores UTF-8."""
        if not self._location.is_folder:
            return None
        encoding = self._of(path).get(ENCODING)
        return encoding if isinstance(encoding, str) and encoding else None

    def is_own(self, path: str) -> bool:
        """Whether a file that looks generated is hand-written: by its attribute, or because an
        include pattern names it.
        """
        return self._named(path) or is_denied(self._of(path).get(GENERATED))

    def _of(self, path: str) -> dict[str, Value]:
        attributes = self._in_folder(path.rpartition("/")[0])
        return attributes.of(byte_text(self._prefix + path))

    def _in_folder(self, folder: str) -> Attributes:
        known = self._folders.get(folder)
        if known is not None:
            return known
        base = f"{folder}/" if folder else ""
        above = self._in_folder(folder.rpartition("/")[0]) if folder else self._above()
        place = byte_text(self._prefix + base)
        is_top = not place
        if folder and self._is_repository(folder):
            above = NO_ATTRIBUTES.with_strongest(place, self._info(folder))
            is_top = True
        found = above.with_file(place, self._content(base + ATTRIBUTES), is_top=is_top)
        self._folders[folder] = found
        return found

    def _above(self) -> Attributes:
        """The attributes that apply at the root of the source, and the root's path in its work
        tree.
        """
        if not self._location.is_folder:
            return NO_ATTRIBUTES
        root = Path(self._location.path)
        tree = enclosing_work_tree(root)
        if tree is None:
            return NO_ATTRIBUTES
        below = root.relative_to(tree.root).as_posix()
        self._prefix = "" if below == "." else f"{below}/"
        return outer_attributes(root, tree)

    def _is_repository(self, folder: str) -> bool:
        """Whether the folder is the root of a nested repository, such as a submodule, to which the
        attributes above do not apply.
        """
        if self._location.is_folder:
            return self._is_there(f"{folder}/.git") and (
                git_directory_at(Path(self._location.path, folder)) is not None
            )
        return folder in self._submodules

    def _is_there(self, path: str) -> bool:
        """Whether a folder has an entry: most have none of those looked for, and asking costs a
        tenth of trying to read it.
        """
        return os.path.lexists(f"{self._location.path}/{path}")

    def _info(self, folder: str) -> bytes | None:
        if not self._location.is_folder:
            return None
        return info_file(Path(self._location.path, folder), "attributes")

    @cached_property
    def _submodules(self) -> Mapping[str, str]:
        """The commits of the submodules in a clone, by path."""
        if self._location.is_folder or not self._location.source.submodules:
            return {}
        from kodit.infrastructure.git.submodules import read_record  # noqa: PLC0415 - as below

        return read_record(Path(self._location.path)).fetched

    def _content(self, path: str) -> bytes | None:
        if self._location.is_folder:
            found = self._is_there(path)
            return read_files(self._location.path, [path])[0] if found else None
        from kodit.infrastructure.git.transfer import TIP  # noqa: PLC0415 - a folder needs no git
        from kodit.infrastructure.git.tree import read_blobs  # noqa: PLC0415 - likewise

        if "\n" in path:
            return None
        within = (one for one in self._submodules if path.startswith(f"{one}/"))
        root = max(within, key=len, default="")
        commit = self._submodules.get(root, TIP)
        blob = f"{commit}:{path[len(root) + 1 :] if root else path}"
        return read_blobs(Path(self._location.path), [blob])[0]
