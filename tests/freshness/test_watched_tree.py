"""One watched folder and its reaction to each event."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.freshness.conftest import watching
from tests.support.sources import commit_all, git, write_file

from kodit.domain.source import KnownFile
from kodit.infrastructure.watching.watched_tree import WatchedTree

LONG_AGO_NS = 10**18


def tree_of(folder: Path, exclude: tuple[str, ...] = ()) -> WatchedTree:
    tree = WatchedTree(watching(folder, exclude=exclude))
    tree.look()
    tree.is_outdated = False
    return tree


def files_after(tree: WatchedTree, *paths: Path) -> dict[str, bool]:
    """The files that are reported after these events, and whether they exist."""
    for path in paths:
        tree.note(str(path))
    changes = tree.take()
    assert not changes.needs_scan
    return {path: stamp is not None for path, stamp in changes.files.items()}


def test_files_that_come_and_go(folder: Path) -> None:
    """Left-out files are not reported, and the set of watched folders stays the same."""
    tree = tree_of(folder)
    for path in ("deep/new.py", "x.log", "build/more.py"):
        write_file(folder / path, path)
    (folder / "link.py").symlink_to("a.py")
    (folder / "a.py").unlink()
    noted = ("deep/new.py", "x.log", "build/more.py", "link.py", "a.py", "gone.log", "build")
    elsewhere = (folder.with_name("source2") / "a.py", folder / "unknown" / "b.py")
    found = files_after(tree, *(folder / path for path in noted), *elsewhere)
    assert found == {"deep/new.py": True, "a.py": False}
    assert not tree.is_outdated
    assert files_after(tree) == {}
    stamp = tree_of(folder).look({}).files["deep/new.py"]
    tree.note(str(folder / "deep" / "new.py"))
    assert tree.take().files == {"deep/new.py": stamp}


def test_folders_that_come_and_go(folder: Path) -> None:
    tree = tree_of(folder)
    write_file(folder / "deep" / "more" / "c.py", "c")
    write_file(folder / "deep" / "more" / "build" / "d.py", "d")
    assert files_after(tree, folder / "deep" / "more") == {"deep/more/c.py": True}
    assert tree.prefixes() == {"", "deep/", "deep/more/"}
    assert tree.is_outdated

    tree.is_outdated = False
    assert files_after(tree, folder / "deep" / "more" / "c.py") == {"deep/more/c.py": True}
    assert not tree.is_outdated
    shutil.rmtree(folder / "deep")
    tree.note(str(folder / "deep"))
    assert tree.prefixes() == {""}
    assert tree.is_outdated
    assert tree.take().needs_scan


@pytest.mark.parametrize(
    "name", [".gitignore", ".noindex", ".gitattributes", ".git", "pyvenv.cfg", "CACHEDIR.TAG"]
)
def test_files_that_affect_others(folder: Path, name: str) -> None:
    """The whole folder is scanned again, once for each such event."""
    tree = tree_of(folder)
    (folder / "unseen").mkdir()
    tree.catch_up()
    assert "unseen/" not in tree.prefixes()
    tree.note(str(folder / "deep" / name))
    tree.catch_up()
    assert "unseen/" in tree.prefixes()
    assert tree.is_outdated
    assert tree.take().needs_scan
    (folder / "unseen").rmdir()
    tree.catch_up()
    assert "unseen/" in tree.prefixes()


@pytest.mark.parametrize(
    ("name", "needs_scan", "looks"),
    [
        ("HEAD", True, False),
        ("packed-refs", True, False),
        ("logs/HEAD", True, False),
        ("logs", True, True),
        ("info/exclude", True, True),
        ("info/attributes", True, True),
        ("index", False, False),
        ("refs", False, False),
    ],
)
def test_events_of_git(folder: Path, name: str, *, needs_scan: bool, looks: bool) -> None:
    """Another commit may change authors, but no rules."""
    commit_all(folder)
    tree = tree_of(folder)
    (folder / "unseen").mkdir()
    tree.note(str(folder / ".git" / name))
    tree.catch_up()
    assert tree.take().needs_scan is needs_scan
    assert ("unseen/" in tree.prefixes()) is looks
    assert not tree.take().needs_scan


def test_the_places_of_relevant_events(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the folders that are scanned, in those above with their rules, and in git's own."""
    monkeypatch.setenv("HOME", str(folder.parent / "home"))
    for name in ("XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL"):
        monkeypatch.delenv(name, raising=False)
    write_file(folder / "deep" / "inner" / "e.py", "e")
    commit_all(folder)
    of_git = {str(folder / ".git" / one) for one in ("", "logs", "info")}
    tree = tree_of(folder / "deep")
    whole = {str(folder / "deep"), str(folder)} | of_git

    def places(*, each: bool) -> set[str]:
        """Without those of the system's configuration."""
        return {one for one in tree.places(each=each) if one.startswith(str(folder.parent))}

    assert places(each=False) == whole
    assert places(each=True) == whole | {str(folder / "deep" / "inner")}
    assert str(folder / "build") not in set(tree_of(folder).places(each=True))
    for name in (".gitignore", ".gitattributes"):
        tree.note(str(folder / name))
        assert tree.take().needs_scan
    tree.note(str(folder / "a.py"))
    assert not tree.take().needs_scan
    assert set(WatchedTree(watching(Path("/"))).places(each=False)) == {"/"}


