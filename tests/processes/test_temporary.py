"""Temporary folders are removed, even those of a killed process, and nobody else's."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kodit.infrastructure import temporary
from kodit.infrastructure.temporary import temporary_folder

PROCESS = """
import sys
from kodit.infrastructure.temporary import temporary_folder
with temporary_folder("git") as folder:
    (folder / "config").write_text("a secret")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The place of temporary folders; folders are abandoned as soon as their process is gone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(temporary, "_AGE_SECONDS", -1.0)
    temporary._remove_abandoned.cache_clear()
    yield tmp_path
    temporary._remove_abandoned.cache_clear()


def test_a_folder_is_private_and_removed_at_the_end(place: Path) -> None:
    with temporary_folder("git") as folder:
        assert folder.parent == place
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "config").touch()
    assert not list(place.iterdir())


def test_the_folder_of_a_killed_process_is_removed(place: Path) -> None:
    """But not while it lives."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROCESS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(place)},
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with closing(process.stdin), closing(process.stdout):
        left = Path(process.stdout.readline().strip())
        with temporary_folder("history"):
            assert (left / "config").exists()
        process.kill()
        process.wait()
        with temporary_folder("history"):
            assert left.exists(), "looked for once per process"
        temporary._remove_abandoned.cache_clear()
        with temporary_folder("history") as folder:
            assert list(place.iterdir()) == [folder]


@pytest.mark.parametrize(
    "name",
    [
        "kodit",
        "kodit-git-12345678",
        "kodit.temporary.git",
        "kodit.temporary.git.12345678.copy",
        "kodit.temporary.git.1234567",
        "my-kodit.temporary.git.12345678",
    ],
)
def test_nobody_elses_folder_is_removed(place: Path, name: str) -> None:
    (place / name).mkdir()
    with temporary_folder("git"):
        assert (place / name).exists()


def test_a_link_is_not_followed(place: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    kept = tmp_path_factory.mktemp("kept")
    (place / "kodit.temporary.git.12345678").symlink_to(kept)
    with temporary_folder("git"):
        assert kept.exists()


def test_a_folder_that_was_just_made_is_left_alone(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process may not have locked it yet."""
    monkeypatch.setattr(temporary, "_AGE_SECONDS", 60.0)
    (place / "kodit.temporary.git.12345678").mkdir()
    with temporary_folder("git"):
        assert (place / "kodit.temporary.git.12345678").exists()
