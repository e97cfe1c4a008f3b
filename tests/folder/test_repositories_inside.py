"""The internal files of repositories are never read; work trees beside or inside them are."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.git.conftest import make_repository
from tests.git.sources import history_of_folder

from kodit.domain.value_objects import SourceKind
from kodit.infrastructure.folder.repository_shape import (
    Shape,
    is_git_name,
    may_be_repository,
    shape_of,
)
from kodit.infrastructure.folder.scan import scan_folder
from kodit.infrastructure.git.clone import synchronise
from kodit.infrastructure.git.tree import list_files, read_blobs
from kodit.infrastructure.sources.parsing import parse_source

if TYPE_CHECKING:
    from tests.git.conftest import MakeRepository, Repository

__all__ = ["make_repository"]

ADDRESS = "https://ada:hunter2@example.org/secret.git"


def found(root: Path) -> tuple[list[str], dict[str, int]]:
    """Which files are read, and what was left out."""
    scan = scan_folder(str(root.resolve()), {})
    return [file.path for file in scan.changed], scan.skipped


@pytest.fixture
def bare(make_repository: MakeRepository, tmp_path: Path) -> Path:
    """A bare repository that has a remote with a password, and an own sound history."""
    origin = make_repository()
    origin.commit({"a.py": "one", "sub/b.py": "two"})
    path = tmp_path / "bare"
    origin.git("clone", "--quiet", "--bare", str(origin.path), str(path))
    origin.git("--git-dir", str(path), "remote", "set-url", "origin", ADDRESS)
    (path / "hooks").mkdir(exist_ok=True)
    (path / "hooks" / "post-receive").write_text(f"#!/bin/sh\ngit push {ADDRESS}\n")
    return path


def without(*names: str) -> Callable[[Path], None]:
    def remove(path: Path) -> None:
        for name in names:
            target = path / name
            if target.is_dir():
                shutil.rmtree(target)
            else:
                target.unlink(missing_ok=True)

    return remove


def only(*names: str) -> Callable[[Path], None]:
    def remove(path: Path) -> None:
        without(*(entry.name for entry in path.iterdir() if entry.name not in names))(path)

    return remove


def in_capitals(path: Path) -> None:
    for entry in sorted(path.iterdir()):
        entry.rename(path / entry.name.upper())


def with_links(path: Path) -> None:
    elsewhere = next(folder for folder in path.parents if folder.name == "root").parent / "objects"
    shutil.move(path / "objects", elsewhere)
    (path / "objects").symlink_to(elsewhere)


def as_reftable(path: Path) -> None:
    shutil.rmtree(path / "refs")
    (path / "packed-refs").unlink(missing_ok=True)
    (path / "reftable").mkdir()
    (path / "reftable" / "tables.list").write_text("0x1-0x2-1.ref\n")


@pytest.mark.parametrize(
    "change",
    [
        without(),
        without("HEAD"),
        without("objects"),
        without("packed-refs"),
        without("refs"),
        without("config"),
        only("config", "hooks", "refs"),
        only("config", "HEAD", "packed-refs"),
        only("config", "objects", "info"),
        in_capitals,
        with_links,
        as_reftable,
    ],
)
@pytest.mark.parametrize("name", ["fixture", "deep/er/copy.git"])
def test_a_repository_is_left_out_whatever_its_name_and_missing_parts(
    bare: Path, tmp_path: Path, change: Callable[[Path], None], name: str
) -> None:
    """Counted once, and no `.noindex` brings it back."""
    root = tmp_path / "root"
    (root / name).parent.mkdir(parents=True)
    shutil.move(bare, root / name)
    change(root / name)
    (root / "own.py").write_text("own")
    (root / ".noindex").write_text("!*\n!config\n!hooks/\n.noindex\n")
    assert found(root) == (["own.py"], {"repository data": 1})


@pytest.mark.parametrize(
    "files",
    [
        ["HEAD", "commondir", "gitdir", "config.worktree"],
        ["gitdir", "HEAD", "logs/HEAD"],
        ["hgrc", "store/00changelog.i", "requires"],
        ["hgrc", "dirstate"],
        ["entries", "wc.db", "pristine/a"],
        ["format", "conf/passwd", "db/current", "locks/db.lock"],
        ["Entries", "Root", "Repository"],
        ["branch-format", "branch/branch.conf"],
        ["repo/op_store/a", "repo/op_heads/a", "repo/config.toml"],
    ],
    ids=lambda files: files[0],
)
def test_what_other_systems_and_linked_work_trees_keep_is_left_out(
    tmp_path: Path, files: list[str]
) -> None:
    """Under names that imply nothing."""
    for name in files:
        path = tmp_path / "backup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text")
    (tmp_path / "own.py").write_text("own")
    assert found(tmp_path) == (["own.py"], {"repository data": 1})


@pytest.mark.parametrize(
    "files",
    [
        ["src/config", "src/hooks/a.ts", "src/modules/b.ts", "src/info/c.ts"],
        ["src/objects/a.py", "src/refs/b.py", "src/hooks/c.py", "src/logs/d.py"],
        ["HEAD", "objects/a.py"],
        ["etc/config", "etc/description", "etc/index"],
        ["requires", "hgrc.py", "store.py"],
        ["format", "db/a.py", "conf.py"],
        ["root", "repository"],
    ],
    ids=lambda files: files[0],
)
def test_folders_that_share_some_names_are_read(tmp_path: Path, files: list[str]) -> None:
    """A few of git's names make no repository."""
    for name in files:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("[server]\nport = 1\n")
    assert found(tmp_path) == (sorted(files), {})


