"""The files of a commit in a bare clone, without a work tree."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path

from kodit.domain.source import KnownFile
from kodit.domain.text import is_text
from kodit.domain.value_objects import FileStamp, Scan, ScannedFile
from kodit.infrastructure.file_sizes import limit_of, usual_limit
from kodit.infrastructure.files import write_atomically
from kodit.infrastructure.folder.attributes import ATTRIBUTES
from kodit.infrastructure.folder.builtin import GENERATED, VENDORED
from kodit.infrastructure.folder.content import blob_id
from kodit.infrastructure.folder.marks import is_foreign_mark
from kodit.infrastructure.folder.nothing_left import IgnoredEntries
from kodit.infrastructure.folder.repository_shape import REPOSITORY_DATA, is_git_name
from kodit.infrastructure.folder.rules import IGNORED, DirectoryRules
from kodit.infrastructure.folder.scan import CACHE_SIGNATURE, TOO_LARGE
from kodit.infrastructure.folder.tracked import ALL_TRACKED
from kodit.infrastructure.git import objects
from kodit.infrastructure.git.clone import mark_damaged
from kodit.infrastructure.git.errors import DamagedCloneError, error_of_reading
from kodit.infrastructure.git.objects import TreeEntry
from kodit.infrastructure.git.repositories_in_trees import CommittedRepositories, is_inside
from kodit.infrastructure.git.runner import GitError
from kodit.infrastructure.git.submodules import with_submodules

RULES_VERSION = 1
"""Raise it when the rules leave out different files of a commit: the files of git sources are then
listed again.
"""
_LISTED_BY = "kodit-listed-by"
_RULE_FILES = (".gitignore", ".noindex", ATTRIBUTES, "CACHEDIR.TAG", "pyvenv.cfg")


def list_files(
    clone_path: Path,
    commit: str | None,
    known: Mapping[str, KnownFile],
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    *,
    submodules: bool = False,
) -> Scan:
    """Compare the files of `commit` with those in `known`; None is a repository without commits.
    With `submodules`, the files of fetched submodules are included.

    The rules are those of a folder, with the ignore files that the commit itself contains.
    """
    listing = Listing(clone_path, known, include, exclude, submodules=submodules)
    if commit is not None:
        with reading(clone_path):
            listing.walk(commit)
    return listing.result(commit)


def record_listing(clone_path: Path) -> None:
    """Record the rules by which the files of a clone were listed."""
    if clone_path.is_dir() and not is_listing_current(clone_path):
        with contextlib.suppress(OSError):
            write_atomically(clone_path / _LISTED_BY, _rules_now())


def is_listing_current(clone_path: Path) -> bool:
    """Whether listing the same commit again would give the same files: neither this program's rules
    nor the settings have changed since.
    """
    try:
        with (clone_path / _LISTED_BY).open("rb") as file:
            return file.read(100) == _rules_now()
    except OSError:
        return False


def _rules_now() -> bytes:
    return f"rules {RULES_VERSION}, up to {usual_limit()} bytes\n".encode()


def read_blobs(clone_path: Path, blob_ids: Sequence[str]) -> list[bytes | None]:
    """The bytes of each blob, in the order of `blob_ids`; None if the clone has no such blob."""
    with reading(clone_path):
        return objects.read_blobs(clone_path, blob_ids)


def read_present_blobs(
    clone_path: Path, blob_ids: Sequence[str], *, verify: bool = False
) -> list[bytes | None]:
    """The same for blobs that must exist. Raises DamagedCloneError if one is missing, or with
    `verify` if its bytes do not match its id.
    """
    with reading(clone_path):
        blobs = objects.read_blobs(clone_path, blob_ids)
        for identity, blob in zip(blob_ids, blobs, strict=True):
            if blob is None or (verify and blob_id(blob) != identity):
                raise GitError(f"fatal: the file {identity} is missing or has changed.", 1)
        return blobs


@contextlib.contextmanager
def reading(clone_path: Path) -> Iterator[None]:
    """Within the context a read error that shows damage becomes DamagedCloneError, and the clone is
    distrusted.
    """
    try:
        yield
    except GitError as error:
        told = error_of_reading(error, clone_path)
        if isinstance(told, DamagedCloneError):
            mark_damaged(clone_path)
        raise told from None


class Listing:
    """Walks the tree of a commit by the rules of a folder."""

    def __init__(
        self,
        clone_path: Path,
        known: Mapping[str, KnownFile],
        include: Sequence[str],
        exclude: Sequence[str],
        *,
        submodules: bool,
    ) -> None:
        self._clone_path = clone_path
        self._with_submodules = submodules
        self._submodules: Set[str] = frozenset()
        self._known = known
        self._root = DirectoryRules.at_root(include=include, exclude=exclude, tracking=ALL_TRACKED)
        self._foreign_marks: dict[str, str] = {}
        self._folders: dict[str, DirectoryRules | None] = {}
        self._repositories: frozenset[str] = frozenset()
        self._rule_files: dict[str, bytes] = {}
        self._changed: list[ScannedFile] = []
        self._met: set[str] = set()
        self._unchanged = 0
        self._skipped: Counter[str] = Counter()
        self._ignored = IgnoredEntries()

    def result(self, commit: str | None) -> Scan:
        if not self._met and not self._changed:
            self._skipped.update(self._ignored.by_rule(""))
        return Scan(
            changed=tuple(sorted(self._changed, key=lambda file: file.path)),
            gone=tuple(sorted(self._known.keys() - self._met)),
            unchanged=self._unchanged,
            skipped=dict(sorted(self._skipped.items())),
            commit=commit,
        )

    def walk(self, commit: str) -> None:
        """Walk the tree of a commit."""
        entries = list(objects.list_tree(self._clone_path, commit))
        if self._with_submodules:
            entries, self._submodules = with_submodules(self._clone_path, entries)
        self._find_repositories(entries)
        self._read_rule_files(entries)
        candidates = [entry for entry in entries if self._is_candidate(entry)]
        sizes = objects.sizes_of(self._clone_path, [entry.blob_id for entry in candidates])
        for entry, size in zip(candidates, sizes, strict=True):
            if size is None:
                raise GitError(f"fatal: the clone lacks {entry.path!r}", 1)
            if size > limit_of(entry.path):
                self._leave_out(entry.path, TOO_LARGE)
                continue
            self._changed.append(ScannedFile(entry.path, entry.blob_id, FileStamp(size)))
            self._met.add(entry.path)

    def _leave_out(
        self,
        path: str,
        reason: str,
        *,
        is_folder: bool = False,
    ) -> None:
        """Count a file or folder as left out. One left out by the user's own rules is counted only
        if no other rule applies.
        """
        if reason is not IGNORED:
            self._skipped[reason] += 1
            return
        folder, _, name = path.rpartition("/")
        rules = self._folders.get(folder) if path else self._root
        if is_folder and rules is not None and path and rules.of_directory(name) is None:
            name = ""  # not by its name, but by an empty `.noindex` file in it
        if rules is not None and not self._met and not self._changed:
            self._ignored.note(rules, name, is_folder=is_folder)

    def _find_repositories(self, entries: Sequence[TreeEntry]) -> None:
        committed = CommittedRepositories(entries)
        proving = [entry.blob_id for entry in committed.telling_files()]
        blobs = dict(zip(proving, objects.read_blobs(self._clone_path, proving), strict=True))
        self._repositories = committed.folders(lambda entry: blobs.get(entry.blob_id))
        if "" in self._repositories:
            self._leave_out("", REPOSITORY_DATA, is_folder=True)

    def _read_rule_files(self, entries: Sequence[TreeEntry]) -> None:
        for entry in entries:
            folder, _, name = entry.path.rpartition("/")
            if is_foreign_mark(name):
                self._foreign_marks.setdefault(folder, name)
        wanted = {
            entry.path: entry.blob_id
            for entry in entries
            if entry.path.endswith(_RULE_FILES)
            and entry.path.rpartition("/")[2] in _RULE_FILES
            and entry.is_regular_file
        }
        blobs = objects.read_blobs(self._clone_path, list(wanted.values()))
        for path, blob in zip(wanted, blobs, strict=True):
            if blob is None and not is_inside(path, self._repositories):
                raise GitError(f"fatal: the clone lacks {path!r}", 1)
        self._rule_files = {
            path: blob
            for path, blob in zip(wanted, blobs, strict=True)
            if blob is not None and len(blob) <= usual_limit()
        }

    def _is_candidate(self, entry: TreeEntry) -> bool:
        """Whether a file is to be read and is not known with this content; otherwise it is
        counted.
        """
        prefix, _, name = entry.path.rpartition("/")
        rules = self._rules_of(prefix)
        if rules is None or (not prefix and self._is_of_root_repository(name)):
            return False
        reason: str | None
        if entry.is_repository:
            reason = rules.of_directory(name) or "nested repository"
        else:
            reason = rules.of_file(name) or _reason_by_entry(entry)
        if reason is not None:
            self._leave_out(entry.path, reason, is_folder=entry.is_repository)
            return False
        known = self._known.get(entry.path)
        if known is None or known[0] != entry.blob_id:
            return True
        self._met.add(entry.path)
        self._unchanged += 1
        return False

    def _rules_of(self, folder: str) -> DirectoryRules | None:
        """The rules inside a folder; None if it is left out, which is counted once."""
        try:
            return self._folders[folder]
        except KeyError:
            rules = self._enter(folder)
            self._folders[folder] = rules
            return rules

    def _enter(self, folder: str) -> DirectoryRules | None:
        prefix = f"{folder}/" if folder else ""
        rules = self._enter_from_above(folder, prefix) if folder else self._root
        noindex = self._rule_files.get(f"{prefix}.noindex")
        if rules is None:
            return None
        if folder in self._submodules:
            rules = rules.of_another_repository()
        if noindex is not None and not noindex.strip() and not rules.is_named:
            self._leave_out(folder, IGNORED, is_folder=True)
            return None
        return rules.with_files(
            self._rule_files.get(f"{prefix}.gitignore"),
            noindex,
            self._rule_files.get(f"{prefix}{ATTRIBUTES}"),
        )

    def _enter_from_above(self, folder: str, prefix: str) -> DirectoryRules | None:
        parent, _, name = folder.rpartition("/")
        above = self._rules_of(parent)
        if above is None or (not parent and self._is_of_root_repository(name)):
            return None
        reason = above.of_directory(name)
        if reason is None and not is_text(name):
            reason = "undecodable name"
        inside = above.enter(name)
        reason = reason or self._reason_inside(folder, prefix, inside)
        if reason is None:
            return inside
        self._leave_out(folder, reason, is_folder=True)
        return None

    def _is_of_root_repository(self, name: str) -> bool:
        """Whether the root itself looks like a repository and `name` is one of its files: all other
        files there are read.
        """
        return "" in self._repositories and is_git_name(name)

    def _reason_inside(self, folder: str, prefix: str, rules: DirectoryRules) -> str | None:
        if folder in self._repositories:
            return REPOSITORY_DATA
        if rules.is_named:
            return None
        if folder in self._foreign_marks and rules.may_be_foreign:
            return VENDORED
        if f"{prefix}pyvenv.cfg" in self._rule_files:
            return VENDORED
        if self._rule_files.get(f"{prefix}CACHEDIR.TAG", b"").startswith(CACHE_SIGNATURE):
            return GENERATED
        return None


def _reason_by_entry(entry: TreeEntry) -> str | None:
    if not entry.is_regular_file:
        return "symbolic link"
    return None if is_text(entry.path) else "undecodable name"
