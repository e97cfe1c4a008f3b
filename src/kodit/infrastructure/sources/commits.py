"""Reads commits and compares the definitions before and after them, in a child process."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kodit.domain.descriptions.commits import (
    ChangedFile,
    Commit,
    VersionedDefinition,
    compared,
    with_moves,
)
from kodit.domain.descriptions.signatures import numbered, signature_of
from kodit.domain.entities import Index
from kodit.domain.ports.commits import MOST_RECENT
from kodit.domain.symbols import outlined
from kodit.domain.value_objects import SymbolKind
from kodit.infrastructure.git.commits import (
    FileChange,
    find_commit,
    lines_changed,
    read_commit,
    read_versions,
)
from kodit.infrastructure.git.history import Repository
from kodit.infrastructure.git.runner import GitError, GitTimeoutError
from kodit.infrastructure.sources.location import FileToExtract, Location
from kodit.infrastructure.sources.places import SourcePlaces
from kodit.infrastructure.sources.recent_commits import repository_of, rule_of
from kodit.infrastructure.sources.stored import stored_snippets

# Child processes are started when they are first needed.
if TYPE_CHECKING:
    from kodit.infrastructure.processes.pool import ProcessPool

STALL_SECONDS = 120.0
MOST_FILES = 60
"""Changed files whose versions are read and compared."""
MOST_BYTES = 1_000_000
_KINDS = {"A": "added", "D": "removed", "M": "changed", "R": "renamed", "C": "added"}
NOT_IN_CLONE = "the earlier version is not in the clone, so its changed definitions are not known"


class PooledCommitReader:
    """Reads the repository of a folder in place, and git sources in their clones."""

    def __init__(self, places: SourcePlaces, pool: ProcessPool) -> None:
        self._places = places
        self._pool = pool

    async def read(self, index: Index, name: str) -> Commit | None:
        commit: Commit | None = await self._pool.call(
            f"{__name__}:read_one",
            await self._places.present(index),
            index.working_copy.commit,
            name,
            stall_seconds=STALL_SECONDS,
        )
        return commit

    async def recent(
        self, index: Index, most: int = MOST_RECENT, known: Collection[str] = ()
    ) -> Sequence[Commit] | None:
        commits: list[Commit] | None = await self._pool.call(
            "kodit.infrastructure.sources.recent_commits:read_recent",
            await self._places.present(index),
            index.working_copy.commit,
            most,
            frozenset(known),
            stall_seconds=STALL_SECONDS,
        )
        return commits


def read_one(location: Location, head: str | None, name: str, *, report: Any) -> Commit | None:
    """The commit with a name, with what it changed."""

    report(0, None)
    with repository_of(location, head) as (repository, start):
        if repository is None:
            return None
        found = find_commit(repository, start, name)
        if found is None:
            return None
        try:
            commit, changes = read_commit(repository, found)
        except (GitError, GitTimeoutError):
            return None
        shown = [one for one in changes if _may_be_shown(location, one)]
        counts = lines_changed(repository, found)
        files = _compared(repository, location, shown[:MOST_FILES])
        files = [
            replace(file, added_lines=count[0], removed_lines=count[1])
            if (count := counts.get(repository.prefix + file.path)) is not None
            else file
            for file in files
        ]
        return replace(commit, files=tuple(files), left_out=max(0, len(shown) - MOST_FILES))


def _may_be_shown(location: Location, change: FileChange) -> bool:
    is_shown = rule_of(location)
    return bool(is_shown(change.path))


def _compared(
    repository: Repository, location: Location, changes: Sequence[FileChange]
) -> list[ChangedFile]:
    """The changed files with their changed definitions."""

    blobs = [blob for one in changes for blob in (one.old_blob, one.new_blob)]
    versions = read_versions(repository, blobs, MOST_BYTES)
    files: list[ChangedFile] = []
    bodies: dict[tuple[str, str, str], str] = {}
    for one in changes:
        old_path = one.old_path if one.status == "R" else ""
        file = ChangedFile(one.path, _KINDS.get(one.status, "changed"), old_path)
        needs = [
            blob for blob in (one.old_blob, one.new_blob) if blob.strip("0") and one.status != "C"
        ]
        if any(blob not in versions for blob in needs):
            files.append(replace(file, problem=NOT_IN_CLONE))
            continue
        before = _definitions(one.old_path, versions.get(one.old_blob, b""))
        after = _definitions(one.path, versions.get(one.new_blob, b""))
        bodies.update({(one.path, "removed", each.name): each.body for each in before})
        bodies.update({(one.path, "added", each.name): each.body for each in after})
        files.append(replace(file, definitions=tuple(compared(before, after))))
    return with_moves(files, bodies)


def _definitions(path: str, data: bytes) -> list[VersionedDefinition]:
    """What one version of a file defines; nothing if it is not read, as a secret is not."""
    from kodit.infrastructure.sources.child_functions import (  # noqa: PLC0415 - in children only
        extract_one,
    )

    if not data:
        return []
    sliced = extract_one(FileToExtract(0, path, ""), data).sliced
    if sliced is None:
        return []
    lines = numbered([(one.start_line, one.text) for one in sliced.snippets])
    found = []
    for one in outlined(stored_snippets(sliced)):
        snippet = one.snippet
        if snippet.kind == SymbolKind.SECTION or snippet.is_minor:
            continue
        text = "".join(
            "".join(lines.get(number, "").split())
            for number in range(snippet.start_line, snippet.end_line + 1)
        )
        name = f"{snippet.scope}.{snippet.symbol}" if snippet.scope else snippet.symbol or ""
        signature = signature_of(one, lines, sliced.language)
        found.append(
            VersionedDefinition(
                name, snippet.kind or "", signature, one.line, snippet.end_line, text
            )
        )
    return found
