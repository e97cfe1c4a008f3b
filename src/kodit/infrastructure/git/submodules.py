"""Submodules in a clone: their commits and files are stored with those of the repository itself.

A file in the clone records which submodules were fetched and which were refused. It is only for
reporting: a submodule counts if its ref exists, which is set when all of its files are there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kodit.infrastructure.files import write_atomically
from kodit.infrastructure.git.objects import TreeEntry, list_tree
from kodit.infrastructure.git.runner import OFFLINE, run_git

REFS = "refs/kodit/submodules"
"""The namespace of refs named by submodule commits whose files are all there."""
MOST = 300
"""Submodules of one source, nested ones included: each may name many more."""
_RECORD = "kodit-submodules.json"
_LARGEST_RECORD = 1_000_000


@dataclass(frozen=True, slots=True)
class Record:
    """By path: the submodule commits that were fetched, and why others were not."""

    fetched: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


def read_record(clone_path: Path) -> Record:
    """The last record; an empty one if it cannot be read."""
    try:
        with (clone_path / _RECORD).open("rb") as file:
            kept = json.loads(file.read(_LARGEST_RECORD))
        return Record(_texts(kept["fetched"]), _texts(kept["refused"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Record()


def write_record(clone_path: Path, record: Record) -> None:
    """Raises OSError."""
    kept = {"fetched": dict(record.fetched), "refused": dict(record.refused)}
    if record != read_record(clone_path):
        write_atomically(clone_path / _RECORD, json.dumps(kept).encode())


def refusals(clone_path: Path) -> Mapping[str, str]:
    """Why submodules were not fetched, by path."""
    return read_record(clone_path).refused


def fetched_commits(clone_path: Path) -> frozenset[str]:
    """The submodule commits whose files are all in the clone. Raises GitError."""
    output = run_git(
        ["for-each-ref", "--format=%(objectname) %(refname:lstrip=3)", REFS],
        git_directory=clone_path,
        environment=OFFLINE,
    )
    pairs = (line.split(" ") for line in output.decode("ascii", "replace").splitlines())
    return frozenset(commit for commit, name in pairs if commit == name)


def with_submodules(
    clone_path: Path, entries: Sequence[TreeEntry]
) -> tuple[list[TreeEntry], frozenset[str]]:
    """The entries of a commit, with each fetched submodule replaced by its own entries; and the
    paths of these submodules. Raises GitError.
    """
    commits = fetched_commits(clone_path)
    roots: set[str] = set()
    found: list[TreeEntry] = []
    stack = list(reversed(entries))
    while stack:
        entry = stack.pop()
        if not entry.is_repository or entry.blob_id not in commits or len(roots) >= MOST:
            found.append(entry)
            continue
        roots.add(entry.path)
        below = [
            one._replace(path=f"{entry.path}/{one.path}")
            for one in list_tree(clone_path, entry.blob_id)
        ]
        stack += reversed(below)
    return found, frozenset(roots)


def submodules_of(clone_path: Path, entries: Iterable[TreeEntry]) -> dict[str, str]:
    """The fetched submodules of a commit with these entries, by path: their commits. Raises
    GitError."""
    pins: dict[str, str] = {}
    links = [entry for entry in entries if entry.is_repository]
    commits = fetched_commits(clone_path) if links else frozenset()
    while links and len(pins) < MOST:
        link = links.pop(0)
        if link.blob_id in commits:
            pins[link.path] = link.blob_id
            links += [
                one._replace(path=f"{link.path}/{one.path}")
                for one in list_tree(clone_path, link.blob_id)
                if one.is_repository
            ]
    return pins


def _texts(kept: Mapping[object, object]) -> dict[str, str]:
    return {str(name): str(value) for name, value in kept.items()}