def add_work_trees(repository: Path, origin: Repository, folder: Path) -> None:
    """`main` and `feature/login`, each with `a.py` and `sub/b.py`."""
    for name in ("main", "feature/login"):
        origin.git(
            "--git-dir", str(repository), "worktree", "add", "--quiet", "--force",
            *(() if name == "main" else ("-b", name)),
            str(folder / name), *(("main",) if name == "main" else ()),
        )  # fmt: skip


CODE = ["feature/login/a.py", "feature/login/sub/b.py", "main/a.py", "main/sub/b.py"]


def test_work_trees_inside_a_bare_repository_are_its_code(
    bare: Path, make_repository: MakeRepository, tmp_path: Path
) -> None:
    """The folder is read as a folder, from above as well; git's own is left out, and the history
    of a work tree is still its own."""
    add_work_trees(bare, make_repository("other"), bare)
    source = parse_source(str(bare)).source
    assert (source.kind, source.location) == (SourceKind.FOLDER, str(bare))
    assert found(bare) == (CODE, {"repository data": 1})
    shutil.rmtree(tmp_path / "origin")
    shutil.rmtree(tmp_path / "other")
    assert found(tmp_path)[0] == [f"bare/{path}" for path in CODE]
    assert parse_source(f"{bare}@main").source.kind is SourceKind.GIT
    assert parse_source(bare.as_uri()).source.kind is SourceKind.GIT
    assert set(history_of_folder(bare / "main")) == {"a.py", "sub/b.py"}


@pytest.mark.parametrize("setting", ["config", "config.worktree"])
def test_a_bare_repository_beside_its_work_trees(
    bare: Path, make_repository: MakeRepository, tmp_path: Path, setting: str
) -> None:
    """The folder with its `.git` file is no work tree itself, so those below are not nested."""
    project = tmp_path / "project"
    project.mkdir()
    shutil.move(bare, project / ".bare")
    (project / ".git").write_text("gitdir: ./.bare\n")
    (project / "notes.md").write_text("# notes")
    origin = make_repository("other")
    if setting == "config.worktree":
        origin.git(
            "--git-dir", str(project / ".bare"), "config", "extensions.worktreeConfig", "true"
        )
        origin.git("--git-dir", str(project / ".bare"), "config", "--unset", "core.bare")
        (project / ".bare" / "config.worktree").write_text("[core]\n\tbare = true\n")
    add_work_trees(project / ".bare", origin, project)
    assert parse_source(str(project)).source.kind is SourceKind.FOLDER
    assert found(project) == ([*CODE, "notes.md"], {"repository data": 1})
    assert history_of_folder(project) == {}
    assert set(history_of_folder(project / "main")) == {"a.py", "sub/b.py"}
    assert parse_source(f"{project}@main").source.kind is SourceKind.GIT


