"""Where Kodit is run from, or keeps its data, has no say in what git does."""

from __future__ import annotations

from pathlib import Path

from tests.support.command import KoditCommand
from tests.support.sources import commit_all, git, write_file

from kodit.infrastructure.git.runner import run_git


def test_a_repository_around_the_data_directory_is_not_obeyed(tmp_path: Path) -> None:
    """git looks upwards for a repository, whose configuration may name programs to run."""
    wanted, hostile = tmp_path / "wanted", tmp_path / "hostile"
    write_file(wanted / "lantern.py", "def swing():\n    return 'lantern'\n")
    commit_all(wanted)
    ran = tmp_path / "ran"
    script = hostile / "upload-pack.sh"
    write_file(script, f'#!/bin/sh\ntouch {ran}\nexec git-upload-pack "$@"\n')
    script.chmod(0o755)
    commit_all(hostile)
    git(hostile, "config", f"remote.{wanted.as_uri()}.uploadpack", str(script))
    command = KoditCommand(hostile / "data")
    outcome = command.run("index", wanted.as_uri(), cwd=hostile)
    assert outcome.code == 0, outcome.err
    assert not ran.exists()


def test_a_transfer_that_stalls_is_given_up(tmp_path: Path) -> None:
    """By git itself, after a minute below a byte a second, whatever the repository says."""
    write_file(tmp_path / "a.py", "a = 1\n")
    commit_all(tmp_path)
    git(tmp_path, "config", "http.lowSpeedLimit", "0")
    git(tmp_path, "config", "http.lowSpeedTime", "0")

    def configured(name: str) -> bytes:
        return run_git(["config", "--get", name], git_directory=tmp_path / ".git").strip()

    assert (configured("http.lowSpeedLimit"), configured("http.lowSpeedTime")) == (b"1", b"60")
