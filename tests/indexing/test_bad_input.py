"""Invalid sources and data directories give one clear sentence and the right exit status, and lose
nothing.

Exit status 2 is a mistake the user can correct, 1 something that failed.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.support.command import KoditCommand, Outcome, finish
from tests.support.crash import read_states, stopped_in
from tests.support.permissions import lose_privileges, needs_permissions
from tests.support.ports import port_without_server
from tests.support.snapshot import take_snapshot
from tests.support.sources import commit_all, git, write_file, write_tree

from kodit import Kodit


def check(outcome: Outcome, code: int, sentence: str) -> None:
    """Assert how a command ended, and that it said so in one line."""
    assert outcome.code == code, outcome
    assert outcome.out == ""
    (said,) = outcome.said
    assert sentence in said


class Case(NamedTuple):
    """A refused source: how it is made in a folder, and the error message."""

    name: str
    make: Callable[[Path], str]
    sentence: str


def _a_file(folder: Path) -> str:
    write_file(folder / "file.py", "x = 1\n")
    return str(folder / "file.py")


def _a_folder_as_repository(folder: Path) -> str:
    write_file(folder / "plain" / "file.py", "x = 1\n")
    return (folder / "plain").as_uri()


def _a_link_to_itself(folder: Path) -> str:
    (folder / "loop").symlink_to("loop")
    return str(folder / "loop")


def _no_such_branch(folder: Path) -> str:
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=nothing")
    return f"{folder.as_uri()}@missing"


def _a_closed_port(_folder: Path) -> str:
    return f"http://127.0.0.1:{port_without_server()}/project.git"


REFUSED = [
    Case("missing", lambda folder: str(folder / "missing"), "missing does not exist"),
    Case("file", _a_file, "file.py is a file; give the folder that contains it"),
    Case("not a repository", _a_folder_as_repository, "plain is not a git repository"),
    Case("link to itself", _a_link_to_itself, "loop is a loop of symbolic links"),
    Case("no such branch", _no_such_branch, "has no branch, tag or commit named missing"),
    Case("closed port", _a_closed_port, "/project.git cannot be reached"),
    Case("transport", lambda _: "ext::sh -c 'touch hacked'", "uses a git transport"),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_a_source_that_is_refused(case: Case, kodit: KoditCommand, tmp_path: Path) -> None:
    """It is named, and nothing half-made is left."""
    folder = tmp_path / "place"
    folder.mkdir()

    check(kodit.run("index", case.make(folder)), 2, case.sentence)

    with Kodit(kodit.data_dir) as left:
        assert left.status() == []
    assert not list((kodit.data_dir / "clones").glob("*"))


@pytest.fixture
def silent_server() -> Iterator[str]:
    """A server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/project.git"


def test_a_server_that_hangs(silent_server: str, tmp_path: Path) -> None:
    """It is given up after the configured time, and no git is left behind."""
    kodit = KoditCommand(tmp_path / "data", KODIT_GIT_ANSWER_SECONDS="1")

    check(kodit.run("index", silent_server), 2, f"{silent_server} cannot be reached: git took more")


def test_a_folder_without_files(kodit: KoditCommand, tmp_path: Path) -> None:
    """An empty folder gives an empty, complete index, and a user who mistyped is told."""
    (tmp_path / "empty").mkdir()

    outcome = kodit.run("index", tmp_path / "empty")

    assert outcome.code == 0
    assert outcome.said[-1] == f"{tmp_path}/empty has no files to index."
    assert kodit.status()["updated_at"] is not None

    (tmp_path / "empty").rmdir()
    gone = kodit.run("index", tmp_path / "empty")

    assert gone.code == 1
    assert "does not exist" in gone.err
    assert "has no files to index" not in gone.err
    assert "the folder is empty" not in gone.out


