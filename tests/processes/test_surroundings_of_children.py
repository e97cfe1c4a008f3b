"""Programs and modules come from where this process has them, not from the current folder of it or
of a child; and only lock files made by workers count.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.command import KoditCommand
from tests.support.fixtures import kodit
from tests.support.sources import write_file

from kodit.infrastructure.git.runner import git_environment
from kodit.infrastructure.locks import open_lock_file, try_lock
from kodit.infrastructure.processes.environment import steady_environment
from kodit.infrastructure.processes.worker_registry import FileWorkerRegistry

__all__ = ["kodit"]

pytestmark = pytest.mark.real_children

CODE = {"a.py": "def quartz():\n    return 1\n"}


def test_nothing_is_imported_from_a_data_directory(kodit: KoditCommand, tmp_path: Path) -> None:
    """Children run there; an empty entry in `PYTHONPATH` would be that folder."""
    write_file(tmp_path / "code" / "a.py", CODE["a.py"])
    sprung = tmp_path / "sprung"
    for name in ("sitecustomize", "tree_sitter", "numpy", "kodit"):
        write_file(kodit.data_dir / f"{name}.py", f"open({str(sprung)!r}, 'w').close()\n")
    for search_path in (f":{tmp_path}", f"{tmp_path}:", ":"):
        kodit.environment["PYTHONPATH"] = search_path
        # The command itself is started where nothing is brought along.
        kodit.succeed("index", tmp_path / "code")
    assert kodit.status()["files"] == 1
    assert not sprung.exists()


def test_search_paths_do_not_depend_on_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Programs and libraries come from absolute paths; modules from where this process has them."""
    monkeypatch.chdir(tmp_path)
    steady = steady_environment(
        {
            "PATH": ":/usr/bin:.:bin:/bin:",
            "LD_LIBRARY_PATH": ":",
            "DYLD_LIBRARY_PATH": "lib:/lib",
            "PYTHONPATH": ":src:/x:",
            "OTHER": ":",
        }
    )
    assert steady == {
        "PATH": "/usr/bin:/bin",
        "DYLD_LIBRARY_PATH": "/lib",
        "PYTHONPATH": f"{tmp_path / 'src'}:/x",
        "OTHER": ":",
    }
    assert "." not in steady_environment({"PATH": "."})["PATH"].split(":")


def test_git_and_its_helpers_are_not_taken_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does git see the caller's environment variables about repositories and configuration."""
    monkeypatch.setenv("PATH", f".::{os.environ['PATH']}")
    for name in (
        "GIT_DIR",
        "GIT_CONFIG_COUNT",
        "GIT_SSH",
        "GIT_PROXY_COMMAND",
        "GIT_EXTERNAL_DIFF",
    ):
        monkeypatch.setenv(name, "1")
    environment = git_environment()
    assert all(entry.startswith("/") for entry in environment["PATH"].split(":"))
    assert not environment.keys() & {
        *("GIT_DIR", "GIT_CONFIG_COUNT", "GIT_SSH", "GIT_PROXY_COMMAND", "GIT_EXTERNAL_DIFF")
    }


def test_files_among_the_locks_that_no_worker_made(tmp_path: Path) -> None:
    """They count as no living worker and block none."""
    outside = tmp_path / "outside.lock"
    held = open_lock_file(outside)
    assert try_lock(held)
    folder = tmp_path / "workers"
    folder.mkdir()
    (folder / "folder.lock").mkdir()
    (folder / "link.lock").symlink_to(outside)
    os.mkfifo(folder / "pipe.lock")
    registry = FileWorkerRegistry(folder)
    name = registry.enter()
    try:
        assert registry.living() == [name]
        registry.sweep()
        assert len(registry.rules()) == 1
        assert outside.exists()
    finally:
        registry.leave()
        os.close(held)


@pytest.mark.parametrize("name", ["../outside", "/outside", "a\0b", ""])
def test_a_stored_name_of_a_worker_leads_nowhere(tmp_path: Path, name: str) -> None:
    """A process that holds the lock of another file is no worker."""
    (tmp_path / "workers").mkdir()
    program = (
        "import fcntl, sys; file = open(sys.argv[1], 'w'); fcntl.flock(file, fcntl.LOCK_EX);"
        "print(flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "outside.lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdout.readline()
        assert FileWorkerRegistry(tmp_path / "workers").is_dead(name)
        holder.stdin.close()