def test_ignore_files_above_a_folder_that_are_none(make_repository: MakeRepository) -> None:
    """A folder, a pipe without a writer, and a link are ignored."""
    origin = make_repository()
    (origin.path / "deep" / "er").mkdir(parents=True)
    origin.write("deep/er/a.py", "one")
    (origin.path / ".git" / "info" / "exclude").unlink()
    (origin.path / ".git" / "info" / "exclude").mkdir()
    origin.write("rules", "*.py\n")
    (origin.path / ".gitignore").symlink_to("rules")
    os.mkfifo(origin.path / "deep" / ".gitignore")
    assert found(origin.path / "deep" / "er") == (["a.py"], {})
    (origin.path / ".git" / "info" / "exclude").rmdir()
    (origin.path / ".git" / "info" / "exclude").symlink_to("../../rules")
    ignored = "ignored by ../../.git/info/exclude:1: *.py"
    assert found(origin.path / "deep" / "er") == ([], {ignored: 1})


def test_no_work_tree_is_searched_for_in_git_data(
    bare: Path, make_repository: MakeRepository
) -> None:
    """Somebody may have put a repository among the hooks."""
    add_work_trees(bare, make_repository("other"), bare)
    tool = make_repository("tool")
    tool.commit({"tool.py": "one"})
    shutil.move(tool.path, bare / "hooks" / "tool")
    assert found(bare) == (CODE, {"repository data": 1})


def test_files_beside_the_data_of_a_bare_repository_are_part_of_it(bare: Path) -> None:
    """They are neither read nor left out one by one."""
    (bare / "notes.txt").write_text("written by somebody\n")
    (bare / "trees").mkdir()
    (bare / "trees" / "b.py").write_text("b = 1\n")
    files, left_out = found(bare.parent)
    assert not [path for path in files if path.startswith("bare/")]
    assert "unreadable" not in left_out


def test_a_bare_repository_itself_is_read_as_its_default_branch(bare: Path) -> None:
    """Also where its work trees lie elsewhere."""
    assert parse_source(str(bare)).source.kind is SourceKind.GIT


def test_other_work_trees_of_a_repository_with_one_are_not_read_twice(
    make_repository: MakeRepository,
) -> None:
    """They hold the same code again."""
    origin = make_repository()
    origin.commit({"a.py": "one"})
    origin.git("worktree", "add", "--quiet", "--detach", str(origin.path / "trees" / "x"))
    assert found(origin.path) == (["a.py"], {"nested repository": 1})


def test_committed_repositories_are_neither_read_nor_fetched(
    bare: Path, make_repository: MakeRepository, tmp_path: Path
) -> None:
    """A fixture, which git keeps without its empty folders, a part of one, and one of links."""
    origin = make_repository("committing")
    shutil.copytree(bare, origin.path / "fixtures" / "sample")
    part = origin.path / "fixtures" / "part"
    shutil.copytree(bare, part)
    only("config", "hooks", "refs", "packed-refs")(part)
    linked = origin.path / "fixtures" / "linked"
    shutil.copytree(bare, linked)
    only("config")(linked)
    for name in ("hooks", "objects", "refs"):
        (linked / name).symlink_to(f"../sample/{name}")
    commit = origin.commit({"own.py": "own", ".noindex": "!config\n!fixtures\n"})
    clone = tmp_path / "clone"
    synchronise(parse_source(origin.url).source, clone)
    scan = list_files(clone, commit, {})
    assert [file.path for file in scan.changed] == [".noindex", "own.py"]
    assert scan.skipped == {"repository data": 3}
    hook = origin.git("rev-parse", "HEAD:fixtures/sample/HEAD")
    assert read_blobs(clone, [hook]) == [None]
    folder = found(origin.path)
    assert folder == ([".noindex", "own.py"], {"repository data": 3})


