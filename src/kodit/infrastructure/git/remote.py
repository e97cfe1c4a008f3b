"""Finding the commit that a source's ref names: one lookup of refs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from kodit.domain.errors import SourceError
from kodit.domain.source import Credentials
from kodit.domain.value_objects import Source
from kodit.infrastructure.folder.repository import git_directory_at
from kodit.infrastructure.git.errors import explain, no_such_ref, unreachable
from kodit.infrastructure.git.runner import (
    LOOK_UP_LIMITS,
    OFFLINE,
    GitError,
    GitTimeoutError,
    Limits,
    run_git,
)

_FULL_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256_DIGITS = 64
_SHORT_COMMIT = re.compile(r"[0-9a-f]{7,39}")


def is_commit_id(ref: str | None) -> bool:
    """Whether a ref is a full commit id, which no lookup can change."""
    return ref is not None and _FULL_COMMIT.fullmatch(ref) is not None


def may_be_short_commit_id(ref: str | None) -> bool:
    """Whether a ref could be an abbreviated commit id."""
    return ref is not None and _SHORT_COMMIT.fullmatch(ref) is not None


def candidate_refs(ref: str | None) -> tuple[str, ...]:
    """The full names that `ref` may stand for, in order of precedence."""
    if ref is None or ref == "HEAD":
        return ("HEAD",)
    if ref.startswith("refs/"):
        return (ref,)
    return (f"refs/heads/{ref}", f"refs/tags/{ref}")


def look_up(
    source: Source,
    credentials: Credentials | None = None,
    *,
    limits: Limits = LOOK_UP_LIMITS,
) -> str | None:
    """The commit that the source's ref (or default branch) points at now; None for a repository
    without commits, and for a ref that is an abbreviated commit id.

    Raises SourceError for a permanent failure (access refused, not a repository, no such ref) and
    TransientError for one that may pass (network, time-out, 5xx).
    """
    found = find_ref(source, credentials, limits=limits)
    return None if found is None else found[1]


def verify(
    source: Source,
    credentials: Credentials | None = None,
    *,
    limits: Limits = LOOK_UP_LIMITS,
) -> None:
    """Check that a source exists, that access is granted, and that it has the ref, as far as one
    lookup of refs can tell: a server's refs do not tell whether a commit given by id exists. Raises
    the same errors as `look_up`.
    """
    if is_commit_id(source.ref):
        _list_refs(source, ["HEAD"], credentials, limits)
        commit: str | None = source.ref
    else:
        found = find_ref(source, credentials, limits=limits)
        commit = source.ref if found is None else found[1]
    if commit is not None and source.location.startswith("file://"):
        _check_local_commit(source, commit)


def find_ref(
    source: Source,
    credentials: Credentials | None = None,
    *,
    limits: Limits = LOOK_UP_LIMITS,
) -> tuple[str, str] | None:
    """The full name of the source's ref and its commit. A commit id is its own name."""
    if is_commit_id(source.ref):
        return str(source.ref), str(source.ref)
    candidates = candidate_refs(source.ref)
    wanted = [name for ref in candidates for name in (ref, f"{ref}^{{}}")]
    refs = _list_refs(source, wanted, credentials, limits)
    for ref in candidates:
        if ref in refs:
            return ref, refs.get(f"{ref}^{{}}", refs[ref])
    if candidates == ("HEAD",):
        if _list_refs(source, ["refs/heads/*"], credentials, limits):
            raise SourceError(
                f"{source.location} has no default branch; name one with {source.location}@BRANCH",
                code="default_branch_missing",
                source=str(source),
            )
        return None
    if may_be_short_commit_id(source.ref):
        return None
    raise no_such_ref(source, source.ref)


def _list_refs(
    source: Source, wanted: list[str], credentials: Credentials | None, limits: Limits
) -> Mapping[str, str]:
    check_local_repository(source)
    try:
        output = run_git(
            ["ls-remote", "--quiet", "--end-of-options", source.location, *wanted],
            credentials=credentials,
            url=source.location,
            limits=limits,
        )
    except GitError as error:
        raise explain(error, source) from None
    except GitTimeoutError as error:
        raise unreachable(source, f"{error}.") from None
    refs = {}
    for line in output.decode("utf-8", "replace").splitlines():
        commit, _, name = line.partition("\t")
        if len(commit) == _SHA256_DIGITS:
            raise SourceError(
                f"{source} uses SHA-256 object names, which are not supported",
                code="repository_unsupported",
                source=str(source),
            )
        if _FULL_COMMIT.fullmatch(commit):
            refs[name] = commit
    return refs


def check_local_repository(source: Source) -> None:
    """Refuse a local repository that is gone, or that is a partial clone.

    To serve a partial clone, git (before 2.45) fetches the missing objects with the transport
    commands in that repository's configuration, which anybody may have written.
    """
    if not source.location.startswith("file://"):
        return
    path = Path(unquote(urlsplit(source.location).path))
    if not path.is_dir():
        raise SourceError(
            f"the repository {path} does not exist",
            code="repository_not_found",
            source=str(source),
        )
    try:
        _run_in(
            path,
            "config",
            "--includes",
            "--get-regexp",
            r"^(extensions\.partialclone|remote\..*\.(promisor|partialclonefilter))$",
        )
    except GitError as error:
        if error.returncode == 1:
            return  # no such setting
        raise explain(error, source) from None
    raise SourceError(
        f"{path} is a partial clone, which lacks files; index the repository it was cloned from",
        code="repository_unsupported",
        source=str(source),
    )


def has_been_deepened(source: Source, clone_path: Path) -> bool:
    """Whether a local source that was shallow when it was cloned has more of its history now, which
    its refs do not show. A server's is noticed with its next new commit.
    """
    cut_off = _shallow_commits(clone_path)
    if not cut_off or not source.location.startswith("file://"):
        return False
    path = Path(unquote(urlsplit(source.location).path))
    return not cut_off <= _shallow_commits(git_directory_at(path) or path)


def has_lost_history(source: Source, clone_path: Path, commit: str) -> bool:
    """Whether a local source has lost history that the clone of its `commit` still has, so that a
    new clone would have less.
    """
    if not source.location.startswith("file://"):
        return False
    path = Path(unquote(urlsplit(source.location).path))
    cut_off = _shallow_commits(git_directory_at(path) or path) - _shallow_commits(clone_path)
    if not cut_off:
        return False
    history = run_git(
        ["rev-list", "--parents", "--end-of-options", commit],
        git_directory=clone_path,
        environment=OFFLINE,
    )
    return any(
        one in cut_off for one, *parents in map(bytes.split, history.splitlines()) if parents
    )


def _shallow_commits(git_directory: Path) -> set[bytes]:
    """The commits whose parents a repository lacks."""
    try:
        return set((git_directory / "shallow").read_bytes().split())
    except OSError:
        return set()


def _check_local_commit(source: Source, commit: str) -> None:
    path = Path(unquote(urlsplit(source.location).path))
    try:
        _run_in(path, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{tree}}")
    except GitError:
        if source.ref is None:
            raise SourceError(
                f"{source.location} is damaged: it lacks the commit that its HEAD names",
                code="repository_damaged",
                source=str(source),
            ) from None
        raise no_such_ref(source, source.ref) from None


def _run_in(path: Path, *arguments: str) -> None:
    """Run git in a local repository, bare or with a work tree."""
    directory = path / ".git" if (path / ".git").exists() else path
    run_git(
        ["-C", str(path), *arguments],
        git_directory=directory if directory.is_dir() else None,
        limits=LOOK_UP_LIMITS,
        environment=OFFLINE,
    )
