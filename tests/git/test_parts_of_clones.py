"""How a clone is recognised, and which files of a tree are inside a committed repository."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.git.sources import source_of

from kodit.domain.left_out import Presence
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.git.clone import (
    _is_damaged,
    _remove_broken_refs,
    _remove_locks,
    clone_fault,
    is_at_commit,
    mark_damaged,
    synchronise,
)
from kodit.infrastructure.git.left_out import left_out_of_tree
from kodit.infrastructure.git.objects import TreeEntry
from kodit.infrastructure.git.own_repository import is_own_folder, reset_configuration
from kodit.infrastructure.git.remote import candidate_refs, is_commit_id, may_be_short_commit_id
from kodit.infrastructure.git.repositories_in_trees import CommittedRepositories, is_inside
from kodit.infrastructure.git.runner import Limits
from kodit.infrastructure.git.transfer import Transfer, new_repository, tip_of
from kodit.infrastructure.git.tree import list_files

if TYPE_CHECKING:
    from tests.git.conftest import MakeRepository

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FOLDERS = ("", "objects", "objects/pack", "objects/info", "refs", "refs/kodit")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The folders and files of a bare repository, all empty."""
    folder = tmp_path / "1.git"
    for name in FOLDERS:
        (folder / name).mkdir(exist_ok=True)
    (folder / "HEAD").write_text("ref: refs/heads/none\n")
    return folder


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("ref", "is_whole", "is_short"),
    [
        (None, False, False),
        ("main", False, False),
        ("0" * 6, False, False),
        ("0" * 7, False, True),
        ("a" * 39, False, True),
        (COMMIT, True, False),
        (f"{COMMIT}0", False, False),
        ("A" * 7, False, False),
        ("g" * 7, False, False),
    ],
)
def test_what_may_be_the_id_of_a_commit(ref: str | None, is_whole: bool, is_short: bool) -> None:
    assert (is_commit_id(ref), may_be_short_commit_id(ref)) == (is_whole, is_short)


def test_what_a_ref_stands_for() -> None:
    """A branch takes precedence over a tag."""
    assert candidate_refs(None) == candidate_refs("HEAD") == ("HEAD",)
    assert candidate_refs("v1") == ("refs/heads/v1", "refs/tags/v1")
    assert candidate_refs("refs/pull/1/head") == ("refs/pull/1/head",)


def test_a_clone_is_at_the_commit_its_files_name(clone: Path) -> None:
    """Once its packs are complete, by the ref or the packed refs; undecodable bytes are ignored."""
    assert not is_at_commit(clone, COMMIT)
    write(clone / "packed-refs", f"# pack-refs with: peeled\n{COMMIT} refs/kodit/tip\n")
    assert is_at_commit(clone, COMMIT)
    assert not is_at_commit(clone, COMMIT[::-1])
    tip = write(clone / "refs" / "kodit" / "tip", f"{COMMIT[::-1]}\n")
    assert is_at_commit(clone, COMMIT[::-1])
    assert not is_at_commit(clone, COMMIT)
    tip.write_bytes(b"\xff\n")
    assert not is_at_commit(clone, COMMIT)
    tip.unlink()
    write(clone / "objects" / "pack" / "pack-1.idx", "")
    assert not is_at_commit(clone, COMMIT)
    write(clone / "objects" / "pack" / "pack-1.pack", "")
    assert is_at_commit(clone, COMMIT)
    assert not is_at_commit(clone / "nowhere", COMMIT)


@pytest.mark.parametrize("name", FOLDERS)
def test_a_link_makes_a_clone_untrusted(clone: Path, name: str) -> None:
    """Whether the folder itself is one or contains one."""
    outside = clone.parent / "outside"
    outside.mkdir()
    assert is_own_folder(clone)
    (clone / name / "link").symlink_to(outside)
    assert not is_own_folder(clone)
    assert tip_of(clone) is None
    (clone.parent / "linked.git").symlink_to(clone)
    (clone / name / "link").unlink()
    assert is_own_folder(clone)
    assert not is_own_folder(clone.parent / "linked.git")


def test_a_clone_that_leads_elsewhere_is_made_ours(clone: Path) -> None:
    """Its configuration, even one as long as ours, and files that name other places."""
    reset_configuration(clone)
    ours = (clone / "config").read_bytes()
    for theirs in (ours.replace(b"true", b"TRUE"), b"", ours + b"[include]\n\tpath = /x\n"):
        (clone / "config").write_bytes(theirs)
        for name in ("commondir", "config.worktree", "objects/info/alternates"):
            write(clone / name, "/elsewhere\n")
        reset_configuration(clone)
        assert (clone / "config").read_bytes() == ours
        assert sorted(one.name for one in clone.iterdir()) == ["HEAD", "config", "objects", "refs"]
        assert list((clone / "objects" / "info").iterdir()) == []
    before = (clone / "config").stat().st_mtime_ns
    reset_configuration(clone)
    assert (clone / "config").stat().st_mtime_ns == before


