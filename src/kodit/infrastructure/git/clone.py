"""Keeping a bare clone below the data directory up to date with its source.

The clone's configuration never holds a remote, a URL or credentials, so nothing can be fetched into
it by accident.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from kodit.domain.errors import CommitGoneError, SourceError, TransientError
from kodit.domain.report import Report, ignore_report
from kodit.domain.source import Credentials
from kodit.domain.value_objects import Source
from kodit.infrastructure.files import remove_tree, write_atomically
from kodit.infrastructure.folder.repository import is_file, is_folder
from kodit.infrastructure.git.errors import explain
from kodit.infrastructure.git.objects import sizes_of
from kodit.infrastructure.git.own_repository import is_own_folder
from kodit.infrastructure.git.remote import (
    find_ref,
    has_been_deepened,
    has_lost_history,
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
from kodit.infrastructure.git.transfer import (
    INCOMING,
    TIP,
    FilesRefusedError,
    Transfer,
    new_repository,
    tip_of,
)
from kodit.infrastructure.locks import file_lock

_LOCK_SECONDS = 60.0
_COMMIT = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64})\n")
_FORMER = "kodit-former"
"""The file of a clone that names the commit before its last fetch."""
_LOOSE_NAME = 38
"""Hexadecimal digits in the file name of a loose object, after the two that name its folder."""


def synchronise(
    source: Source,
    clone_path: Path,
    credentials: Credentials | None = None,
    report: Report = ignore_report,
    *,
    limits: Limits | None = None,
    from_scratch: bool = False,
) -> str | None:
    """Bring the clone at `clone_path` up to date with the source and return the commit, or None for
    a repository without commits. If nothing changed this costs one lookup of refs.

    A clone appears at `clone_path` whole or not at all; what killed runs left in it and beside it
    is removed. A damaged clone, or any with `from_scratch`, is cloned again, once: errors after
    that are the source's. Raises SourceError and TransientError as `look_up` does.
    """
    transfer = Transfer(source, credentials, report, limits or Limits())
    with _working_on(transfer, clone_path):
        return _bring_up_to_date(transfer, clone_path, from_scratch=from_scratch)


def hold(
    source: Source,
    commit: str,
    clone_path: Path,
    credentials: Credentials | None = None,
    report: Report = ignore_report,
    *,
    limits: Limits | None = None,
    from_scratch: bool = False,
) -> None:
    """Bring the clone at `clone_path` to a commit by its id, wherever the source's ref is now; does
    nothing if it is there. Raises CommitGoneError if the source does not have it any more, and
    otherwise as `synchronise` does.
    """
    transfer = Transfer(source, credentials, report, limits or Limits())
    with _working_on(transfer, clone_path):
        _remove_locks(clone_path)
        _remove_broken_refs(clone_path)
        tip = None if from_scratch else tip_of(clone_path)
        if tip == commit:
            return
        try:
            _fetch_or_clone(transfer, commit, clone_path, tip)
        except SourceError as error:
            if error.code != "ref_not_found":
                raise
            raise CommitGoneError(
                f"{source} no longer has the commit {commit[:12]} that is indexed, and neither has "
                "the clone of this machine; the next run reads the present commit",
                code="commit_gone",
                source=str(source),
                commit=commit,
            ) from None


@contextlib.contextmanager
def _working_on(transfer: Transfer, clone_path: Path) -> Iterator[None]:
    """Within the context no other process changes the clone; git's errors become ours."""
    source = transfer.source
    try:
        clone_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        what = f"the clone of {source}"
        with file_lock(_lock_path(clone_path), _LOCK_SECONDS, what, transfer.report):
            _remove_leftovers(clone_path)
            yield
    except GitError as error:
        raise explain(error, source) from None
    except GitTimeoutError as error:
        raise TransientError(
            f"{source} cannot be fetched: {error}", code="source_unreachable", source=str(source)
        ) from None
    except OSError as error:
        raise TransientError(
            f"the clone of {source} cannot be written at {clone_path}: {error.strerror}",
            code="clone_unwritable",
            source=str(source),
            clone=str(clone_path),
        ) from error


