"""A data directory from somebody else brings no authority: nothing in it is run, nothing leads out
of it, and nothing that steers a terminal is printed."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support.command import KoditCommand
from tests.support.fixtures import kodit
from tests.support.snapshot import execute, read_rows
from tests.support.sources import python_function, write_file

from kodit.domain.errors import SourceError, UserError
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.files import remove_tree, write_atomically
from kodit.infrastructure.git.clone import distrust, remove_clone, synchronise
from kodit.infrastructure.git.runner import git_environment
from kodit.infrastructure.locks import open_lock_file
from kodit.infrastructure.processes.environment import steady_environment
from kodit.infrastructure.processes.worker_registry import FileWorkerRegistry
from kodit.infrastructure.sources.parsing import check_stored, parse_source
from kodit.infrastructure.trust import check_data_directory

if TYPE_CHECKING:
    from tests.git.conftest import GitServer, MakeRepository, Repository

__all__ = ["kodit"]

CODE = {"a.py": "def quartz():\n    return 1\n"}
HOSTILE = "evil\x1b[2J\x1b]0;x\x07"


@pytest.fixture
def victim(make_repository: MakeRepository) -> Repository:
    """What a link could lead to: a repository of the user."""
    repository = make_repository("victim")
    repository.commit({"mine.py": "mine = 1\n"})
    repository.git("pack-refs", "--all")
    return repository


def everything(folder: Path) -> dict[str, bytes | None]:
    """All that is in a folder: names, and the content of files."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


# Links


@pytest.mark.parametrize(
    "name",
    [
        *("kodit.db", "kodit.db-wal", "write.lock", "write.turn"),
        *("keyword", "vectors", "clones", "workers", "credentials"),
        *("keyword/keyword.lock", "keyword/5", "keyword/5/positions.json"),
    ],
)
def test_a_link_where_kodit_writes(tmp_path: Path, name: str) -> None:
    """Is refused before anything is written; where it leads nothing is made or changed."""
    kodit = KoditCommand(tmp_path / "data")
    outside = tmp_path / "outside"
    (kodit.data_dir / name).parent.mkdir(parents=True)
    (kodit.data_dir / name).symlink_to(outside)
    outcome = kodit.run_here("status")
    assert (outcome.code, outcome.out) == (2, "")
    (said,) = outcome.said
    assert said.startswith(f"kodit: {kodit.data_dir / name} is a symbolic link")
    assert not outside.exists()


def test_links_that_concern_nobody(tmp_path: Path) -> None:
    """The data directory itself may be one, and what Kodit has not made may be anything."""
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
    assert "is not used: every user of this machine may write it; make it yours alone" in said
    assert list(kodit.data_dir.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
def test_a_data_directory_of_another_user(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, -1)
    with pytest.raises(
        UserError, match=r"is not used: it belongs to another user \(number 12345\)"
    ):
        check_data_directory(tmp_path)


def test_a_lock_file_that_is_a_link(tmp_path: Path) -> None:
    """Does not make the file that it leads to."""
    (tmp_path / "x.lock").symlink_to(tmp_path / "outside")
    with pytest.raises(OSError, match="symbolic links"):
        open_lock_file(tmp_path / "x.lock")
    assert not (tmp_path / "outside").exists()


def test_files_that_are_written_in_one_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies where the new content is first written is not followed, nor is the old file."""
    outside = tmp_path / "outside"
    outside.write_text("mine")
    path = tmp_path / "positions.json"
    path.symlink_to(outside)
    monkeypatch.setattr("secrets.token_hex", lambda _bytes: "guessed")
    temporary = tmp_path / "positions.json.guessed.tmp"
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
def test_a_clone_that_leads_elsewhere_is_made_anew(
    tmp_path: Path,
    make_repository: MakeRepository,
    victim: Repository,
    replace: Callable[[Path, Path], None],
) -> None:
    """Whatever is then fetched or thrown away, the user's repository stays as it is."""
    origin = make_repository()
    origin.commit(CODE)
    clone = tmp_path / "clones" / "1.git"
    source = Source(SourceKind.GIT, origin.url)
    synchronise(source, clone)
    before = everything(victim.path)
    replace(clone, victim.path / ".git")
    commit = origin.commit({"b.py": "two"})

    distrust(clone)
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
    """One that was prepared neither runs anything, nor sends what is fetched, and the password with
    it, elsewhere."""
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
    """From a directory that only another repository has any business with."""
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


# Rows


@pytest.mark.parametrize(
    ("kind", "location"),
    [
        ("git", "ext::sh -c touch% sprung"),
        ("git", "--upload-pack=touch sprung"),
        ("git", "-c"),
        ("git", "https://ada:s3cret@git.example.org/x"),
        ("git", "https://git.example.org\\@evil.example/x"),
        ("git", "https://git.example.org/x\n"),
        ("git", "https://git.example.org/x?y"),
        ("git", "ftp://git.example.org/x"),
        ("git", "file://server/x"),
        ("git", "ssh://-oProxyCommand=touch/x"),
        ("git", "git@-oProxyCommand=touch:x"),
        ("git", "relative/path"),
        ("git", ""),
        ("folder", "relative/path"),
        ("folder", ""),
        ("folder", "/with\0zero"),
    ],
)
def test_a_stored_source_that_nobody_could_have_typed(kind: str, location: str) -> None:
    """Is refused before a program is started for it."""
    with pytest.raises(SourceError, match="none that Kodit would have stored") as refused:
        check_stored(Source(SourceKind(kind), location))
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "ref", ["--output=sprung", "-c", "a..b", "a b", "a\nb", "+x:y", "x^{tree}"]
)
def test_a_stored_ref_that_nobody_could_have_typed(ref: str) -> None:
    with pytest.raises(SourceError, match="none that Kodit would have stored"):
        check_stored(Source(SourceKind.GIT, "https://git.example.org/x", ref))


