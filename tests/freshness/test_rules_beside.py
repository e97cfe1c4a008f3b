"""A change of rules counts as a change of the folder, wherever the rules are."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.freshness.test_folder_watch import changes_after
from tests.support.sources import git, write_file


@pytest.mark.parametrize(
    "place",
    [
        "folder/.gitattributes",
        "folder/.git/info/attributes",
        "home/.config/git/ignore",
        "home/.config/git/config",
        "home/mine",
    ],
)
def test_a_rule_that_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """Attributes, the user's ignore file, and the configuration that names another one."""
    home, folder = tmp_path / "home", tmp_path / "folder"
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL"):
        monkeypatch.delenv(name, raising=False)
    write_file(home / ".config" / "git" / "config", "")
    if place == "home/mine":
        write_file(home / ".gitconfig", "[core]\n\texcludesFile = ~/mine\n")
    folder.mkdir()
    git(folder, "init")
    write_file(folder / ".git" / "info" / "attributes", "")
    write_file(folder / "a.py", "a")
    found = changes_after(folder, lambda: write_file(tmp_path / place, "*.log\n"))
    assert found.needs_scan
    quiet = changes_after(folder, lambda: write_file(home / "other", "x"), ends_with="later.py")
    assert not quiet.needs_scan
