"""Who changed each file last, and when each was first committed: one pass over the history."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from kodit.domain.errors import TransientError
from kodit.domain.report import Report, ignore_report
from kodit.domain.source import FileHistory
from kodit.infrastructure.folder.repository import WorkTree, enclosing_work_tree
from kodit.infrastructure.git.errors import last_line
from kodit.infrastructure.git.runner import (
    OFFLINE,
    GitError,
    GitTimeoutError,
    Limits,
    run_git,
    stream_git,
)

_LIMITS = Limits(silent=30.0, total=1800.0)
"""For what lies in a folder that is somebody else's: a named pipe among git's files hangs git."""

_LATEST_SECOND = 253_402_300_799
"""The last second of the year 9999: a commit may claim any time, also one that no calendar and no
column of the database can hold."""

_LOG = (
    "log",
    "--no-renames",
    "--no-ext-diff",
    "--no-textconv",
    "--no-show-signature",
    "--no-mailmap",
    "--no-color",
    "--encoding=UTF-8",
    # Of a merge only what equals neither parent is its own change.
    "-c",
    "--name-status",
    "-z",
    "--format=%x00%H %ct%x00%an%x00%ae",
)


def history(
    clone_path: Path,
    commit: str,
    since: str | None = None,
    report: Report = ignore_report,
) -> Mapping[str, FileHistory]:
    """The history of each file of `commit`, by path; with `since`, an earlier commit, only what
    the commits after it changed (combine by `merge_history`).

    Times are those of the committer, the last change is the one with the latest time, and the
    first the one with the earliest, so that the answer does not depend on the order of the walk.
    Renames are not followed: a file's first commit is the first that has its path.
    """
    try:
        kept = _files(clone_path, commit)
        walk = commit if since is None else f"{since}..{commit}"
        changes = _Changes(report)
        stream_git(
            [*_LOG, "--end-of-options", walk],
            changes.feed,
            git_directory=clone_path,
            environment=OFFLINE,
        )
    except GitError as error:
        raise TransientError(
            f"The history of {clone_path} cannot be read: {last_line(error)}"
        ) from None
    return changes.result(kept)


def folder_history(root: str, report: Report = ignore_report) -> Mapping[str, FileHistory]:
    """The history of the files below a folder that lies in a git work tree, by path relative to
    the folder; empty for any other folder, and where the history cannot be read.

    The repository's own configuration is not obeyed: its objects are read from an empty repository
    of ours, so that nothing in it can be made to run or to fetch.
    """
    folder = Path(root)
    tree = enclosing_work_tree(folder)
    if tree is None:
        return {}
    below = folder.relative_to(tree.root).as_posix()
    prefix = "" if below == "." else f"{below}/"
    commit = _head(tree)
    if commit is None:
        return {}
    changes = _Changes(report)
    with tempfile.TemporaryDirectory(prefix="kodit-history-") as empty:
        directory = Path(empty)
        (directory / "objects").mkdir()
        (directory / "refs").mkdir()
        (directory / "HEAD").write_text("ref: refs/heads/none\n", "ascii")
        environment = OFFLINE | {"GIT_OBJECT_DIRECTORY": str(tree.common_directory / "objects")}
        shallow = tree.common_directory / "shallow"
        if shallow.is_file():
            environment["GIT_SHALLOW_FILE"] = str(shallow)
        try:
            stream_git(
                [*_LOG, "--end-of-options", commit, *(["--", prefix] if prefix else [])],
                changes.feed,
                git_directory=directory,
                environment=environment,
                limits=_LIMITS,
            )
        except (GitError, GitTimeoutError):
            return {}
    return {
        path.removeprefix(prefix): found
        for path, found in changes.result(None).items()
        if path.startswith(prefix)
    }


def folder_commit(root: str) -> str | None:
    """The commit that the work tree around a folder is at; None where there is no such thing."""
    tree = enclosing_work_tree(Path(root))
    return None if tree is None else _head(tree)


def is_ancestor(clone_path: Path, earlier: str, later: str) -> bool:
    """Whether `later` was built upon `earlier`: not so after a force push, nor when `earlier` is
    not there any more."""
    try:
        run_git(
            ["merge-base", "--is-ancestor", "--end-of-options", earlier, later],
            git_directory=clone_path,
            environment=OFFLINE,
        )
    except GitError:
        return False
    return True


def merge_history(earlier: FileHistory, later: FileHistory) -> FileHistory:
    """What both say together of one file."""
    newest = later if later.changed_at >= earlier.changed_at else earlier
    return newest._replace(created_at=min(earlier.created_at, later.created_at))


def _head(tree: WorkTree) -> str | None:
    try:
        output = run_git(
            ["rev-parse", "--verify", "--quiet", "HEAD"],
            git_directory=tree.git_directory,
            environment=OFFLINE,
            limits=_LIMITS,
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
    """Takes git's output in pieces and remembers, per path, the latest and the earliest change.

    The output is a series of fields that end with NUL: of a commit its id and time, the author's
    name and address, then status and path in turn. Empty fields and newlines stand between.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._rest = b""
        self._fields: list[bytes] = []
        self._commits = 0
        self._latest: dict[bytes, tuple[int, bytes, bytes, bytes]] = {}
        self._earliest: dict[bytes, int] = {}
        self._commit: tuple[int, bytes, bytes, bytes] = (0, b"", b"", b"")

    def feed(self, piece: bytes) -> None:
        """Take in the next piece of output."""
        *fields, self._rest = (self._rest + piece).split(b"\0")
        self._take_in(self._fields + fields)
        self._report(self._commits, None)

    def _take_in(self, fields: list[bytes]) -> None:
        position = 0
        count = len(fields)
        latest, earliest, commit = self._latest, self._earliest, self._commit
        while position < count:
            field = fields[position].lstrip(b"\n")
            if not field:
                position += 1
                continue
            if b" " in field:  # no status has one
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
            if known is None or commit > known:
                latest[path] = commit
            if known is None or commit[0] < earliest[path]:
                earliest[path] = commit[0]
        self._commit = commit
        self._fields = fields[position:]

    def result(self, kept: frozenset[bytes] | None) -> dict[str, FileHistory]:
        """What was found, for the paths in `kept` (None for all). A path that is no text is
        nobody's: scans leave such files out."""
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
