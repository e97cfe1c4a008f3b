"""Sources and clones that several tests look at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.git.tree import list_files

if TYPE_CHECKING:
    from tests.git.conftest import Repository


def source_of(repository: Repository, ref: str | None = None) -> Source:
    return Source(SourceKind.GIT, repository.url, ref)


def paths_at(clone: Path, commit: str | None) -> list[str]:
    return [file.path for file in list_files(clone, commit, {}).changed]
