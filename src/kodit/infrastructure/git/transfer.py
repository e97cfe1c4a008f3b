"""Fetching commits and files from a source into our bare repository.

The whole history is fetched without files (`--filter=blob:none`, if the server supports it), for
authors and dates; then, by id, the files of the one commit that is needed. That is less than a
third of the bytes and half of the time of a full clone of curl's repository; the files of old
commits, images and secrets are never fetched. git is told that files are missing only while it
fetches: a command that reads does not know where to get them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kodit.domain.errors import SourceError
from kodit.domain.report import Report
from kodit.domain.source import Credentials
from kodit.domain.value_objects import Source
from kodit.infrastructure.folder.builtin import BINARY, NEVER_READ, file_reason
from kodit.infrastructure.folder.patterns import byte_text, parse_patterns
from kodit.infrastructure.git.errors import no_such_ref
from kodit.infrastructure.git.objects import list_tree, sizes_of
from kodit.infrastructure.git.own_repository import is_own_folder, reset_configuration
from kodit.infrastructure.git.remote import (
    check_local_repository,
    is_commit_id,
    may_be_short_commit_id,
)
from kodit.infrastructure.git.repositories_in_trees import CommittedRepositories, is_inside
from kodit.infrastructure.git.runner import OFFLINE, GitError, Limits, run_git

TIP = "refs/kodit/tip"
"""The commit of the clone: set when all files of the commit are there."""
INCOMING = "refs/kodit/incoming"
_OWN_REFS = "refs/kodit"
_WHOLE = "kodit-whole"
"""A marker file in clones of servers that cannot send single files."""
_MAINTENANCE = (
    *("-c", "gc.auto=2000", "-c", "gc.autoPackLimit=80", "-c", "gc.autoDetach=false"),
    # The initial pack of a large repository is not packed again each time.
    *("-c", "gc.bigPackThreshold=100m"),
)


class FilesRefusedError(Exception):
    """The server supports fetching without files, but does not send files by id."""


def new_repository(path: Path, *, whole: bool = False) -> None:
    """Make an empty bare repository; with `whole`, one that fetches all files of all commits."""
    run_git(["init", "--quiet", "--bare", "--template=", "--", str(path)])
    reset_configuration(path)
    if whole:
        (path / _WHOLE).touch()


def tip_of(clone_path: Path) -> str | None:
    """The commit of a clone, if it is sound enough to have one. Its configuration is ours
    afterwards.
    """
    if not (clone_path / "HEAD").is_file() or not is_own_folder(clone_path):
        return None
    try:
        reset_configuration(clone_path)
        return _resolve(clone_path, TIP)
    except (GitError, IsADirectoryError, NotADirectoryError):
        return None


@dataclass(frozen=True, slots=True)
class Transfer:
    """One way of fetching a source: its location, credentials and limits. `tip` is the ref that is
    set when everything is there, and `refs` the namespace of the others. `whole` fetches everything
    again from a server that cannot send single files.
    """

    source: Source
    credentials: Credentials | None
    report: Report
    limits: Limits
    tip: str = TIP
    refs: str = _OWN_REFS
    whole: bool = False

    def fetch(self, ref: str, clone_path: Path) -> str:
        """Bring the tip of a clone to `ref`, a full ref name or commit id; returns the commit.
        Raises GitError, GitTimeoutError, SourceError, FilesRefusedError.
        """
        check_local_repository(self.source)
        if is_commit_id(ref) or may_be_short_commit_id(ref):
            commit = self._fetch_commit(ref, clone_path)
        else:
            commit = self._fetch_ref(ref, clone_path)
        self._fetch_files(commit, clone_path)
        run_git(["update-ref", self.tip, commit], git_directory=clone_path)
        return commit

    def maintain(self, clone_path: Path) -> None:
        """Repack the results of many small fetches once there are enough of them."""
        run_git(
            [*_MAINTENANCE, "gc", "--auto", "--quiet"],
            git_directory=clone_path,
            environment=self._partial(clone_path) | OFFLINE,
        )

    def _fetch_ref(self, ref: str, clone_path: Path) -> str:
        self._fetch(clone_path, f"+{ref}:{INCOMING}")
        try:
            return _resolve(clone_path, INCOMING)
        except GitError:
            raise SourceError(
                f"{self.source.location} has no commit at {ref}",
                code="ref_not_found",
                source=str(self.source),
            ) from None

    def _fetch_commit(self, ref: str, clone_path: Path) -> str:
        """Fetch a commit by its id, or through all refs if the server only serves refs."""
        if is_commit_id(ref):
            try:
                return self._fetch_ref(ref, clone_path)
            except GitError as error:
                if not _is_refusal(error):
                    raise
        self._fetch(
            clone_path,
            *(f"+refs/{kind}/*:{self.refs}/{kind}/*" for kind in ("heads", "tags")),
        )
        try:
            return _resolve(clone_path, ref)
        except GitError:
            raise no_such_ref(self.source, ref) from None

    def _fetch_files(self, commit: str, clone_path: Path) -> None:
        """Fetch the missing files of a commit, except those that are never read: files that are
        secret or binary by name, or inside a committed repository.
        """
        entries = list(list_tree(clone_path, commit))
        repositories = CommittedRepositories(entries).folders(lambda _entry: None)
        wanted = {
            entry.blob_id
            for entry in entries
            if entry.is_regular_file
            and self._may_be_read(entry.path.rpartition("/")[2])
            and not is_inside(entry.path, repositories)
        }
        blob_ids = sorted(wanted)
        sizes = sizes_of(clone_path, blob_ids)
        missing = [blob_id for blob_id, size in zip(blob_ids, sizes, strict=True) if size is None]
        if not missing:
            return
        try:
            self._fetch(clone_path, stdin="\n".join(missing).encode("ascii"))
        except GitError as error:
            if _is_refusal(error):
                raise FilesRefusedError from None
            raise

    def _may_be_read(self, name: str) -> bool:
        reason = file_reason(name)
        return reason not in NEVER_READ or (
            reason is BINARY
            and any(
                pattern.is_literal or file_reason(pattern.text) is BINARY
                for pattern in parse_patterns("\n".join(self._included_names()).encode())
                if pattern.matches(byte_text(name), byte_text(name), False)
            )
        )

    def _included_names(self) -> list[str]:
        return [glob.rpartition("/")[2] for glob in self.source.include]

    def _fetch(self, clone_path: Path, *refspecs: str, stdin: bytes = b"") -> None:
        options = [] if self._is_whole(clone_path) else ["--filter=blob:none"]
        if stdin:
            options = ["--stdin", *options]
        elif (clone_path / "shallow").is_file():
            # As much of the history as the source has now.
            options = ["--unshallow", *options]
        if self.whole:
            options = ["--refetch"]
        run_git(
            [
                "fetch",
                "--progress",
                "--no-tags",
                "--no-recurse-submodules",
                "--no-write-fetch-head",
                "--no-auto-maintenance",
                "--update-shallow",
                "--force",
                *options,
                "--end-of-options",
                self.source.location,
                *refspecs,
            ],
            git_directory=clone_path,
            stdin=stdin,
            credentials=self.credentials,
            url=self.source.location,
            limits=self.limits,
            report=self.report,
            environment=self._partial(clone_path, files_only=bool(stdin)),
        )

    def _is_whole(self, clone_path: Path) -> bool:
        return self.whole or (clone_path / _WHOLE).exists()

    def _partial(self, clone_path: Path, *, files_only: bool = False) -> dict[str, str]:
        """The variables that tell git that missing files are expected."""
        if self._is_whole(clone_path):
            return {}
        remote = f"remote.{self.source.location}"
        settings = {f"{remote}.promisor": "true", f"{remote}.partialCloneFilter": "blob:none"}
        if files_only:
            # The presence of a commit does not imply that of its files.
            settings["fetch.negotiationAlgorithm"] = "noop"
        variables = {"GIT_CONFIG_COUNT": str(len(settings))}
        for number, (name, value) in enumerate(settings.items()):
            # Unlike with `-c`, a name may contain any character here.
            variables |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
        return variables


def _is_refusal(error: GitError) -> bool:
    said = error.stderr.lower()
    return "not our ref" in said or "unadvertised" in said or "did not send all" in said


def _resolve(clone_path: Path, name: str) -> str:
    output = run_git(
        ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"],
        git_directory=clone_path,
        environment=OFFLINE,
    )
    return output.decode("ascii").strip()