def test_a_tree_that_looks_like_a_repository_itself(
    bare: Path, make_repository: MakeRepository, tmp_path: Path
) -> None:
    """What is git's is left out at the root, and all else is read, from the work tree as well."""
    origin = make_repository("committing")
    shutil.copytree(bare, origin.path, dirs_exist_ok=True)
    commit = origin.commit({"own.py": "own", "pkg/c.py": "c"})
    clone = tmp_path / "clone"
    synchronise(parse_source(origin.url).source, clone)
    scan = list_files(clone, commit, {})
    assert ([file.path for file in scan.changed], scan.skipped) == (
        ["own.py", "pkg/c.py"],
        {"repository data": 1},
    )
    assert found(origin.path) == (["own.py", "pkg/c.py"], {"repository data": 1})


def test_a_repository_reached_by_a_link_is_not_entered(bare: Path, tmp_path: Path) -> None:
    """As no link is."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(bare)
    assert found(root) == ([], {"symbolic link": 1})


OBJECT_ID = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("name", "content", "is_git"),
    [
        ("config", "# mine\n[core]\n\tbare = true\n", True),
        ("config", '[user]\n\tname = Ada\n \t[ Remote "origin"]\n', True),
        ("config", "[user]\n\tname = core\n", False),
        ("config.worktree", "; mine\n[extensions]\n", True),
        ("HEAD", "ref: refs/heads/main\n", True),
        ("HEAD", f"{OBJECT_ID[:40]}\n", True),
        ("HEAD", f"{OBJECT_ID}\n", True),
        ("HEAD", f"{OBJECT_ID[:39]}\n", False),
        ("HEAD", "see ref: refs/heads/main\n", False),
        ("ORIG_HEAD", f"{OBJECT_ID[:40]}\n", True),
        ("FETCH_HEAD", f"{OBJECT_ID[:40]}\tnot-for-merge\tbranch\n", True),
        ("FETCH_HEAD", f"{OBJECT_ID[:40]} x\n", False),
        ("packed-refs", "# pack-refs with: peeled\n", True),
        ("packed-refs", f"{OBJECT_ID[:40]} refs/heads/main\n", True),
        ("packed-refs", "nothing\n", False),
    ],
)
def test_a_part_of_a_repository_is_known_by_one_of_its_files(
    name: str, content: str, is_git: bool
) -> None:
    """And by two more names."""

    def shape(files: set[str], folders: set[str]) -> Shape | None:
        return shape_of(files, folders, lambda asked: content.encode() if asked == name else None)

    for found in (
        shape({name, "description"}, {"hooks"}),
        shape({name, "DESCRIPTION"}, {"Hooks", "src"}),
    ):
        assert found is (Shape.GIT if is_git else None)
    assert shape({name, "description", "a.py"}, {"src"}) is None
    assert may_be_repository([name])


@pytest.mark.parametrize(
    ("name", "is_gits"),
    [
        ("HEAD", True),
        ("hooks", True),
        ("Objects", True),
        ("config.bak", True),
        ("config~", True),
        ("index.old", True),
        ("packed-refs.orig~", True),
        ("head.txt", False),
        ("src", False),
    ],
)
def test_names_that_git_itself_keeps(name: str, is_gits: bool) -> None:
    """And copies that editors and people make of them."""
    assert is_git_name(name) is is_gits
