"""Keeping a bare clone below the data directory in step with its source.

A clone is a repository of our own with one ref, `refs/kodit/tip`: no remote, no URL and no
credentials are ever in its configuration, so nothing can be fetched from it by accident.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kodit.domain.errors import SourceError, TransientError
from kodit.domain.ports.sources import Report
from kodit.domain.source import Credentials, Source
from kodit.infrastructure.folder.reports import ignore_report
from kodit.infrastructure.git.errors import explain
from kodit.infrastructure.git.remote import (
    check_local_repository,
    find_ref,
    is_commit_id,
    may_be_short_commit_id,
)
from kodit.infrastructure.git.runner import (
    LOOK_UP_LIMITS,
    OFFLINE,
    GitError,
    GitTimeoutError,
    Limits,
    run_git,
)

TIP = "refs/kodit/tip"
_ALL_REFS = ("+refs/heads/*:refs/kodit/heads/*", "+refs/tags/*:refs/kodit/tags/*")
_LOCK_SECONDS = 60.0
_MAINTENANCE = ("-c", "gc.auto=2000", "-c", "gc.autoPackLimit=40", "-c", "gc.autoDetach=false")


def synchronise(
    source: Source,
    clone_path: Path,
    credentials: Credentials | None = None,
    report: Report = ignore_report,
    *,
    limits: Limits | None = None,
) -> str | None:
    """Bring the clone at `clone_path` to what the source holds now, and return the commit; None
    for a repository without commits. One lookup of refs where nothing changed.

    A clone appears at `clone_path` whole or not at all; what killed runs left beside it is
    removed. Raises SourceError and TransientError as `look_up` does.
    """
    transfer = _Transfer(source, credentials, report, limits or Limits())
    try:
        clone_path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(clone_path, report):
            _remove_leftovers(clone_path)
            return transfer.synchronise(clone_path)
    except OSError as error:
        raise TransientError(
            f"The clone of {source} cannot be written at {clone_path}: {error.strerror}."
        ) from error


def distrust(clone_path: Path) -> None:
    """Have a clone that could not be read made again by the next synchronisation."""
    with contextlib.suppress(OSError):
        (clone_path / TIP).unlink(missing_ok=True)
        (clone_path / "packed-refs").unlink(missing_ok=True)


def remove_clone(clone_path: Path) -> None:
    """Remove a clone and all that belongs to it; nothing happens where there is none."""
    if not clone_path.parent.is_dir():
        return
    _remove_leftovers(clone_path)
    _move_away(clone_path)
    _lock_path(clone_path).unlink(missing_ok=True)


def _shorter(limits: Limits) -> Limits:
    return Limits(
        min(limits.silent, LOOK_UP_LIMITS.silent), min(limits.total, LOOK_UP_LIMITS.total)
    )


@dataclass(frozen=True, slots=True)
class _Transfer:
    """One way of getting at a source: where from, as whom, and within which limits."""

    source: Source
    credentials: Credentials | None
    report: Report
    limits: Limits

    def synchronise(self, clone_path: Path) -> str | None:
        """Clone, fetch or do nothing, as it takes; returns the commit."""
        wanted = self.source.ref
        tip = _tip(clone_path)
        if tip is not None and tip == wanted:
            return tip
        found = find_ref(self.source, self.credentials, limits=_shorter(self.limits))
        if found is None and not may_be_short_commit_id(wanted):
            return None
        ref, commit = found or (str(wanted), "")
        if tip is not None and (tip == commit or (found is None and tip.startswith(ref))):
            return tip
        if tip is None:
            return self.clone(ref, clone_path)
        commit = self.fetch(ref, clone_path)
        with contextlib.suppress(GitError):  # the clone is sound, only larger than it need be
            run_git([*_MAINTENANCE, "gc", "--auto", "--quiet"], git_directory=clone_path)
        return commit

    def clone(self, ref: str, clone_path: Path) -> str:
        """Make the clone; returns its commit."""
        temporary = _temporary(clone_path)
        try:
            run_git(["init", "--quiet", "--bare", "--template=", "--", str(temporary)])
            commit = self.fetch(ref, temporary)
            _move_away(clone_path)  # what has no tip is broken
            temporary.rename(clone_path)
        except GitError as error:
            raise explain(error, self.source) from None
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return commit

    def fetch(self, ref: str, clone_path: Path) -> str:
        """Bring the tip of a clone to `ref`; returns its commit."""
        check_local_repository(self.source)
        try:
            if is_commit_id(ref) or may_be_short_commit_id(ref):
                self._fetch_commit(ref, clone_path)
            else:
                self._fetch(clone_path, f"+{ref}:{TIP}")
        except GitError as error:
            raise explain(error, self.source) from None
        except GitTimeoutError as error:
            raise TransientError(f"{self.source} cannot be fetched: {error}.") from None
        tip = _tip(clone_path)
        if tip is None:
            raise SourceError(f"{self.source.location} has no commit named {self.source.ref}.")
        return tip

    def _fetch_commit(self, ref: str, clone_path: Path) -> None:
        """Fetch a commit by its id, or where a server gives out refs only, by all refs."""
        if is_commit_id(ref):
            try:
                self._fetch(clone_path, f"+{ref}:{TIP}")
            except GitError as error:
                if "not our ref" not in error.stderr and "unadvertised" not in error.stderr:
                    raise
            else:
                return
        self._fetch(clone_path, *_ALL_REFS)
        try:
            commit = run_git(
                ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"],
                git_directory=clone_path,
                environment=OFFLINE,
            )
        except GitError:
            raise SourceError(
                f"{self.source.location} has no branch, tag or commit named {ref}."
            ) from None
        run_git(["update-ref", TIP, commit.decode("ascii").strip()], git_directory=clone_path)

    def _fetch(self, clone_path: Path, *refspecs: str) -> None:
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
                "--end-of-options",
                self.source.location,
                *refspecs,
            ],
            git_directory=clone_path,
            credentials=self.credentials,
            url=self.source.location,
            limits=self.limits,
            report=self.report,
        )


def _tip(clone_path: Path) -> str | None:
    """The commit that the clone stands at, if the clone is sound enough to have one."""
    if not (clone_path / "HEAD").is_file():
        return None
    try:
        output = run_git(
            ["rev-parse", "--verify", "--quiet", f"{TIP}^{{commit}}"],
            git_directory=clone_path,
            environment=OFFLINE,
        )
    except GitError:
        return None
    return output.decode("ascii").strip() or None


def _temporary(clone_path: Path) -> Path:
    return clone_path.with_name(f".{clone_path.name}.{secrets.token_hex(8)}.tmp")


def _move_away(clone_path: Path) -> None:
    """Remove a clone such that it is there whole or not at all."""
    if clone_path.exists():
        doomed = _temporary(clone_path)
        clone_path.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)


def _remove_leftovers(clone_path: Path) -> None:
    for leftover in clone_path.parent.glob(f".{clone_path.name}.*.tmp"):
        shutil.rmtree(leftover, ignore_errors=True)


def _lock_path(clone_path: Path) -> Path:
    return clone_path.with_name(f".{clone_path.name}.lock")


@contextlib.contextmanager
def _locked(clone_path: Path, report: Report) -> Iterator[None]:
    """Nobody else changes the clone meanwhile. Raises TransientError if somebody keeps it."""
    descriptor = os.open(_lock_path(clone_path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise TransientError(
                        f"Another process keeps the clone {clone_path} busy."
                    ) from None
                report(0, None)
                time.sleep(0.1)
        yield
    finally:
        os.close(descriptor)
