"""A folder that is watched."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.sources import write_file

from kodit.domain.ports.watching import WatchedFolder
from kodit.domain.source import Source, SourceKind


def watching(folder: Path, index_id: int = 1, exclude: tuple[str, ...] = ()) -> WatchedFolder:
    return WatchedFolder(index_id, Source(SourceKind.FOLDER, str(folder), exclude=exclude))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    for path in ("a.py", "deep/b.py", "build/made.py"):
        write_file(folder / path, path)
    write_file(folder / ".gitignore", "build/\n*.log\n")
    return folder