def mark_damaged(clone_path: Path) -> None:
    """Mark a clone that could not be read, so that the next synchronisation replaces it."""
    if not is_own_folder(clone_path):
        return
    with contextlib.suppress(OSError):
        (clone_path / TIP).unlink(missing_ok=True)
        (clone_path / "packed-refs").unlink(missing_ok=True)


def remove_clone(clone_path: Path) -> None:
    """Remove a clone with all its files; does nothing if there is none."""
    if not clone_path.parent.is_dir():
        return
    _remove_leftovers(clone_path)
    _move_away(clone_path)
    _lock_path(clone_path).unlink(missing_ok=True)


def _shorter(limits: Limits) -> Limits:
    return Limits(
        min(limits.silent, LOOK_UP_LIMITS.silent), min(limits.total, LOOK_UP_LIMITS.total)
    )


def _bring_up_to_date(transfer: Transfer, clone_path: Path, *, from_scratch: bool) -> str | None:
    """Clone, fetch or do nothing, as needed; returns the commit."""
    wanted = transfer.source.ref
    _remove_locks(clone_path)
    _remove_broken_refs(clone_path)
    tip = None if from_scratch else tip_of(clone_path)
    if tip is not None and tip == wanted:
        return tip
    found = find_ref(transfer.source, transfer.credentials, limits=_shorter(transfer.limits))
    if found is None and not may_be_short_commit_id(wanted):
        return None
    ref, commit = found or (str(wanted), "")
    if tip is None:
        return _clone(transfer, ref, clone_path)
    is_there = tip == commit or (found is None and tip.startswith(ref))
    is_current = is_there and not has_been_deepened(transfer.source, clone_path)
    try:
        if not is_current:
            _note_former(clone_path, tip)
            tip = transfer.fetch(ref, clone_path)
        if has_lost_history(transfer.source, clone_path, tip):
            return _clone(transfer, ref, clone_path)
    except (FilesRefusedError, GitError) as error:
        is_refused = isinstance(error, FilesRefusedError)
        if not is_refused and clone_fault(clone_path, tip) is None:
            raise
        return _clone(transfer, ref, clone_path, whole=is_refused)
    if not is_current:
        with contextlib.suppress(GitError):  # the clone is sound, only larger than necessary
            transfer.maintain(clone_path)
    return tip


def _fetch_or_clone(transfer: Transfer, ref: str, clone_path: Path, tip: str | None) -> str:
    """Bring a clone with this tip, or none, to a ref; returns the commit."""
    if tip is None:
        return _clone(transfer, ref, clone_path)
    try:
        _note_former(clone_path, tip)
        return transfer.fetch(ref, clone_path)
    except FilesRefusedError:
        return _clone(transfer, ref, clone_path, whole=True)
    except GitError:
        if clone_fault(clone_path, tip) is None:
            raise
        return _clone(transfer, ref, clone_path)


def _note_former(clone_path: Path, tip: str) -> None:
    """Record the commit whose files a clone has before others are fetched: until a run has ended,
    files are read as they were."""
    write_atomically(clone_path / _FORMER, tip.encode("ascii"))


def has_files_of(clone_path: Path, commit: str) -> bool:
    """Whether a clone has the files of a commit, judging by its file names: it is there, or was
    before its last fetch.
    """
    if is_at_commit(clone_path, commit):
        return True
    try:
        return (clone_path / _FORMER).read_text("ascii") == commit and is_own_folder(clone_path)
    except (OSError, UnicodeDecodeError):
        return False