def test_the_rules_of_a_linked_work_tree(folder: Path) -> None:
    """git's own rules are in the main repository, and its lock is not."""
    commit_all(folder)
    git(folder, "worktree", "add", "../linked")
    tree = tree_of(folder.with_name("linked"))
    rules = folder / ".git" / "info"
    [place] = [one for one in tree.places(each=False) if rules.samefile(one)]
    tree.note(f"{place}/exclude")
    assert tree.take().needs_scan
    (folder / ".git" / "index.lock").touch()
    assert not tree.is_changing()
    (folder / ".git" / "worktrees" / "linked" / "index.lock").touch()
    assert tree.is_changing()
    moment = time.time() - 110
    os.utime(folder / ".git" / "worktrees" / "linked" / "index.lock", (moment, moment))
    assert tree.is_changing()


def _remove(folder: Path) -> None:
    shutil.rmtree(folder)


def _replace(folder: Path) -> None:
    shutil.rmtree(folder)
    write_file(folder / "other" / "z.py", "z")


@pytest.mark.parametrize(
    ("change", "there", "prefixes"), [(_remove, False, set()), (_replace, True, {"", "other/"})]
)
def test_a_folder_that_is_removed_or_replaced(
    folder: Path, change: Callable[[Path], None], prefixes: set[str], *, there: bool
) -> None:
    """Its replacement has to be watched again, even if it looks the same."""
    tree = tree_of(folder)
    tree.note(str(folder))
    tree.catch_up()
    assert tree.is_outdated
    assert tree.take().needs_scan

    tree.is_outdated = False
    change(folder)
    tree.note(str(folder))
    tree.catch_up()
    assert (tree.is_there, set(tree.prefixes())) == (there, prefixes)
    assert tree.is_outdated
    assert tree.take().needs_scan is there


def test_what_came_between_the_scan_and_the_watch(folder: Path) -> None:
    """A nested folder is found with its parent."""
    write_file(folder / "deep" / "inner" / "e.py", "e")
    tree = tree_of(folder)
    tree.recheck(tree.prefixes())
    assert files_after(tree) == {}
    write_file(folder / "deep" / "inner" / "f.py", "f")
    tree.recheck({"deep/inner/"})
    assert files_after(tree) == {"deep/inner/e.py": True, "deep/inner/f.py": True}
    tree.recheck({"deep/", "deep/inner/"})
    assert "deep/b.py" in files_after(tree)


@pytest.mark.parametrize("name", [None, "HEAD", "packed-refs"])
def test_a_scan_that_compares(folder: Path, name: str | None) -> None:
    """It reports checkouts and commits since the last scan."""
    commit_all(folder)
    git(folder, "pack-refs", "--all")
    since = time.time_ns()
    for one in ("HEAD", "packed-refs", "logs/HEAD"):
        moment = since if one == name else LONG_AGO_NS
        os.utime(folder / ".git" / one, ns=(moment, moment))
    known = {"gone.py": KnownFile("", 1, 1)}
    changes = WatchedTree(watching(folder)).look(known, since)
    assert {path for path, stamp in changes.files.items() if stamp is None} == {"gone.py"}
    assert changes.files.keys() == {"gone.py", "a.py", "deep/b.py", ".gitignore"}
    assert changes.needs_scan is (name is not None)