def test_files_that_cannot_be_read_as_text(kodit: KoditCommand, tmp_path: Path) -> None:
    """They are left out or decoded leniently, counted, and listed in the status; the run
    continues.
    """
    folder = tmp_path / "source"
    write_file(folder / "fine.py", "def fine():\n    return 'quartz'\n")
    write_file(folder / "latin.py", "def spindle():\n    return 'caf\u00e9'\n".encode("latin-1"))
    write_file(folder / "binary.py", bytes(range(256)) * 20)
    write_file(folder / "empty.py", "")
    write_file(folder / "large.py", "x = 1\n" * 200_000)
    write_file(folder / "long line.py", "x = '" + "y" * 900_000 + "'\n")
    write_file(folder / "broken.yaml", "{% if this is no yaml %}\n" * 20)
    write_file(folder / os.fsdecode(b"name\xff.py"), "x = 1\n")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "nowhere").symlink_to("missing")
    os.mkfifo(folder / "pipe.py")

    outcome = kodit.succeed("index", folder, "--json")

    (index,) = outcome.json()["indexes"]
    assert index["skipped"] == {
        "binary": 1,
        "minified": 1,
        "special file": 1,
        "symbolic link": 2,
        "too large": 1,
        "undecodable name": 1,
    }
    assert index["problems"] == {"does not parse": 1}
    assert "split by lines: does not parse (1)" in kodit.succeed("status").out
    assert index["run"]["state"] == "succeeded"
    with Kodit(kodit.data_dir) as reading:
        for word, path in (("quartz", "fine.py"), ("spindle", "latin.py")):
            assert [one.snippet.path for one in reading.search(word, mode="keyword")] == [path]


@pytest.mark.skipif(sys.platform != "linux", reason="sets the limit of another process")
@pytest.mark.parametrize("is_recorded", [True, False])
def test_a_disk_without_space(tmp_path: Path, *, is_recorded: bool) -> None:
    """No file may grow beyond a limit: as on a full disk, each write beyond it fails. The run fails
    for that reason, whether that can still be recorded or not; once there is space again, the same
    command succeeds as usual.
    """
    write_tree(tmp_path / "source", files=100)
    kodit = KoditCommand(tmp_path / "data", KODIT_MAX_FAILURES="2")

    process = stopped_in("EXTRACT", kodit, lambda: kodit.start("index", tmp_path / "source"))
    written = (kodit.data_dir / "kodit.db-wal").stat().st_size
    # The states of tasks take some 75,000 bytes, and what the stage stores more than 300,000.
    limit_files(written + 150_000 if is_recorded else 4096, process.pid)
    os.killpg(process.pid, signal.SIGCONT)
    outcome = finish(process)

    assert read_states(kodit.data_dir)["EXTRACT"] == ("failed" if is_recorded else "running")
    assert outcome.code == 1
    assert "is full or failing" in outcome.said[-1]
    kodit.succeed("index", tmp_path / "source")
    with Kodit(tmp_path / "fresh") as fresh:
        fresh.index(tmp_path / "source")
    assert take_snapshot(kodit.data_dir) == take_snapshot(tmp_path / "fresh")


def limit_files(size: int, process: int) -> None:
    """Let no file that a process writes grow beyond this many bytes."""
    resource.prlimit(process, resource.RLIMIT_FSIZE, (size, size))


def test_a_data_directory_below_a_file(tmp_path: Path) -> None:
    """The directory is named, and another one suggested."""
    write_file(tmp_path / "file", "")

    outcome = KoditCommand(tmp_path / "file" / "data").run("status")

    check(outcome, 2, f"the data directory {tmp_path}/file/data cannot be created: Not a directory")
    assert "--data-dir" in outcome.err


@needs_permissions
@pytest.mark.parametrize("mode", [0o500, 0o000])
def test_a_data_directory_of_somebody_else(mode: int, kodit: KoditCommand) -> None:
    """One that cannot be read and written is refused."""
    kodit.data_dir.mkdir(mode=mode)

    outcome = kodit.run("status", preexec_fn=lose_privileges)

    check(outcome, 2, f"the data directory {kodit.data_dir} cannot be read and written")