@pytest.mark.parametrize("name", ["config", "commondir", "objects/info"])
def test_a_clone_of_which_a_part_is_of_another_kind(clone: Path, name: str) -> None:
    """It is at no commit, and is cloned again."""
    if (clone / name).is_dir():
        (clone / name).rmdir()
        (clone / name).touch()
    else:
        (clone / name).mkdir()
    assert tip_of(clone) is None


def test_leftovers_of_killed_git_processes(clone: Path) -> None:
    """Locks and invalid refs are removed; the tip stays, and is checked later."""
    locks = ["index.lock", "gc.pid", "refs/kodit/tip.lock", "objects/pack/x.lock"]
    for name in locks:
        write(clone / name, "")
    kept = write(clone / "refs" / "heads" / "deep" / "main", f"{COMMIT}\n")
    for name in ("refs/heads/empty", "refs/heads/half", "refs/kodit/incoming/deep"):
        write(clone / name, COMMIT[:20])
    tip = write(clone / "refs" / "kodit" / "tip", "broken")
    _remove_locks(clone)
    _remove_broken_refs(clone)
    assert kept.exists()
    assert tip.exists()
    left = sorted(str(one.relative_to(clone)) for one in clone.rglob("*") if one.is_file())
    assert left == ["HEAD", "refs/heads/deep/main", "refs/kodit/tip"]
    assert not (clone / "refs" / "kodit" / "incoming").exists()


def test_nothing_is_removed_of_an_untrusted_clone(clone: Path) -> None:
    """Its links could lead to a repository of the user."""
    theirs = [
        write(clone / name, "x")
        for name in ("a.lock", "packed-refs", "refs/heads/broken", "refs/kodit/tip")
    ]
    (clone / "refs" / "link").symlink_to(clone.parent)
    _remove_locks(clone)
    _remove_broken_refs(clone)
    mark_damaged(clone)
    assert all(one.exists() for one in theirs)
    (clone / "refs" / "link").unlink()
    mark_damaged(clone)
    assert [one.name for one in theirs if one.exists()] == ["a.lock", "broken"]
    mark_damaged(clone)


def test_what_is_wrong_with_a_clone_that_is_not_there(clone: Path) -> None:
    assert clone_fault(clone / "nowhere", COMMIT) == "is missing"
    told = clone_fault(clone, COMMIT)
    assert told is not None
    assert told.startswith("is damaged: ")


def test_an_object_is_named_by_its_content(clone: Path) -> None:
    """A file that a killed git was writing is not an object."""
    assert _is_damaged(write(clone / "objects" / "ab" / ("c" * 38), "no object"))
    assert not _is_damaged(write(clone / "objects" / "ab" / "tmp_obj_x", "no object"))


def test_a_new_repository_has_our_configuration(clone: Path) -> None:
    """And nothing from a template of the user's."""
    new = clone.parent / "new.git"
    new_repository(new)
    reset_configuration(clone)
    assert (new / "config").read_bytes() == (clone / "config").read_bytes()
    assert not (new / "hooks").exists()
    assert tip_of(new) is None


