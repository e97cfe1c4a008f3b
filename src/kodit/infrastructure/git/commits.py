"""Reads commits: their messages, the files that they changed, and both versions of these."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from kodit.domain.descriptions.commits import Commit
from kodit.infrastructure.git.history import Repository
from kodit.infrastructure.git.runner import OFFLINE, GitError, GitTimeoutError, run_git

MOST_FILES = 400
LONGEST_MESSAGE = 2_000
CUT_OFF = "The history ends here, so it is not known what the commit changed."
_FORMAT = "--format=%x01%H%x00%P%x00%an%x00%ct%x00%B%x00"
_UTF_8 = "--encoding=UTF-8"
_NAME = re.compile(r"[0-9a-fA-F]{4,40}")
_PLACE = re.compile(r"(?:HEAD|@)((?:[~^]\d{0,6}){0,20})")


class FileChange(NamedTuple):
    """A changed file: git's letter, both blobs (all zeros for none), and both paths."""

    status: str
    old_blob: str
    new_blob: str
    old_path: str
    path: str


def find_commit(repository: Repository, head: str, name: str) -> str | None:
    """The commit with a name, if it is in the history of `head`: by the start of its identifier, or
    its place before the head; without a name, the latest one that changed a file below the prefix.
    None for any other name."""
    place = _PLACE.fullmatch(name)
    if not name and repository.prefix:
        return _latest_below(repository, head)
    if not name or place is not None:
        revision = head + (place[1] if place is not None else "")
    elif _NAME.fullmatch(name):
        revision = name
    else:
        return None
    try:
        found = repository.run(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
        )
        commit = found.decode("ascii").strip()
        return commit if repository.is_ancestor(commit, head) else None
    except (GitError, GitTimeoutError):
        return None


def _latest_below(repository: Repository, head: str) -> str | None:
    try:
        found = repository.run(
            "rev-list", "--max-count=1", "--end-of-options", head, "--", repository.prefix
        )
    except (GitError, GitTimeoutError):
        return None
    return found.decode("ascii").strip() or None


def read_commit(repository: Repository, commit: str) -> tuple[Commit, list[FileChange]]:
    """A commit and the changes of files below the prefix, against its first parent. Raises
    GitError."""
    output = repository.run(*("log", "-1", _UTF_8, _FORMAT, "--end-of-options", commit))
    (one,) = [_commit(*fields) for fields in _headers(output)]
    parent, _, _ = _parents(output).partition(b" ")
    if not parent and _is_cut_off(repository, commit):
        return replace(one, problem=CUT_OFF), []
    return one, list(_changes(repository, _between(parent, commit)))


def _is_cut_off(repository: Repository, commit: str) -> bool:
    """Whether a shallow repository has a commit without its parents."""
    try:
        return commit.encode("ascii") in repository.shallow.read_bytes().split()
    except OSError:
        return False


def _between(parent: bytes, commit: str) -> tuple[str, ...]:
    """The arguments of `git diff-tree` that compare a commit with its first parent."""
    if not parent:
        return ("--root", "--no-commit-id", "--end-of-options", commit)
    return ("--end-of-options", parent.decode("ascii"), commit)


def recent_commits(repository: Repository, head: str, most: int) -> list[tuple[Commit, list[str]]]:
    """The latest commits of a history, with the paths that they changed below the prefix. Raises
    GitError."""
    limited = ["--", repository.prefix] if repository.prefix else []
    output = repository.run(
        *("log", f"--max-count={most}", _UTF_8, "--no-renames", "--name-only", "-z"),
        *(_FORMAT, "--end-of-options", head, *limited),
    )
    found = []
    for record in output.split(b"\x01")[1:]:
        identifier, parents, author, time, message, *paths = record.split(b"\0")
        below = [
            path.removeprefix(repository.prefix)
            for one in paths
            if (path := _text(one).lstrip("\n"))
            if path.startswith(repository.prefix)
        ]
        found.append((_commit(identifier, parents, author, time, message), below))
    return found