def clone_fault(clone_path: Path, commit: str, blob_ids: Sequence[str] = ()) -> str | None:
    """What is wrong with a clone that should hold a commit, its history and these blobs; None if
    nothing is. Reads every object.

    `git fsck` would report a sound clone as broken, because the blobs of older commits are never
    fetched.
    """
    if not clone_path.is_dir():
        return "is missing"
    packs = sorted(str(pack) for pack in clone_path.glob("objects/pack/*.idx"))
    history = ("rev-list", "--objects", "--filter=blob:none", "--quiet", "--end-of-options", commit)
    try:
        for arguments in (
            ("cat-file", "-e", f"{commit}^{{tree}}"),
            *((("verify-pack", "--", *packs),) if packs else ()),
            history,
        ):
            run_git(arguments, git_directory=clone_path, environment=OFFLINE)
        missing = sum(size is None for size in sizes_of(clone_path, blob_ids))
    except GitError as error:
        told = " ".join(error.stderr.split())[:200]
        return f"is damaged: {told or 'a commit is missing'}"
    damaged = next(filter(_is_damaged, clone_path.glob("objects/[0-9a-f][0-9a-f]/*")), None)
    if damaged is not None:
        return f"is damaged: the object {damaged.parent.name}{damaged.name} is corrupt"
    return f"lacks {missing} of the files that are indexed" if missing else None


def _is_damaged(path: Path) -> bool:
    """Whether the contents of an object file do not match the hash in its name."""
    if len(path.name) != _LOOSE_NAME:
        return False  # left by a killed git
    try:
        content = zlib.decompress(path.read_bytes())
    except zlib.error:
        return True
    digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    return digest != path.parent.name + path.name


def is_at_commit(clone_path: Path, commit: str) -> bool:
    """Whether a clone holds a commit, judging by its file names, without running git."""
    try:
        packs = {path.name for path in (clone_path / "objects" / "pack").iterdir()}
        if any(f"{name[:-4]}.pack" not in packs for name in packs if name.endswith(".idx")):
            return False
        if is_file(clone_path / TIP):
            return (clone_path / TIP).read_text("ascii").strip() == commit
        return f"{commit} {TIP}\n" in (clone_path / "packed-refs").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return False


def _remove_locks(clone_path: Path) -> None:
    """Remove the lock files that killed git processes left in a clone; no other process uses it
    now.
    """
    if not is_own_folder(clone_path):
        return
    for pattern in ("*.lock", "gc.pid", "refs/**/*.lock", "objects/**/*.lock"):
        for leftover in clone_path.glob(pattern):
            leftover.unlink(missing_ok=True)


def _remove_broken_refs(clone_path: Path) -> None:
    """Remove refs that name no commit, which git refuses to update. Every fetch sets the refs it
    needs; if the tip is broken, the repository is cloned from scratch.
    """
    if not is_own_folder(clone_path):
        return
    for path in clone_path.glob("refs/**/*"):
        if path.relative_to(clone_path).as_posix() == TIP or is_folder(path):
            continue
        if not (is_file(path) and _COMMIT.fullmatch(path.read_bytes())):
            path.unlink()
    if is_folder(clone_path / INCOMING):
        remove_tree(clone_path / INCOMING)


def _clone(transfer: Transfer, ref: str, clone_path: Path, *, whole: bool = False) -> str:
    temporary = _temporary(clone_path)
    try:
        new_repository(temporary, whole=whole)
        commit = transfer.fetch(ref, temporary)
        _move_away(clone_path)  # a clone without a tip is broken
        temporary.rename(clone_path)
    except FilesRefusedError:
        return _clone(transfer, ref, clone_path, whole=True)
    finally:
        remove_tree(temporary)
    return commit


def _temporary(clone_path: Path) -> Path:
    return clone_path.with_name(f".{clone_path.name}.{secrets.token_hex(8)}.tmp")


def _move_away(clone_path: Path) -> None:
    """Remove a clone atomically: at any moment it is there whole or not at all."""
    if os.path.lexists(clone_path):
        doomed = _temporary(clone_path)
        clone_path.rename(doomed)
        remove_tree(doomed)


def _remove_leftovers(clone_path: Path) -> None:
    for leftover in clone_path.parent.glob(f".{clone_path.name}.*.tmp"):
        remove_tree(leftover)


def _lock_path(clone_path: Path) -> Path:
    return clone_path.with_name(f".{clone_path.name}.lock")
