"""Reads the latest commits of a source in a child process, without what they changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from kodit.domain.descriptions.commits import ChangedFile, Commit
from kodit.domain.ports.commits import MOST_RECENT
from kodit.infrastructure.folder.builtin import path_reason
from kodit.infrastructure.folder.globs import glob_matcher
from kodit.infrastructure.folder.repository import enclosing_work_tree
from kodit.infrastructure.git.commits import MOST_FILES as MOST_PATHS
from kodit.infrastructure.git.commits import find_commit, recent_commits
from kodit.infrastructure.git.history import Repository, head_of, objects_of
from kodit.infrastructure.git.runner import GitError, GitTimeoutError
from kodit.infrastructure.git.tree import reading
from kodit.infrastructure.sources.location import Location


def read_recent(
    location: Location,
    head: str | None,
    most: int = MOST_RECENT,
    known: Collection[str] = (),
    *,
    report: Any,
) -> list[Commit] | None:
    """The latest commits with the paths that they changed, none if the history cannot be read; None
    if the latest one is known."""
    report(0, None)
    with repository_of(location, head) as (repository, start):
        if repository is None:
            return []
        latest = find_commit(repository, start, "")
        if latest is None or latest in known:
            return None if latest in known else []
        try:
            found = recent_commits(repository, start, most)
        except (GitError, GitTimeoutError):
            return []
        is_shown = rule_of(location)
        return [
            replace(
                commit,
                files=tuple(
                    ChangedFile(path, "changed") for path in paths[:MOST_PATHS] if is_shown(path)
                ),
            )
            for commit, paths in found
        ]


@contextmanager
def repository_of(location: Location, head: str | None) -> Iterator[tuple[Repository | None, str]]:
    """The repository of a source and the commit that is described; None if it has none."""

    if location.is_folder:
        folder = Path(location.path)
        tree = enclosing_work_tree(folder)
        commit = None if tree is None else head_of(tree)
        if tree is None or commit is None:
            yield None, ""
            return
        with objects_of(tree, folder) as repository:
            yield repository, commit
        return
    if head is None:
        yield None, ""
        return

    clone = Path(location.path)
    with reading(clone):
        yield Repository(clone, clone / "shallow"), head


def rule_of(location: Location) -> Any:
    """Whether a path may be shown: it is chosen by the globs of the source, and neither a secret
    nor anything else that is left out because of its name."""

    source = location.source
    included = glob_matcher(source.include) if source.include else None
    excluded = glob_matcher(source.exclude) if source.exclude else None

    def is_shown(path: str) -> bool:
        return (
            path_reason(path) is None
            and (included is None or included(path))
            and (excluded is None or not excluded(path))
        )

    return is_shown