@pytest.mark.parametrize(
    "typed",
    [
        "https://git.example.org/x.git",
        "https://user:p@Git.example.org:8443/@scope/x/@v1",
        "http://[::1]:80/x@main",
        "ssh://git@git.example.org:22/~x/y",
        "ssh://us%40er@git.example.org/x",
        "git://git.example.org/x@pkg@1.0",
        "git@git.example.org:x/y.git@main",
        "git@[::1]:x",
        "https://münchen.example/x",
        ".",
        "/",
    ],
)
def test_stored_sources_are_what_was_typed(typed: str, tmp_path: Path) -> None:
    """All that parsing gives passes."""
    check_stored(parse_source(typed, cwd=tmp_path).source)


def test_a_queued_run_of_a_source_that_executes(kodit: KoditCommand, tmp_path: Path) -> None:
    """Through the whole program: it fails for good, and says why."""
    write_file(tmp_path / "code" / "a.py", CODE["a.py"])
    kodit.succeed("index", "--no-wait", tmp_path / "code")
    execute(
        kodit.data_dir, "UPDATE indexes SET kind = 'git', location = 'ext::sh -c touch% sprung'"
    )
    write_file(tmp_path / "mine" / "a.py", CODE["a.py"])
    assert kodit.run("search", "quartz", tmp_path / "mine", cwd=tmp_path).code == 0
    assert read_rows(kodit.data_dir, "SELECT state FROM index_runs WHERE id = 1") == [("failed",)]
    assert not (tmp_path / "sprung").exists()
    assert "none that Kodit would have stored" in kodit.run_here("queue", "show", "1").out


def test_nothing_in_a_database_steers_the_terminal(kodit: KoditCommand, tmp_path: Path) -> None:
    """Every text of every table is hostile; what is printed of it is escaped."""
    write_file(tmp_path / "code" / "a.py", python_function("quartz", "a b c".split()))
    kodit.succeed("index", tmp_path / "code")
    free = {
        "indexes": ("location", "ref", "credentials"),
        "files": ("path", "problem", "language"),
        "snippets": ("symbol", "scope", "text", "language"),
        "task_attempts": ("worker", "error"),
        "tasks": ("error", "worker"),
        "enrichments": ("text",),
    }
    with closing(sqlite3.connect(kodit.data_dir / "kodit.db")) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for table, columns in free.items():
            known = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            assert known.issuperset(columns), (table, known)
            for column in columns:
                connection.execute(f"UPDATE {table} SET {column} = ?", (HOSTILE,))  # noqa: S608
    workers = kodit.data_dir / "workers"
    (workers / f"{HOSTILE}.lock").touch()
    shown = 0
    for arguments in (
        *(["status"], ["queue", "list", "--all"], ["queue", "show", "1"], ["doctor"], ["ls"]),
        *(["search", "quartz"], ["search", "quartz", "--explain"], ["symbols", "quartz"]),
        *(["grep", "return"], ["read", "1", HOSTILE], ["index"], ["delete", HOSTILE]),
    ):
        for options in ([], ["--json"]):
            if options and arguments[0] == "delete":
                continue
            outcome = kodit.run_here(*arguments, *options)
            said = outcome.out + outcome.err
            assert "\x1b" not in said and "\x07" not in said, (arguments, said)
            shown += "evil" in said
    assert shown > 10


# Programs and modules


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
    """Nor does git hear of what a caller's environment says of repositories and configuration."""
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


# Workers


def test_what_no_worker_has_made(tmp_path: Path) -> None:
    """Among the lock files: it neither lives nor stops anybody from working."""
    outside = tmp_path / "outside.lock"
    outside.touch()
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


@pytest.mark.parametrize("name", ["../outside", "/outside", "a\0b", ""])
def test_a_stored_name_of_a_worker_leads_nowhere(tmp_path: Path, name: str) -> None:
    """Whoever holds the lock of another file is not thereby a worker."""
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
