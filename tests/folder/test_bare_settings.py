"""A repository's `bare` setting, and inaccessible files."""

from __future__ import annotations

from pathlib import Path

import pytest

from kodit.infrastructure.folder.repository import (
    WorkTree,
    enclosing_work_tree,
    git_directory_at,
    holds_work_trees,
    is_bare,
    is_file,
    is_folder,
    is_git_directory,
)


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ("", False),
        ("[core]\n\tbare = true\n", True),
        ("[core]\n\tbare = false\n", False),
        ("[core]\n\tbare\n", True),
        ("[core]\n\tbare\n\tbare = false\n", False),
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
def test_the_bare_setting_of_a_configuration(
    configuration: str, expected: bool, tmp_path: Path
) -> None:
    """The last one counts; that of the work tree takes precedence, and a linked one never is
    bare.
    """
    assert not is_bare(tmp_path)
    (tmp_path / "config").write_text(configuration)
    assert is_bare(tmp_path) is expected
    (tmp_path / "config.worktree").write_text("[x]\n")
    assert is_bare(tmp_path) is expected
    (tmp_path / "config.worktree").write_text(f"[core]\n\tbare = {not expected}\n")
    assert is_bare(tmp_path) is not expected
    (tmp_path / "commondir").write_text("..\n")
    assert not is_bare(tmp_path)


def test_inaccessible_files_count_as_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in git."""

    def refuse(_path: Path) -> bool:
        raise PermissionError

    assert is_folder(tmp_path)
    assert not is_file(tmp_path)
    monkeypatch.setattr(Path, "is_dir", refuse)
    monkeypatch.setattr(Path, "is_file", refuse)
    assert not is_folder(tmp_path)
    assert not is_file(tmp_path)


def test_what_makes_a_folder_a_repository(tmp_path: Path) -> None:
    """Each of its parts, or the packed refs in place of loose ones."""
    bare = tmp_path / "bare"
    (bare / "objects").mkdir(parents=True)
    (bare / "HEAD").touch()
    assert not is_git_directory(bare)
    (bare / "packed-refs").touch()
    assert is_git_directory(bare)
    (bare / "packed-refs").unlink()
    (bare / "refs").mkdir()
    assert is_git_directory(bare)
    (bare / "objects").rmdir()
    assert not is_git_directory(bare)
    (bare / "objects").mkdir()
    (bare / "HEAD").unlink()
    assert not is_git_directory(bare)


def test_where_a_git_file_leads(tmp_path: Path) -> None:
    """To a folder of git's, by an absolute path or relative to the file."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "data").mkdir()
    for target in ("../data", str(tmp_path / "data")):
        (tmp_path / "tree" / ".git").write_text(f"gitdir: {target}\r\n")
        assert git_directory_at(tmp_path / "tree") is None
        (tmp_path / "data" / "HEAD").touch()
        found = git_directory_at(tmp_path / "tree")
        assert found is not None
        assert found.resolve() == (tmp_path / "data").resolve()
        (tmp_path / "data" / "HEAD").unlink()
    (tmp_path / "data" / "HEAD").touch()
    (tmp_path / "tree" / ".git").write_text("something: ../data\n")
    assert git_directory_at(tmp_path / "tree") is None


def test_work_trees_as_deep_as_the_names_of_branches(tmp_path: Path) -> None:
    """Up to four folders down, and not where a link leads."""

    def add(path: Path) -> None:
        (path / ".git" / "objects").mkdir(parents=True)
        (path / ".git" / "HEAD").touch()

    bare = tmp_path / "bare"
    bare.mkdir()
    add(tmp_path / "elsewhere")
    (bare / "link").symlink_to(tmp_path / "elsewhere")
    add(bare / "a" / "b" / "c" / "d" / "e")
    add(bare / "hooks" / "x")
    assert not holds_work_trees(bare)
    assert not holds_work_trees(tmp_path / "nowhere")
    add(bare / "a" / "b" / "c" / "f")
    assert holds_work_trees(bare)


def test_the_work_tree_around_a_folder(tmp_path: Path) -> None:
    """The innermost one; a bare repository has none, even inside a work tree."""

    def add(path: Path) -> Path:
        for name in ("objects", "refs"):
            (path / name).mkdir(parents=True)
        (path / "HEAD").touch()
        return path

    outer = tmp_path / "outer"
    of_outer = WorkTree(outer, add(outer / ".git"), outer / ".git")
    inner = outer / "a" / "inner"
    of_inner = WorkTree(inner, add(inner / ".git"), inner / ".git")
    bare = add(outer / "a" / "bare.git")
    for folder, expected in (
        (outer, of_outer),
        (outer / "a", of_outer),
        (inner, of_inner),
        (inner / "b" / "c", of_inner),
        (bare, None),
        (bare / "refs", None),
        (outer / ".git" / "refs", None),
    ):
        assert enclosing_work_tree(folder) == expected, folder
    (inner / ".git" / "config").write_text("[core]\n\tbare = true\n")
    assert enclosing_work_tree(inner / "b") is None
    linked = add(inner / ".git" / "worktrees" / "linked")
    (linked / "commondir").write_text("../..\n")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / ".git").write_text(f"gitdir: {linked}\n")
    found = enclosing_work_tree(tmp_path / "linked" / "x")
    assert found is not None
    assert (found.root, found.git_directory) == (tmp_path / "linked", linked)
    assert found.common_directory.resolve() == inner / ".git"