@needs_permissions
def test_a_folder_of_somebody_else(kodit: KoditCommand, tmp_path: Path) -> None:
    """An unreadable one is refused by its name."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0)

    (folder / "inner").mkdir()
    (tmp_path / "link").symlink_to(folder / "inner")

    outcome = kodit.run("index", folder, preexec_fn=lose_privileges)
    of_link = kodit.run("index", tmp_path / "link", preexec_fn=lose_privileges)

    folder.chmod(0o700)
    check(outcome, 2, f"the folder {folder} cannot be read: permission denied")
    check(of_link, 2, f"the folder {tmp_path}/link cannot be read: permission denied")


@needs_permissions
def test_a_folder_that_may_be_listed_but_not_entered(kodit: KoditCommand, tmp_path: Path) -> None:
    """Everything in it is left out, and counted."""
    folder = tmp_path / "source"
    write_tree(folder, files=2)
    commit_all(folder)
    folder.chmod(0o400)

    outcome = kodit.run("index", folder, preexec_fn=lose_privileges)

    folder.chmod(0o700)
    assert (outcome.code, outcome.said) == (0, [f"{folder} has no files to index."])
    assert kodit.status()["skipped"].keys() == {"unreadable"}


@needs_permissions
def test_a_repository_of_somebody_else(kodit: KoditCommand, tmp_path: Path) -> None:
    """The files are indexed as those of a folder without a repository, as git would see it."""
    folder = tmp_path / "source"
    write_tree(folder, files=2)
    commit_all(folder)
    (folder / ".git").chmod(0)

    outcome = kodit.run("index", folder, preexec_fn=lose_privileges)

    (folder / ".git").chmod(0o700)
    assert (outcome.code, outcome.said) == (0, [])
    assert kodit.status()["files"] == 2


def test_an_invalid_database(kodit: KoditCommand) -> None:
    """The file in its place is not changed."""
    kodit.data_dir.mkdir()
    write_file(kodit.data_dir / "kodit.db", "this is a letter, and no database\n" * 100)

    for command in (["status"], ["search", "quartz"], ["index", str(kodit.data_dir)]):
        code = 2 if command[0] == "search" else 1
        check(kodit.run(*command), code, "kodit.db is damaged, or is not a Kodit database")

    assert (kodit.data_dir / "kodit.db").read_text().startswith("this is a letter")


def check_repaired_by_a_run(kodit: KoditCommand, source: Path) -> None:
    """A search answers without the keyword index and says so; the next run rebuilds it."""
    outcome = kodit.succeed("search", "quartz")
    assert "was searched without it; `kodit index SOURCE` rebuilds it" in outcome.said[-1]
    write_file(source / "more.py", "def more():\n    return 'quartz'\n")

    kodit.succeed("index", source)

    outcome = kodit.succeed("search", "more quartz", "--mode", "keyword", "--json", "--all")
    assert outcome.said == []
    assert outcome.json()["results"][0]["path"] == "more.py"


def test_a_keyword_index_that_is_damaged(kodit: KoditCommand, tmp_path: Path) -> None:
    """Its description is truncated."""
    write_tree(tmp_path / "source", files=4)
    kodit.succeed("index", tmp_path / "source")
    (meta,) = kodit.data_dir.glob("keyword/*/meta.json")
    meta.write_text("{")

    check_repaired_by_a_run(kodit, tmp_path / "source")


@pytest.mark.parametrize("suffix", ["store", "pos"])
def test_a_keyword_index_that_lacks_a_file(
    suffix: str, kodit: KoditCommand, tmp_path: Path
) -> None:
    """Whether that is noticed on opening or on searching."""
    write_tree(tmp_path / "source", files=4)
    kodit.succeed("index", tmp_path / "source")
    for path in kodit.data_dir.glob(f"keyword/*/*.{suffix}"):
        path.unlink()

    check_repaired_by_a_run(kodit, tmp_path / "source")


def test_a_keyword_index_that_was_removed(kodit: KoditCommand, tmp_path: Path) -> None:
    """It is derived: the next run rebuilds it, although no file has changed."""
    write_file(tmp_path / "source" / "fine.py", "def fine():\n    return 'quartz'\n")
    kodit.succeed("index", tmp_path / "source")
    shutil.rmtree(kodit.data_dir / "keyword")

    kodit.succeed("index", tmp_path / "source")

    (found,) = kodit.ask("search", "quartz", "--mode", "keyword")["results"]
    assert found["path"] == "fine.py"
    assert kodit.work()["files_parsed"] == 1


def test_strange_names(tmp_path: Path) -> None:
    """A data directory and a folder may have any name."""
    name = "50% of #1? [a] 'b' é\u202e \U0001f600"
    write_tree(tmp_path / name, files=2)

    with Kodit(tmp_path / f"data {name}") as kodit:
        (status,) = kodit.index(tmp_path / name)
        assert status.summary.files == 2
        assert status.summary.index.source.location == str(tmp_path / name)