def lines_changed(repository: Repository, commit: str) -> dict[str, tuple[int, int]]:
    """The number of lines added to and removed from each changed file, by its path; empty where a
    clone lacks a version of some file."""
    try:
        told = repository.run("log", "-1", _UTF_8, _FORMAT, "--end-of-options", commit)
        parent, _, _ = _parents(told).partition(b" ")
        output = repository.run(
            "diff-tree", "-r", "-M", "--numstat", "-z", *_between(parent, commit)
        )
    except (GitError, GitTimeoutError):
        return {}
    counts: dict[str, tuple[int, int]] = {}
    fields = iter(output.split(b"\0"))
    for field in fields:
        added, tab, rest = field.partition(b"\t")
        removed, _, path = rest.partition(b"\t")
        if not tab:
            continue
        if not path:  # a rename has both paths in fields of their own
            next(fields, b"")
            path = next(fields, b"")
        if added.isdigit() and removed.isdigit():
            counts[_text(path)] = (int(added), int(removed))
    return counts


def read_versions(
    repository: Repository, blob_ids: Sequence[str], most_bytes: int
) -> dict[str, bytes]:
    """The bytes of blobs that the repository has, except larger ones; none if it says that it lacks
    some that it should have."""
    try:
        return _versions(repository, blob_ids, most_bytes)
    except (GitError, GitTimeoutError):
        return {}


def _versions(repository: Repository, blob_ids: Sequence[str], most_bytes: int) -> dict[str, bytes]:
    wanted = [one for one in dict.fromkeys(blob_ids) if one.strip("0")]
    if not wanted:
        return {}

    def ask(*arguments: str, names: Sequence[str]) -> bytes:
        return run_git(
            ["cat-file", *arguments, "--buffer"],
            git_directory=repository.git_directory,
            stdin="\n".join(names).encode("ascii"),
            environment=OFFLINE | dict(repository.environment),
            limits=repository.limits,
        )

    told = ask("--batch-check=%(objectname) %(objecttype) %(objectsize)", names=wanted)
    there = [
        fields[0]
        for line in told.decode("ascii").splitlines()
        if len(fields := line.split(" ")) == 3
        and fields[1] == "blob"
        and int(fields[2]) <= most_bytes
    ]
    if not there:
        return {}
    output = memoryview(ask("--batch", names=there))
    found: dict[str, bytes] = {}
    position = 0
    for name in there:
        end = position + bytes(output[position : position + 200]).index(b"\n")
        size = int(bytes(output[position:end]).split(b" ")[2])
        found[name] = bytes(output[end + 1 : end + 1 + size])
        position = end + 2 + size
    return found


def _changes(repository: Repository, between: tuple[str, ...]) -> Iterator[FileChange]:
    # Inexact renames need both versions, which a clone may lack.
    detections: tuple[tuple[str, ...], ...] = (("-M",), ("--no-renames",))
    for detection in detections:
        try:
            output = repository.run(
                "diff-tree", "-r", *detection, "--raw", "-z", "--no-abbrev", *between
            )
            break
        except (GitError, GitTimeoutError):
            if detection == detections[-1]:
                raise
    fields = iter(_text(output).split("\0"))
    for head in fields:
        if not head.startswith(":"):
            continue
        _, _, old_blob, new_blob, status = head.split(" ")
        old_path = path = next(fields)
        if status[0] in "RC":
            path = next(fields)
        if path.startswith(repository.prefix):
            start = len(repository.prefix)
            was = old_path[start:] if old_path.startswith(repository.prefix) else old_path
            yield FileChange(status[0], old_blob, new_blob, was, path[start:])


def _headers(output: bytes) -> Iterator[list[bytes]]:
    for record in output.split(b"\x01")[1:]:
        yield record.split(b"\0")[:5]


def _parents(output: bytes) -> bytes:
    return output.split(b"\0")[1]


def _commit(
    identifier: bytes, parents: bytes, author: bytes, time: bytes, message: bytes
) -> Commit:
    text = _text(message).strip()
    if len(text) > LONGEST_MESSAGE:
        text = f"{text[: LONGEST_MESSAGE - 1]}…"
    return Commit(
        identifier.decode("ascii"),
        _text(author),
        datetime.fromtimestamp(min(int(time), 253_402_300_799), UTC),
        text,
        is_merge=b" " in parents,
    )


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
