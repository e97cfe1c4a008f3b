"""What a repository says of itself, and what may not be looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from kodit.infrastructure.folder.repository import is_bare, is_file, is_folder


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ("", False),
        ("[core]\n\tbare = true\n", True),
        ("[core]\n\tbare = false\n", False),
        ("[core]\n\tbare\n", True),
        ("[core]\r\n\tbare\r\n", True),
        ("[core]\n\tbare", True),
        ("[core]\n\tbare =\n", False),
        ('[core]\n\tbare = ""\n', False),
        ('[core] bare = "yes"\n', True),
        ("[CORE]\n BARE = On\n", True),
        ("[core]\n\tbare = 1\n", True),
        ("[core]\n\tbare = 0\n", False),
        ("[core]\n\tbare = true\n\tbare = false\n", False),
        ("[core]\n\tbare = false\n[core]\n\tbare = true\n", True),
        ("[core]\n\tbarely = true\n", False),
    ],
)
def test_what_a_configuration_says_of_being_bare(
    configuration: str, expected: bool, tmp_path: Path
) -> None:
    """What is said last; that of the work tree goes before, and a linked one never is."""
    assert not is_bare(tmp_path)
    (tmp_path / "config").write_text(configuration)
    assert is_bare(tmp_path) is expected
    (tmp_path / "config.worktree").write_text("[x]\n")
    assert is_bare(tmp_path) is expected
    (tmp_path / "config.worktree").write_text(f"[core]\n\tbare = {not expected}\n")
    assert is_bare(tmp_path) is not expected
    (tmp_path / "commondir").write_text("..\n")
    assert not is_bare(tmp_path)


def test_what_may_not_be_looked_at_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for git."""

    def refuse(_path: Path) -> bool:
        raise PermissionError

    assert is_folder(tmp_path)
    assert not is_file(tmp_path)
    monkeypatch.setattr(Path, "is_dir", refuse)
    monkeypatch.setattr(Path, "is_file", refuse)
    assert not is_folder(tmp_path)
    assert not is_file(tmp_path)
