"""The files that are left out of the tree of a commit, and the rule for each."""

from __future__ import annotations

from pathlib import Path

from kodit.domain.left_out import LeftOut, Presence
from kodit.domain.value_objects import Source
from kodit.infrastructure.file_sizes import limit_of
from kodit.infrastructure.folder.builtin import GENERATED, VENDORED
from kodit.infrastructure.folder.repository_shape import REPOSITORY_DATA
from kodit.infrastructure.folder.rules import IGNORED
from kodit.infrastructure.folder.scan import NESTED_REPOSITORY
from kodit.infrastructure.git.objects import TreeEntry
from kodit.infrastructure.git.submodules import refusals
from kodit.infrastructure.git.tree import Listing, reading


def left_out_of_tree(
    clone: Path, commit: str, source: Source, only_path: str | None
) -> tuple[list[LeftOut], Presence]:
    """The files and folders of a commit that are left out, by path; or only `only_path`, and
    whether it exists. Raises the same errors as listing a commit.
    """
    listing = _LeftOutListing(clone, source)
    with reading(clone):
        listing.walk(commit)
    found = listing.left_out()
    if only_path is None:
        return found, Presence.FOLDER
    wanted = only_path.strip("/")
    presence = Presence.GONE
    if wanted in listing.paths:
        presence = Presence.FILE
    elif any(path.startswith(f"{wanted}/") for path in listing.paths):
        presence = Presence.FOLDER
    return [one for one in found if _holds(one.path, wanted)], presence


def _holds(left_out: str, path: str) -> bool:
    """Whether the left-out file or folder is this path, or a folder that contains it."""
    return left_out.rstrip("/") == path or (
        left_out.endswith("/") and f"{path}/".startswith(left_out)
    )


class _LeftOutListing(Listing):
    def __init__(self, clone: Path, source: Source) -> None:
        super().__init__(clone, {}, source.include, source.exclude, submodules=source.submodules)
        self._refused = refusals(clone) if source.submodules else {}
        self._clone = clone
        self._found: dict[str, tuple[str, str]] = {}
        self._files: dict[str, int] = {}
        self._folders_left_out: set[str] = set()
        self.paths: list[str] = []

    def left_out(self) -> list[LeftOut]:
        """Sorted by path."""
        return [
            LeftOut(
                f"{path}/" if path in self._folders_left_out else path,
                reason,
                rule,
                self._files.get(path, 0) if path in self._folders_left_out else 1,
            )
            for path, (reason, rule) in sorted(self._found.items())
        ]

    def _is_candidate(self, entry: TreeEntry) -> bool:
        self.paths.append(entry.path)
        if super()._is_candidate(entry):
            return True
        folder = entry.path
        while folder:  # the file counts for the folder that is left out
            if folder in self._folders_left_out:
                self._files[folder] = self._files.get(folder, 0) + 1
                break
            folder = folder.rpartition("/")[0]
        return False

    def _leave_out(self, path: str, reason: str, *, is_folder: bool = False) -> None:
        if is_folder:
            self._folders_left_out.add(path)
        self._found[path] = reason, self._rule(path, reason, is_folder=is_folder)

    def _rule(self, path: str, reason: str, *, is_folder: bool) -> str:
        match reason:
            case "symbolic link":
                return "symbolic links are not followed"
            case "too large":
                return f"more than {limit_of(path):,} bytes"
            case "undecodable name":
                return reason
        parent, _, name = path.rpartition("/")
        above = self._rules_of(parent) if path else None
        if above is None:
            return "data of a version-control system, by its files"
        by_name = above.of_directory(name) if is_folder else above.of_file(name)
        if by_name is not None:
            return above.why(name, "", is_directory=is_folder)
        inside: dict[str, str] = {
            NESTED_REPOSITORY: self._why_not_fetched(path),
            REPOSITORY_DATA: "data of a version-control system, by its files",
            VENDORED: self._by_mark(path),
            GENERATED: "a cache, by its CACHEDIR.TAG",
            IGNORED: ".noindex: empty",
        }
        return inside.get(reason, reason)

    def _why_not_fetched(self, path: str) -> str:
        if not self._with_submodules:
            return "a submodule, which --submodules would index"
        return f"a submodule: {self._refused.get(path, 'not fetched')}"

    def _by_mark(self, folder: str) -> str:
        mark = self._foreign_marks.get(folder)
        if mark is not None:
            return f"third-party code, by its {mark}"
        return "a virtual environment, by its pyvenv.cfg"
