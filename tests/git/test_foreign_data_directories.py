"""A data directory from somebody else has no authority: nothing in it is executed, and no link out
of it is followed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support.command import KoditCommand
from tests.support.fixtures import kodit

from kodit.composition import Application, sqlite_store
from kodit.domain.errors import UserError
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.data_directory import check_data_directory
from kodit.infrastructure.files import remove_tree, write_atomically
from kodit.infrastructure.git.clone import mark_damaged, remove_clone, synchronise
from kodit.infrastructure.locks import open_lock_file
from kodit.infrastructure.sources.parsing import parse_source
from kodit.settings import Settings

if TYPE_CHECKING:
    from tests.git.conftest import GitServer, MakeRepository, Repository

__all__ = ["kodit"]

CODE = {"a.py": "def quartz():\n    return 1\n"}
HOSTILE = "evil\x1b[2J\x1b]0;x\x07"


@pytest.fixture
def victim(make_repository: MakeRepository) -> Repository:
    """A possible target of a link: a repository of the user."""
    repository = make_repository("victim")
    repository.commit({"mine.py": "mine = 1\n"})
    repository.git("pack-refs", "--all")
    return repository


def everything(folder: Path) -> dict[str, bytes | None]:
    """All contents of a folder: names, and the content of files."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


# Links


@pytest.mark.parametrize(
    "name",
    [
        *("kodit.db", "kodit.db-wal", "write.lock", "write.turn"),
        *("keyword", "vectors", "clones", "workers", "credentials", "watch", "savings.lock"),
        *("keyword/keyword.lock", "keyword/5", "keyword/5/positions.json"),
    ],
)
def test_a_link_where_kodit_writes(tmp_path: Path, name: str) -> None:
    """It is refused before anything is written; nothing is created or changed at its target."""
    kodit = KoditCommand(tmp_path / "data")
    outside = tmp_path / "outside"
    (kodit.data_dir / name).parent.mkdir(parents=True)
    (kodit.data_dir / name).symlink_to(outside)
    outcome = kodit.run_here("status")
    assert (outcome.code, outcome.out) == (2, "")
    (said,) = outcome.said
    assert f"is not used: {kodit.data_dir / name} is a symbolic link" in said
    assert not outside.exists()


@pytest.mark.parametrize("is_brief", [False, True])
@pytest.mark.parametrize("is_read_only", [False, True])
def test_a_data_directory_is_checked_before_anything_in_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_brief: bool, is_read_only: bool
) -> None:
    """Also where it cannot be written, or is only asked a question."""
    settings = Settings(data_dir=tmp_path / "data")
    with Application(settings):
        (settings.data_dir / "vectors").symlink_to(tmp_path)
    monkeypatch.setattr(sqlite_store, "is_read_only", lambda _path: is_read_only)
    with pytest.raises(UserError, match="vectors is a symbolic link"):
        Application(settings, is_brief=is_brief).open()


def test_harmless_links(tmp_path: Path) -> None:
    """The data directory itself may be one, and files that Kodit did not make may be anything."""
    (tmp_path / "real").mkdir()
    (tmp_path / "data").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "notes").symlink_to(tmp_path)
    check_data_directory(tmp_path / "data")


