"""Who last changed each file, and when each was first committed.

The first time, one pass over the whole history; after that over the new commits only, and over the
history of files that have to be read again.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from kodit.domain.report import Report, ignore_report
from kodit.domain.source import MOST_UNKNOWN, FileHistory, SourceHistory
from kodit.infrastructure.folder.repository import WorkTree, enclosing_work_tree, is_file
from kodit.infrastructure.git.runner import (
    LOCAL_LIMITS,
    OFFLINE,
    GitError,
    GitTimeoutError,
    Limits,
    run_git,
    stream_git,
)

_FOLDER_LIMITS = Limits(silent=30.0, total=1800.0)
"""For a folder inside another user's repository, where a named pipe among git's files hangs git."""

_LATEST_SECOND = 253_402_300_799
"""The last second of the year 9999: a commit may claim any time, including one that no calendar and
no database column can hold.
"""

_LOG = (
    "log",
    # Of two commits in the same second, descendants come first.
    "--topo-order",
    # With paths, do not skip a branch because another one has the same result.
    "--full-history",
    "--no-renames",
    "--no-ext-diff",
    "--no-textconv",
    "--no-show-signature",
    "--no-mailmap",
    "--no-color",
    "--encoding=UTF-8",
    # Only what equals neither parent is a merge's own change.
    "-c",
    "--name-status",
    "-z",
    "--format=%x00%H %ct%x00%an%x00%ae",
)


MOST_PATHS = 40
"""For more files than this the whole history is read: git compares each commit's changes with each
path, which costs more from 50 paths on.
"""


@dataclass(frozen=True, slots=True)
class _Repository:
    """Commits and trees to read: our own clone, or another repository's objects below an empty
    repository of ours. `prefix` is the folder of the files, "" or ending with a slash; `shallow` is
    the file that lists where the history is cut off.
    """

    git_directory: Path
    shallow: Path
    prefix: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = LOCAL_LIMITS

    def run(self, *arguments: str) -> bytes:
        """git's output; never fetches anything."""
        return run_git(
            arguments,
            git_directory=self.git_directory,
            environment=OFFLINE | dict(self.environment),
            limits=self.limits,
        )

    def changes(self, walk: str, paths: Sequence[str], report: Report) -> _Changes:
        """The changes made by the commits of a walk to these paths, or to all below the prefix."""
        changes = _Changes(report)
        limited = [self.prefix + path for path in paths] or [self.prefix] * bool(self.prefix)
        stream_git(
            [*_LOG, "--end-of-options", walk, *(["--", *limited] if limited else [])],
            changes.feed,
            git_directory=self.git_directory,
            environment=OFFLINE | dict(self.environment),
            limits=self.limits,
        )
        return changes

    def has(self, commit: str) -> bool:
        """Whether the repository has a commit."""
        try:
            self.run("cat-file", "-e", f"{commit}^{{commit}}")
        except GitError:
            return False
        return True

    def is_ancestor(self, earlier: str, later: str) -> bool:
        """Whether `later` descends from `earlier`, which is false after a force push. Both must
        exist.
        """
        try:
            self.run("merge-base", "--is-ancestor", "--end-of-options", earlier, later)
        except GitError as error:
            if error.returncode == 1:
                return False
            raise
        return True

    def descendants_between(self, earlier: str, later: str) -> frozenset[bytes]:
        """The commits between two that descend from the earlier one."""
        output = self.run("rev-list", "--ancestry-path", "--end-of-options", f"{earlier}..{later}")
        return frozenset(output.split())

    def mark(self, commit: str) -> str:
        """Identifies a commit and how much of its history is available, because a shallow
        repository may be deepened later.
        """
        try:
            cut_off = self.shallow.read_bytes()
        except OSError:
            return commit
        lines = b"\n".join(sorted(cut_off.split()))
        return f"{commit}:{hashlib.blake2b(lines, digest_size=8).hexdigest()}"

    def below(self, found: Mapping[str, FileHistory]) -> dict[str, FileHistory]:
        """The files below the prefix, by path relative to it."""
        return {
            path.removeprefix(self.prefix): one
            for path, one in found.items()
            if path.startswith(self.prefix)
        }


