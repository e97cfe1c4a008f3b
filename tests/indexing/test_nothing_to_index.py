"""An index without files says why it has none."""

from __future__ import annotations

from pathlib import Path

from tests.support.command import KoditCommand
from tests.support.fixtures import kodit
from tests.support.sources import git, write_file

__all__ = ["kodit"]


def index(kodit: KoditCommand, source: Path | str) -> dict[str, object]:
    """A complete index, as JSON."""
    (found,) = kodit.succeed("index", str(source), "--json").json()["indexes"]
    assert found["run"]["state"] == "succeeded"
    return dict(found)


def make_repository(folder: Path) -> None:
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--template=")


def test_below_a_repository_of_dotfiles(kodit: KoditCommand, tmp_path: Path) -> None:
    """It ignores everything that it does not name: a repository below it has its own rules, and in
    a folder without one that rule leaves nothing.
    """
    home = tmp_path / "home"
    make_repository(home)
    write_file(home / ".gitignore", "*\n")
    make_repository(home / "project")
    write_file(home / "project" / "a.py", "def quartz(): ...\n")
    found = index(kodit, home / "project")
    assert (found["files"], "why_empty" in found) == (1, False)
    write_file(home / "loose" / "b.py", "b = 1\n")
    write_file(home / "loose" / "c" / "d.py", "b = 1\n")
    found = index(kodit, home / "loose")
    assert (found["files"], found["why_empty"]) == (0, "all files are left out")
    assert found["skipped"] == {"ignored by ../.gitignore:1: *": 2}
    said = kodit.run("status").out
    assert "no files: all files are left out" in said
    assert "ignored by ../.gitignore:1: *" in said


def test_an_emptied_folder(kodit: KoditCommand, tmp_path: Path) -> None:
    """It has no files any more."""
    folder = tmp_path / "folder"
    write_file(folder / "a.py", "def quartz(): ...\n")
    assert index(kodit, folder)["files"] == 1
    (folder / "a.py").unlink()
    found = index(kodit, folder)
    assert (found["files"], found["why_empty"]) == (0, "the folder is empty")
    assert kodit.run("search", "quartz").code == 1


def test_a_branch_without_commits(kodit: KoditCommand, tmp_path: Path) -> None:
    """Nothing is committed yet; files in the folder itself are read."""
    origin = tmp_path / "origin"
    make_repository(origin)
    write_file(origin / "a.py", "def quartz(): ...\n")
    found = index(kodit, origin.as_uri())
    assert (found["files"], found["why_empty"]) == (0, "the repository has no commits")
    work = tmp_path / "work"
    make_repository(work)
    write_file(work / "a.py", "def quartz(): ...\n")
    assert index(kodit, work)["files"] == 1


def test_a_commit_of_which_nothing_is_read(kodit: KoditCommand, tmp_path: Path) -> None:
    """Because of its own rules."""
    origin = tmp_path / "origin"
    make_repository(origin)
    write_file(origin / ".gitignore", "*\n")
    write_file(origin / "logo.png", b"x")
    git(origin, "add", "--force", ".gitignore", "logo.png")
    git(origin, "commit", "--quiet", "--message=all")
    found = index(kodit, origin.as_uri())
    assert found["why_empty"] == "all files are left out"
    assert found["skipped"] == {"ignored by .gitignore:1: *": 2}