def test_a_data_directory_that_everybody_may_write(kodit: KoditCommand) -> None:
    kodit.data_dir.mkdir()
    kodit.data_dir.chmod(0o777)
    outcome = kodit.run_here("status")
    assert outcome.code == 2
    (said,) = outcome.said
    assert "every user of this machine can write to it; make it accessible to you alone" in said
    assert list(kodit.data_dir.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
def test_a_data_directory_of_another_user(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, -1)
    with pytest.raises(
        UserError, match=r"is not used: it belongs to another user \(number 12345\)"
    ):
        check_data_directory(tmp_path)


def test_a_lock_file_that_is_a_link(tmp_path: Path) -> None:
    """Its target is not created."""
    (tmp_path / "x.lock").symlink_to(tmp_path / "outside")
    with pytest.raises(OSError, match="symbolic links"):
        open_lock_file(tmp_path / "x.lock")
    assert not (tmp_path / "outside").exists()


def test_atomic_writes_follow_no_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither at the temporary name nor at the old file."""
    outside = tmp_path / "outside"
    outside.write_text("mine")
    path = tmp_path / "positions.json"
    path.symlink_to(outside)
    monkeypatch.setattr("kodit.infrastructure.files._new_name", lambda: "guessed")
    temporary = tmp_path / f"positions.json.{os.getpid()}.guessed.tmp"
    temporary.symlink_to(outside)
    with pytest.raises(FileExistsError):
        write_atomically(path, b"theirs")
    assert not temporary.is_symlink()
    write_atomically(path, b"theirs")
    assert (path.read_bytes(), path.is_symlink()) == (b"theirs", False)
    assert outside.read_text() == "mine"


def test_removing_a_link_leaves_what_it_leads_to(tmp_path: Path, victim: Repository) -> None:
    before = everything(victim.path)
    (tmp_path / "link").symlink_to(victim.path)
    remove_tree(tmp_path / "link")
    assert not (tmp_path / "link").is_symlink()
    assert everything(victim.path) == before


# Clones


def whole(clone: Path, target: Path) -> None:
    shutil.rmtree(clone)
    clone.symlink_to(target)


def part(name: str) -> Callable[[Path, Path], None]:
    def replace(clone: Path, target: Path) -> None:
        if (clone / name).is_dir():
            shutil.rmtree(clone / name)
        (clone / name).unlink(missing_ok=True)
        (clone / name).symlink_to(target / name)

    return replace


@pytest.mark.parametrize(
    "replace",
    [whole, *(part(name) for name in ("objects", "objects/pack", "refs", "packed-refs", "config"))],
)
def test_a_clone_that_leads_elsewhere_is_cloned_again(
    tmp_path: Path,
    make_repository: MakeRepository,
    victim: Repository,
    replace: Callable[[Path, Path], None],
) -> None:
    """Whatever is then fetched or removed, the user's repository stays unchanged."""
    origin = make_repository()
    origin.commit(CODE)
    clone = tmp_path / "clones" / "1.git"
    source = Source(SourceKind.GIT, origin.url)
    synchronise(source, clone)
    # As a git leaves them that is at work there, or was killed: nothing to be tidied up from here.
    for name in ("index.lock", "refs/heads/main.lock", "refs/heads/half"):
        (victim.path / ".git" / name).touch()
    before = everything(victim.path)
    replace(clone, victim.path / ".git")
    commit = origin.commit({"b.py": "two"})

    mark_damaged(clone)
    assert everything(victim.path) == before
    assert synchronise(source, clone) == commit
    assert everything(victim.path) == before
    assert not clone.is_symlink()
    assert not any(path.is_symlink() for path in clone.rglob("*"))


def test_deleting_a_clone_that_leads_elsewhere(tmp_path: Path, victim: Repository) -> None:
    before = everything(victim.path)
    clone = tmp_path / "clones" / "1.git"
    for link in (clone, clone.with_name(".1.git.0a.tmp"), clone.with_name(".1.git.lock")):
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(victim.path)
    remove_clone(clone)
    assert list(clone.parent.iterdir()) == []
    assert everything(victim.path) == before


def test_the_configuration_of_a_clone_is_ours(
    tmp_path: Path, make_repository: MakeRepository, make_server: Callable[[], GitServer]
) -> None:
    """A prepared one neither runs a program, nor sends fetched data and the password elsewhere."""
    origin = make_repository()
    origin.commit(CODE)
    server, proxy = make_server(), make_server()
    source = parse_source(server.url("origin/.git")).source
    clone = tmp_path / "clones" / "1.git"
    synchronise(source, clone)
    sprung = tmp_path / "sprung"
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch '{sprung}'\n")
    trap.chmod(0o755)
    for name, value in {
        "http.proxy": f"http://{proxy.host}",
        f"url.http://{proxy.host}/.insteadOf": f"http://{server.host}/",
        "core.gitProxy": str(trap),
        "gc.recentObjectsHook": str(trap),
        f"remote.{source.location}.uploadpack": str(trap),
        f"remote.{source.location}.vcs": "ext",
        "http.extraHeader": "X-Evil: 1",
        "extensions.worktreeConfig": "true",
    }.items():
        origin.git("config", "--file", str(clone / "config"), name, value)
    (clone / "config.worktree").write_bytes((clone / "config").read_bytes())
    commit = origin.commit({"b.py": "two"})

    assert synchronise(source, clone) == commit
    assert proxy.requests == []
    assert not sprung.exists()
    assert not (clone / "config.worktree").exists()
    assert "http" not in (clone / "config").read_text()


def test_a_clone_that_borrows_its_configuration(
    tmp_path: Path, make_repository: MakeRepository, make_server: Callable[[], GitServer]
) -> None:
    """From a directory that belongs to another repository."""
    origin = make_repository()
    origin.commit(CODE)
    server, proxy = make_server(), make_server()
    source = parse_source(server.url("origin/.git")).source
    clone = tmp_path / "clones" / "1.git"
    synchronise(source, clone)
    shutil.copytree(clone, tmp_path / "common")
    origin.git("config", "--file", str(tmp_path / "common/config"), "http.proxy", proxy.host)
    (clone / "commondir").write_text(str(tmp_path / "common"))
    commit = origin.commit({"b.py": "two"})
    assert synchronise(source, clone) == commit
    assert proxy.requests == []