def test_locks_of_killed_git_processes_block_nothing(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """And files left out by name are counted by that rule, even a link or a submodule."""
    origin = make_repository()
    origin.commit({"a.py": "one"})
    (origin.path / "logo.png").symlink_to("a.py")
    (origin.path / "link.py").symlink_to("a.py")
    kept = tmp_path / "clones" / "kept.git"
    synchronise(source_of(origin), kept)
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    for name in ("packed-refs.lock", "refs/kodit/tip.lock", "shallow.lock"):
        write(kept / name, "")
    second = origin.commit({"a.py": "two"})
    assert synchronise(source_of(origin), kept) == second
    assert list(kept.rglob("*.lock")) == []
    left_out = {"binary": 1, "symbolic link": 1}
    assert list_files(kept, second, {}).skipped == left_out
    for name in ("node_modules", "library"):
        origin.git("update-index", "--add", "--cacheinfo", f"160000,{second},{name}")
    origin.git("commit", "--quiet", "--message=submodules")
    third = synchronise(source_of(origin), kept)
    more = left_out | {"nested repository": 1, "vendored": 1}
    assert list_files(kept, third, {}).skipped == more


def entries(*paths: str, mode: str = "100644") -> list[TreeEntry]:
    return [TreeEntry(mode, COMMIT, path) for path in paths]


def inside(*tree: TreeEntry) -> frozenset[str]:
    return CommittedRepositories(tree).folders(lambda _entry: None)


def test_the_repositories_of_a_tree() -> None:
    """Copies of `.git`, recognised by their entries, ignoring case; a link counts as a folder."""
    assert inside(*entries("a.py", "src/b.py")) == frozenset()
    bare = entries("x/HEAD", "x/objects/ab/c", "x/refs/heads/main", "y/HEAD", "y/objects/z")
    assert inside(*bare) == {"x"}
    assert inside(*entries("HEAD", "objects/ab/c", "refs/heads/main")) == {""}
    assert inside(*entries("deep/er/Head", "deep/er/Objects/a", "deep/er/REFS/a")) == {"deep/er"}
    linked = [*entries("x/HEAD", "x/objects/a"), *entries("x/refs", mode="120000")]
    assert inside(*linked) == {"x"}
    assert inside(*entries("x/HEAD", "x/objects/a", "x/refs")) == frozenset()
    assert inside(*entries("j/op_store/a", "j/op_heads/a")) == {"j"}


def test_files_whose_content_shows_a_part_of_a_repository() -> None:
    """Those beside another of git's names that are not links."""
    tree = [
        *entries("x/config", "x/hooks/a", "x/description", "y/config", "y/a.py"),
        *entries("z/config", mode="120000"),
        *entries("z/hooks/a"),
    ]
    assert [one.path for one in CommittedRepositories(tree).telling_files()] == ["x/config"]
    pair = CommittedRepositories(entries("w/Config", "w/hooks/a"))
    assert [one.path for one in pair.telling_files()] == ["w/Config"]


@pytest.mark.parametrize(
    ("path", "repositories", "expected"),
    [
        ("a.py", (), False),
        ("x/HEAD", ("x",), True),
        ("x/deep/er/a", ("x",), True),
        ("x/deep/er/a", ("x/deep/er",), True),
        ("xy/HEAD", ("x",), False),
        ("x", ("x",), False),
        ("HEAD", ("",), True),
        ("objects/ab/c", ("",), True),
        ("a.py", ("",), False),
        ("src/HEAD", ("",), False),
        ("HEAD", ("x",), False),
    ],
)
def test_a_file_of_a_repository(path: str, repositories: tuple[str, ...], expected: bool) -> None:
    """At the root, the tree's own files are beside git's."""
    assert is_inside(path, frozenset(repositories)) is expected


@pytest.mark.parametrize(
    ("include", "fetched"),
    [
        ((), {"a.py"}),
        (("*.png",), {"a.py", "logo.png"}),
        (("logo.png",), {"a.py", "logo.png"}),
        (("docs/*.md", "img/logo.png", "*.txt"), {"a.py", "logo.png"}),
        (("*",), {"a.py"}),
        (("logo.*",), {"a.py"}),
        ((".netrc", "*.pem"), {"a.py"}),
    ],
)
def test_files_that_are_never_read_are_not_fetched(
    include: tuple[str, ...], fetched: set[str]
) -> None:
    """Unless they are binary by name, and named so by the user."""
    source = Source(SourceKind.GIT, "https://host/shop.git", include=include)
    transfer = Transfer(source, None, lambda _done, _total: None, Limits())
    names = {"a.py", "logo.png", "photo.jpg", ".netrc", "key.pem"}
    assert {name for name in names if transfer._may_be_read(name)} == fetched


@pytest.mark.parametrize(
    ("path", "presence", "left_out"),
    [
        ("src/a.py", Presence.FILE, []),
        ("src", Presence.FOLDER, []),
        ("src/", Presence.FOLDER, []),
        ("sr", Presence.GONE, []),
        ("logo.png", Presence.FILE, ["logo.png"]),
        ("node_modules", Presence.FOLDER, ["node_modules/"]),
        ("node_modules/b.js", Presence.FILE, ["node_modules/"]),
        (None, Presence.FOLDER, ["logo.png", "node_modules/"]),
    ],
)
def test_why_one_path_of_a_commit_is_left_out(
    path: str | None, presence: Presence, left_out: list[str], make_repository: MakeRepository
) -> None:
    """Or whether there is such a path at all."""
    origin = make_repository()
    commit = origin.commit({"src/a.py": "a\n", "logo.png": "", "node_modules/b.js": "b\n"})
    source = Source(SourceKind.GIT, "https://host/shop.git")
    found, is_there = left_out_of_tree(origin.path / ".git", commit, source, path)
    assert ([one.path for one in found], is_there) == (left_out, presence)