def clone_history(
    clone_path: Path,
    commit: str,
    known: str | None = None,
    unknown: Sequence[str] = (),
    report: Report = ignore_report,
) -> SourceHistory | None:
    """The history up to `commit` of files whose history is not known yet; None if nothing is new.
    `known` is the mark of an earlier result, and `unknown` are files that it did not include.

    Times are those of the committer. The last change is the one with the latest time, and of
    several in one second the one that is no ancestor of another; the first change is the one with
    the earliest time. Renames are not followed: a file's first commit is the first that has its
    path. Raises GitError if the clone cannot be read.
    """
    repository = _Repository(clone_path, clone_path / "shallow")
    kept = partial(_files, clone_path, commit)
    return _follow(repository, commit, known, unknown, kept, report)


def folder_history(
    root: str,
    known: str | None = None,
    unknown: Sequence[str] = (),
    report: Report = ignore_report,
) -> SourceHistory | None:
    """The same for a folder in a git work tree, by path relative to the folder, up to the commit
    that is checked out; empty if there is no repository, or it cannot be read.

    The repository's own configuration is ignored: its objects are read through an empty repository
    of ours, so that nothing in it can run a program or fetch.
    """
    folder = Path(root)
    tree = enclosing_work_tree(folder)
    commit = None if tree is None else _head(tree)
    if tree is None or commit is None:
        return None if known is None else SourceHistory(None, {}, is_whole=True)
    below = folder.relative_to(tree.root).as_posix()
    with tempfile.TemporaryDirectory(prefix="kodit-history-") as empty:
        directory = Path(empty)
        (directory / "objects").mkdir()
        (directory / "refs").mkdir()
        (directory / "HEAD").write_text("ref: refs/heads/none\n", "ascii")
        environment = {"GIT_OBJECT_DIRECTORY": str(tree.common_directory / "objects")}
        shallow = tree.common_directory / "shallow"
        if is_file(shallow):
            environment["GIT_SHALLOW_FILE"] = str(shallow)
        prefix = "" if below == "." else f"{below}/"
        repository = _Repository(directory, shallow, prefix, environment, _FOLDER_LIMITS)
        try:
            return _follow(repository, commit, known, unknown, lambda: None, report)
        except (GitError, GitTimeoutError):
            if known is not None:
                return None  # the known history may become valid again later
            return SourceHistory(repository.mark(commit), {}, is_whole=True)


def _follow(  # noqa: PLR0917 - the parameters of the two functions above
    repository: _Repository,
    commit: str,
    known: str | None,
    unknown: Sequence[str],
    kept: Callable[[], frozenset[bytes] | None],
    report: Report,
) -> SourceHistory | None:
    now = repository.mark(commit)
    if now == known and not unknown:
        return None
    found = None if known is None else _new_changes(repository, commit, known, unknown, report)
    if found is None:
        changes = repository.changes(commit, (), report)
        return SourceHistory(now, repository.below(changes.result(kept())), is_whole=True)
    later, again = found
    replaced: dict[str, FileHistory | None] = dict.fromkeys(sorted(again))
    if again:
        paths = sorted(again) if len(again) <= MOST_PATHS else ()
        changes = repository.changes(commit, paths, report)
        told = repository.below(changes.result(None))
        replaced |= {path: one for path, one in told.items() if path in again}
    return SourceHistory(now, replaced, later)


