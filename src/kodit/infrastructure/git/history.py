"""Who last changed each file, and when each was first committed.

The first time, one pass over the whole history; after that over the new commits only, and over the
history of files that have to be read again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from kodit.domain.report import Report, ignore_report
from kodit.domain.source import MOST_UNKNOWN, FileHistory, SourceHistory
from kodit.infrastructure.folder.repository import WorkTree, enclosing_work_tree, is_file
from kodit.infrastructure.git.history_changes import Changes
from kodit.infrastructure.git.runner import (
    LOCAL_LIMITS,
    OFFLINE,
    GitError,
    GitTimeoutError,
    Limits,
    run_git,
    stream_git,
)
from kodit.infrastructure.temporary import temporary_folder

_FOLDER_LIMITS = Limits(silent=30.0, total=1800.0)
"""For a folder inside another user's repository, where a named pipe among git's files hangs git."""


_LOG = (
    "log",
    # Of two commits in the same second, descendants come first.
    "--topo-order",
    # With paths, do not skip a branch because another one has the same result.
    "--full-history",
    "--no-renames",
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
class Repository:
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

    def changes(self, walk: str, paths: Sequence[str], report: Report) -> Changes:
        """The changes made by the commits of a walk to these paths, or to all below the prefix."""
        changes = Changes(report)
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
    repository = Repository(clone_path, clone_path / "shallow")
    kept = partial(files_of, clone_path, commit)
    return follow(repository, commit, known, unknown, kept, report)


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
    commit = None if tree is None else head_of(tree)
    if tree is None or commit is None:
        return None if known is None else SourceHistory(None, {}, is_whole=True)
    with objects_of(tree, folder) as repository:
        try:
            return follow(repository, commit, known, unknown, lambda: None, report)
        except (GitError, GitTimeoutError):
            if known is not None:
                return None  # the known history may become valid again later
            return SourceHistory(repository.mark(commit), {}, is_whole=True)


@contextmanager
def objects_of(tree: WorkTree, folder: Path) -> Iterator[Repository]:
    """The objects of a work tree, for the files below a folder in it."""
    below = folder.relative_to(tree.root).as_posix()
    with temporary_folder("history") as directory:
        (directory / "objects").mkdir()
        (directory / "refs").mkdir()
        (directory / "HEAD").write_text("ref: refs/heads/none\n", "ascii")
        environment = {"GIT_OBJECT_DIRECTORY": str(tree.common_directory / "objects")}
        shallow = tree.common_directory / "shallow"
        if is_file(shallow):
            environment["GIT_SHALLOW_FILE"] = str(shallow)
        prefix = "" if below == "." else f"{below}/"
        yield Repository(directory, shallow, prefix, environment, _FOLDER_LIMITS)


def follow(  # noqa: PLR0917 - the parameters of its callers
    repository: Repository,
    commit: str,
    known: str | None,
    unknown: Sequence[str],
    kept: Callable[[], frozenset[bytes] | None],
    report: Report,
) -> SourceHistory | None:
    """What the history of a repository says that is not known, as `clone_history` has it. `kept`
    gives the paths that are told of, None for all."""
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
    repository: Repository, commit: str, known: str, unknown: Sequence[str], report: Report
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


def head_of(tree: WorkTree) -> str | None:
    """The commit that is checked out."""
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


def files_of(clone_path: Path, commit: str) -> frozenset[bytes]:
    """The paths of the files of a commit."""
    output = run_git(
        ["ls-tree", "-r", "-z", "--name-only", "--full-tree", "--end-of-options", commit],
        git_directory=clone_path,
        environment=OFFLINE,
    )
    return frozenset(output.split(b"\0"))
