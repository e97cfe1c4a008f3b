"""The files of a commit in a bare clone, without a work tree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from kodit.domain.errors import TransientError
from kodit.domain.source import FileStamp, KnownFile, Scan, ScannedFile
from kodit.infrastructure.folder.builtin import GENERATED, MAXIMUM_FILE_BYTES, VENDORED
from kodit.infrastructure.folder.rules import IGNORED, DirectoryRules
from kodit.infrastructure.folder.scan import CACHE_SIGNATURE, is_text
from kodit.infrastructure.git.clone import distrust
from kodit.infrastructure.git.errors import last_line
from kodit.infrastructure.git.runner import OFFLINE, GitError, run_git

_RULE_FILES = (".gitignore", ".noindex", "CACHEDIR.TAG", "pyvenv.cfg")


class _Entry(NamedTuple):
    mode: bytes
    blob_id: str
    size: int


def list_files(
    clone_path: Path,
    commit: str | None,
    known: Mapping[str, KnownFile],
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> Scan:
    """Compare the files of `commit` with what is `known`; None is a repository without commits.

    The rules are those of a folder, with the ignore files that the commit itself holds.
    """
    listing = _Listing(clone_path, known, include, exclude)
    if commit is not None:
        listing.take_in(commit)
    return listing.result(commit)


def read_blobs(clone_path: Path, blob_ids: Sequence[str]) -> list[bytes | None]:
    """The bytes of each blob, in the order asked for; None where the clone has no such blob."""
    if not blob_ids:
        return []
    output = memoryview(
        _run(
            ["cat-file", "--batch", "--buffer"],
            clone_path,
            "".join(f"{blob_id}\n" for blob_id in blob_ids).encode("ascii"),
        )
    )
    blobs: list[bytes | None] = []
    position = 0
    for _ in blob_ids:
        end = position + bytes(output[position : position + 200]).index(b"\n")
        header = bytes(output[position:end]).split(b" ")
        position = end + 1
        if len(header) != 3:
            blobs.append(None)
            continue
        size = int(header[2])
        blobs.append(bytes(output[position : position + size]) if header[1] == b"blob" else None)
        position += size + 1
    return blobs


def _run(arguments: list[str], clone_path: Path, stdin: bytes = b"") -> bytes:
    try:
        return run_git(arguments, git_directory=clone_path, stdin=stdin, environment=OFFLINE)
    except GitError as error:
        distrust(clone_path)
        raise TransientError(
            f"The clone {clone_path} cannot be read and will be made again: {last_line(error)}"
        ) from None


class _Listing:
    def __init__(
        self,
        clone_path: Path,
        known: Mapping[str, KnownFile],
        include: Sequence[str],
        exclude: Sequence[str],
    ) -> None:
        self._clone_path = clone_path
        self._known = known
        self._root = DirectoryRules.at_root(include=include, exclude=exclude)
        self._folders: dict[str, DirectoryRules | None] = {}
        self._rule_files: dict[str, bytes] = {}
        self._changed: list[ScannedFile] = []
        self._met: set[str] = set()
        self._unchanged = 0
        self._skipped: Counter[str] = Counter()

    def result(self, commit: str | None) -> Scan:
        return Scan(
            changed=tuple(sorted(self._changed, key=lambda file: file.path)),
            gone=tuple(sorted(self._known.keys() - self._met)),
            unchanged=self._unchanged,
            skipped=dict(sorted(self._skipped.items())),
            commit=commit,
        )

    def take_in(self, commit: str) -> None:
        """Go through the tree of a commit."""
        output = _run(
            ["ls-tree", "-r", "-l", "-z", "--full-tree", "--end-of-options", commit],
            self._clone_path,
        )
        entries = {}
        for record in output.decode("utf-8", "surrogateescape").split("\0"):
            if record:
                about, path = record.split("\t", 1)
                entries[path] = about
        self._read_rule_files(entries)
        for path, about in entries.items():
            self._take_in_entry(path, about)

    def _read_rule_files(self, entries: Mapping[str, str]) -> None:
        wanted = {}
        for path, about in entries.items():
            if path.endswith(_RULE_FILES) and path.rpartition("/")[2] in _RULE_FILES:
                mode, _, blob_id, size = about.split()
                if mode.startswith("100") and int(size) <= MAXIMUM_FILE_BYTES:
                    wanted[path] = blob_id
        blobs = read_blobs(self._clone_path, list(wanted.values()))
        self._rule_files = {
            path: blob for path, blob in zip(wanted, blobs, strict=True) if blob is not None
        }

    def _take_in_entry(self, path: str, about: str) -> None:
        prefix, _, name = path.rpartition("/")
        rules = self._rules_of(prefix)
        if rules is None:
            return
        mode, kind, blob_id, size = about.split()
        reason: str | None
        if kind != "blob":
            reason = rules.of_directory(name) or "nested repository"
        else:
            reason = rules.of_file(name)
            if reason is None:
                reason = self._compare(path, mode, blob_id, size)
        if reason is not None and reason is not IGNORED:
            self._skipped[reason] += 1

    def _compare(self, path: str, mode: str, blob_id: str, size: str) -> str | None:
        if mode == "120000":
            return "symbolic link"
        if int(size) > MAXIMUM_FILE_BYTES:
            return "too large"
        if not is_text(path):
            return "undecodable name"
        known = self._known.get(path)
        if known is not None:
            self._met.add(path)
            if known[0] == blob_id:
                self._unchanged += 1
                return None
        self._changed.append(ScannedFile(path, blob_id, FileStamp(int(size))))
        return None

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
        if rules is None or (noindex is not None and not noindex.strip()):
            return None
        return rules.with_files(self._rule_files.get(f"{prefix}.gitignore"), noindex)

    def _enter_from_above(self, folder: str, prefix: str) -> DirectoryRules | None:
        parent, _, name = folder.rpartition("/")
        above = self._rules_of(parent)
        if above is None:
            return None
        reason = above.of_directory(name)
        if reason is None and not is_text(name):
            reason = "undecodable name"
        reason = reason or self._reason_inside(prefix)
        if reason is None:
            return above.enter(name)
        if reason is not IGNORED:
            self._skipped[reason] += 1
        return None

    def _reason_inside(self, prefix: str) -> str | None:
        if f"{prefix}pyvenv.cfg" in self._rule_files:
            return VENDORED
        if self._rule_files.get(f"{prefix}CACHEDIR.TAG", b"").startswith(CACHE_SIGNATURE):
            return GENERATED
        return None