def _new_changes(
    repository: _Repository, commit: str, known: str, unknown: Sequence[str], report: Report
) -> tuple[dict[str, FileHistory], set[str]] | None:
    """The changes that new commits add to the known history, and the files whose history has to be
    read again; None if that is all files.

    Adding is exact if a change descends from everything that is known. A change made on another
    branch and merged may have the same time as a known one, and nothing may remain of commits that
    are gone.
    """
    before, _, _ = known.partition(":")
    is_cut_off_elsewhere = known.removeprefix(before) != repository.mark(commit)[len(commit) :]
    if is_cut_off_elsewhere or len(unknown) >= MOST_UNKNOWN:
        return None
    later: dict[str, FileHistory] = {}
    again = set(unknown)
    if before != commit:
        if not repository.has(before):
            return None
        new = repository.changes(f"{before}..{commit}", (), report)
        added = repository.below(new.result(None))
        if repository.is_ancestor(before, commit):
            upon = repository.descendants_between(before, commit)
            sure = repository.below(new.result(new.certainly_latest(upon)))
            later = {path: one for path, one in sure.items() if path not in again}
        else:
            gone = repository.changes(f"{commit}..{before}", (), report)
            again |= repository.below(gone.result(None)).keys()
        again |= added.keys() - later.keys()
    return later, again


def _head(tree: WorkTree) -> str | None:
    try:
        output = run_git(
            ["rev-parse", "--verify", "--quiet", "HEAD"],
            git_directory=tree.git_directory,
            environment=OFFLINE,
            limits=_FOLDER_LIMITS,
        )
    except (GitError, GitTimeoutError):
        return None
    commit = output.decode("ascii").strip()
    return commit if len(commit) == 40 else None


def _files(clone_path: Path, commit: str) -> frozenset[bytes]:
    output = run_git(
        ["ls-tree", "-r", "-z", "--name-only", "--full-tree", "--end-of-options", commit],
        git_directory=clone_path,
        environment=OFFLINE,
    )
    return frozenset(output.split(b"\0"))


class _Changes:
    """Parses git's output in pieces and keeps the latest and the earliest change per path.

    The output is a series of fields that end with NUL: a commit's id and time, the author's name
    and address, then status and path in turn. Empty fields and newlines separate commits.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._rest = b""
        self._fields: list[bytes] = []
        self._commits = 0
        self._latest: dict[bytes, tuple[int, bytes, bytes, bytes]] = {}
        self._earliest: dict[bytes, int] = {}
        self._tied: set[bytes] = set()
        self._commit: tuple[int, bytes, bytes, bytes] = (0, b"", b"", b"")

    def feed(self, piece: bytes) -> None:
        """Parse the next piece of output."""
        *fields, self._rest = (self._rest + piece).split(b"\0")
        self._parse(self._fields + fields)
        self._report(self._commits, None)

    def _parse(self, fields: list[bytes]) -> None:
        position = 0
        count = len(fields)
        latest, earliest, commit = self._latest, self._earliest, self._commit
        tied = self._tied
        while position < count:
            field = fields[position].lstrip(b"\n")
            if not field:
                position += 1
                continue
            if b" " in field:  # a status never contains a space
                if count - position < 3:
                    break
                identity, _, time = field.partition(b" ")
                seconds = min(int(time or 0), _LATEST_SECOND)
                commit = (seconds, identity, fields[position + 1], fields[position + 2])
                self._commits += 1
                position += 3
                continue
            if count - position < 2:
                break
            path = fields[position + 1]
            position += 2
            known = latest.get(path)
            if known is None or commit[0] > known[0]:
                latest[path] = commit
                tied.discard(path)
            elif commit[0] == known[0] and commit[1] != known[1]:
                tied.add(path)
            if known is None or commit[0] < earliest[path]:
                earliest[path] = commit[0]
        self._commit = commit
        self._fields = fields[position:]

    def certainly_latest(self, commits: frozenset[bytes]) -> frozenset[bytes]:
        """The paths whose latest change was made by one of these commits, and only by it."""
        return frozenset(
            path
            for path, (_, identity, _, _) in self._latest.items()
            if identity in commits and path not in self._tied
        )

    def result(self, kept: frozenset[bytes] | None) -> dict[str, FileHistory]:
        """The history of the paths in `kept` (None for all). A path that cannot be decoded is
        dropped: scans leave such files out too.
        """
        found = {}
        for path, (time, _, name, address) in self._latest.items():
            if kept is None or path in kept:
                with suppress(UnicodeDecodeError):
                    found[path.decode("utf-8")] = FileHistory(
                        name.decode("utf-8", "replace"),
                        address.decode("utf-8", "replace"),
                        time,
                        self._earliest[path],
                    )
        return found
