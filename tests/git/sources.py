"""Sources and clones shared by several tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kodit.domain.source import FileHistory
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.git.history import clone_history, folder_history
from kodit.infrastructure.git.tree import list_files

if TYPE_CHECKING:
    from tests.git.conftest import Repository


def source_of(repository: Repository, ref: str | None = None) -> Source:
    return Source(SourceKind.GIT, repository.url, ref)


def paths_at(clone: Path, commit: str | None) -> list[str]:
    return [file.path for file in list_files(clone, commit, {}).changed]


def history_of(clone: Path, commit: str) -> dict[str, FileHistory]:
    """The complete history, by path."""
    found = clone_history(clone, commit)
    assert found is not None
    assert found.is_whole
    return {path: one for path, one in found.files.items() if one is not None}


def history_of_folder(folder: Path | str) -> dict[str, FileHistory]:
    """The same of a folder; empty where there is no history."""
    found = folder_history(str(folder))
    files = {} if found is None else found.files
    return {path: one for path, one in files.items() if one is not None}
