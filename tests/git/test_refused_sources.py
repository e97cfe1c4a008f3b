"""A refused source leaves nothing half-made, whenever it is refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support.command import KoditCommand
from tests.support.fixtures import kodit
from tests.support.snapshot import read_rows

if TYPE_CHECKING:
    from tests.git.conftest import GitServer, MakeRepository, Repository

__all__ = ["kodit"]

CODE = {"a.py": "def quartz():\n    return 1\n"}
MISSING = ["1" * 40, "1234567", "nonesuch", "a blob"]


def is_untouched(kodit: KoditCommand) -> bool:
    """Whether nothing is left of any index."""
    for table in ("indexes", "index_runs", "tasks", "files"):
        assert read_rows(kodit.data_dir, f"SELECT * FROM {table}") == [], table  # noqa: S608
    assert list(kodit.data_dir.glob("clones/*")) == []
    assert list(kodit.data_dir.glob("clones/.*")) == []
    return True


def reference(repository: Repository, name: str) -> str:
    """The name, or the id of a commit that does not exist."""
    return repository.git("rev-parse", "HEAD:a.py") if name == "a blob" else name


@pytest.mark.parametrize("name", MISSING)
@pytest.mark.parametrize("command", [["index"], ["search", "quartz"]], ids=" ".join)
def test_what_a_server_does_not_have(
    kodit: KoditCommand,
    make_repository: MakeRepository,
    server: GitServer,
    name: str,
    command: list[str],
) -> None:
    """A missing commit is only noticed when it is fetched."""
    repository = make_repository()
    repository.commit(CODE)
    ref = reference(repository, name)

    outcome = kodit.run(*command, f"{server.url('origin/.git')}@{ref}")

    assert (outcome.code, outcome.out) == (2, "")
    (said,) = outcome.said
    what = "commit at" if name == "a blob" else "branch, tag or commit named"
    assert said == f"kodit: {server.url('origin/.git')} has no {what} {ref}"
    assert is_untouched(kodit)


@pytest.mark.parametrize("name", MISSING)
def test_what_a_local_repository_does_not_have(
    kodit: KoditCommand, make_repository: MakeRepository, name: str
) -> None:
    """Noticed at once, even without waiting."""
    repository = make_repository()
    repository.commit(CODE)
    ref = reference(repository, name)

    outcome = kodit.run("index", "--no-wait", f"{repository.url}@{ref}")

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.said == [f"kodit: {repository.url} has no branch, tag or commit named {ref}"]
    assert is_untouched(kodit)


def test_a_commit_that_is_there(kodit: KoditCommand, make_repository: MakeRepository) -> None:
    """By its id, full or abbreviated, in a repository with a work tree or without."""
    repository = make_repository()
    commit = repository.commit(CODE)
    repository.commit({"a.py": "changed"})
    bare = repository.path.with_name("bare.git")
    repository.git("clone", "--quiet", "--bare", str(repository.path), str(bare))
    for url in (repository.url, bare.as_uri()):
        kodit.succeed("index", f"{url}@{commit}", f"{url}@{commit[:9]}")
    assert read_rows(kodit.data_dir, "SELECT commit_id FROM indexes") == [(commit,)] * 4


@pytest.mark.parametrize("is_served", [True, False])
def test_a_repository_whose_commit_is_missing(
    kodit: KoditCommand, make_repository: MakeRepository, server: GitServer, is_served: bool
) -> None:
    """Its HEAD names a commit that is not among its objects."""
    repository = make_repository()
    repository.commit(CODE)
    shutil.rmtree(repository.path / ".git" / "objects")
    (repository.path / ".git" / "objects").mkdir()
    url = server.url("origin/.git") if is_served else repository.url

    outcome = kodit.run("index", url)

    assert (outcome.code, outcome.out) == (2, "")
    what = "does not serve" if is_served else "is damaged: it lacks"
    assert outcome.said == [f"kodit: {url} {what} the commit that its HEAD names"]
    assert is_untouched(kodit)


@pytest.mark.parametrize("bad", ["nonesuch", "1" * 40])
def test_a_missing_source_does_not_stop_the_others(
    kodit: KoditCommand, make_repository: MakeRepository, tmp_path: Path, bad: str
) -> None:
    """The others are indexed, and the exit status shows that one was not."""
    repository = make_repository()
    repository.commit(CODE)

    outcome = kodit.run("index", tmp_path / "origin", repository.url, f"{repository.url}@{bad}")

    assert (outcome.code, len(outcome.out.splitlines())) == (1, 2)
    assert outcome.said == [f"kodit: {repository.url} has no branch, tag or commit named {bad}"]


def test_an_index_outlives_its_branch(kodit: KoditCommand, make_repository: MakeRepository) -> None:
    """Indexed files are kept if the source refuses later."""
    repository = make_repository()
    repository.commit(CODE)
    repository.git("branch", "side")
    kodit.succeed("index", f"{repository.url}@side")
    repository.git("branch", "-D", "side")

    assert kodit.run("index", f"{repository.url}@side").code == 1
    assert "quartz" in kodit.succeed("search", "quartz").out


@pytest.mark.skipif(shutil.which("ssh") is None, reason="needs the ssh client")
def test_the_reason_that_ssh_gives(kodit: KoditCommand) -> None:
    """Not git's own message that it could not read."""
    outcome = kodit.run("index", "ssh://git@127.0.0.1:1/x")
    assert outcome.code == 2
    assert outcome.said == [
        "kodit: ssh://git@127.0.0.1:1/x cannot be reached: "
        "connect to host 127.0.0.1 port 1: Connection refused"
    ]


def test_a_repository_of_a_format_that_is_not_known(
    kodit: KoditCommand, make_repository: MakeRepository
) -> None:
    repository = make_repository()
    repository.commit(CODE)
    (repository.path / ".git" / "config").write_text("[core]\nrepositoryformatversion = 99\n")
    outcome = kodit.run("index", repository.url)
    assert outcome.code == 2
    (said,) = outcome.said
    assert f"{repository.url} has a format that this git does not support: " in said
    assert "found 99" in said
    assert is_untouched(kodit)
