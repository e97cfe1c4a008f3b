"""A clone follows its source: branches, tags, commits, force pushes, and missing refs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.git.sources import paths_at, source_of

from kodit.domain.errors import SourceError
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.git.clone import synchronise
from kodit.infrastructure.git.remote import look_up, verify
from kodit.infrastructure.git.tree import list_files, read_blobs

if TYPE_CHECKING:
    from tests.git.conftest import GitServer, MakeRepository


def test_a_clone_holds_the_default_branch(make_repository: MakeRepository, tmp_path: Path) -> None:
    """The first synchronisation clones; the files of the commit can be listed and read."""
    origin = make_repository()
    commit = origin.commit({"a.py": "one", "b/c.py": "two"})
    clone = tmp_path / "data" / "clones" / "1"
    assert synchronise(source_of(origin), clone) == commit
    scan = list_files(clone, commit, {})
    assert [file.path for file in scan.changed] == ["a.py", "b/c.py"]
    assert read_blobs(clone, [file.content_hash for file in scan.changed]) == [b"one", b"two"]


def test_a_clone_has_no_work_tree_and_names_no_remote(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """Nothing is checked out, no hook is there, and no URL is in the configuration."""
    origin = make_repository()
    origin.commit({"a.py": "one"})
    clone = tmp_path / "clone"
    synchronise(source_of(origin), clone)
    assert not (clone / ".git").exists()
    assert not (clone / "a.py").exists()
    assert not (clone / "hooks").exists()
    assert "origin" not in (clone / "config").read_text()
    assert "bare = true" in (clone / "config").read_text()


@pytest.mark.parametrize("digits", [0, 10])
def test_nothing_new_costs_one_lookup_of_refs(
    make_repository: MakeRepository, server: GitServer, tmp_path: Path, digits: int
) -> None:
    """The second synchronisation looks up the ref, or checks whether an abbreviated commit id is
    also the name of a ref, and fetches nothing.
    """
    commit = make_repository("origin").commit({"a.py": "one"})
    source = Source(SourceKind.GIT, server.url("origin/.git"), commit[:digits] or None)
    clone = tmp_path / "clone"
    assert synchronise(source, clone) == commit
    assert server.fetches() > 0
    server.requests.clear()
    assert synchronise(source, clone) == commit
    assert server.fetches() == 0
    assert [kind.strip() for kind, _, _ in server.requests] == ["GET", "POST"]


def test_a_new_commit_is_fetched(make_repository: MakeRepository, tmp_path: Path) -> None:
    """The changes are listed relative to the known files."""
    origin = make_repository()
    first = origin.commit({"a.py": "one", "b.py": "two", "c.py": "three"})
    clone = tmp_path / "clone"
    synchronise(source_of(origin), clone)
    known = {
        file.path: (file.content_hash, 0, 0, 0, 0) for file in list_files(clone, first, {}).changed
    }
    (origin.path / "b.py").unlink()
    second = origin.commit({"a.py": "changed"})
    assert synchronise(source_of(origin), clone) == second
    scan = list_files(clone, second, known)  # type: ignore[arg-type]
    assert [file.path for file in scan.changed] == ["a.py"]
    assert scan.gone == ("b.py",)
    assert scan.unchanged == 1
    assert scan.commit == second


def test_branches_tags_and_commits_can_be_chosen(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """A branch, a lightweight and an annotated tag, a full name, a commit, a short commit."""
    origin = make_repository()
    first = origin.commit({"a.py": "one"})
    origin.git("tag", "light")
    origin.git("tag", "--annotate", "--message=x", "pkg@1.0")
    origin.git("checkout", "--quiet", "-b", "feature/x")
    second = origin.commit({"b.py": "two"})
    origin.git("checkout", "--quiet", "main")
    third = origin.commit({"c.py": "three"})
    expected = {
        None: third,
        "main": third,
        "HEAD": third,
        "feature/x": second,
        "refs/heads/feature/x": second,
        "light": first,
        "pkg@1.0": first,
        first: first,
        second: second,
        first[:10]: first,
    }
    for number, (ref, commit) in enumerate(expected.items()):
        clone = tmp_path / f"clone{number}"
        assert synchronise(source_of(origin, ref), clone) == commit, ref
        assert synchronise(source_of(origin, ref), clone) == commit, ref
        if ref != first[:10]:
            assert look_up(source_of(origin, ref)) == commit, ref
        assert len(paths_at(clone, commit)) == (1 if commit == first else 2), ref


def test_one_clone_moves_between_refs(make_repository: MakeRepository, tmp_path: Path) -> None:
    """Going from one branch to another and back leaves each time exactly that branch."""
    origin = make_repository()
    main = origin.commit({"a.py": "one"})
    origin.git("checkout", "--quiet", "--orphan", "other")
    origin.git("rm", "-rf", "--quiet", ".")
    other = origin.commit({"b.py": "two"})
    clone = tmp_path / "clone"
    for ref, commit, paths in [
        ("main", main, ["a.py"]),
        ("other", other, ["b.py"]),
        (main, main, ["a.py"]),
    ]:
        assert synchronise(source_of(origin, ref), clone) == commit
        assert paths_at(clone, commit) == paths


def test_a_branch_takes_precedence_over_a_tag_of_the_same_name(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """As in `git clone --branch`."""
    origin = make_repository()
    origin.commit({"a.py": "one"})
    origin.git("tag", "twice")
    origin.git("checkout", "--quiet", "-b", "twice")
    branch = origin.commit({"b.py": "two"})
    assert look_up(source_of(origin, "twice")) == branch
    assert synchronise(source_of(origin, "twice"), tmp_path / "clone") == branch


def test_a_force_push_is_followed(make_repository: MakeRepository, tmp_path: Path) -> None:
    """A rewritten branch replaces the old one."""
    origin = make_repository()
    origin.commit({"a.py": "one"})
    clone = tmp_path / "clone"
    synchronise(source_of(origin), clone)
    origin.git("checkout", "--quiet", "--orphan", "rewritten")
    origin.git("rm", "-rf", "--quiet", ".")
    rewritten = origin.commit({"z.py": "new"})
    origin.git("branch", "--force", "main", "rewritten")
    origin.git("checkout", "--quiet", "main")
    assert synchronise(source_of(origin), clone) == rewritten
    assert paths_at(clone, rewritten) == ["z.py"]


def test_another_default_branch_is_followed(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """Without a ref, the source is the repository's current default branch."""
    origin = make_repository()
    origin.commit({"a.py": "one"})
    clone = tmp_path / "clone"
    synchronise(source_of(origin), clone)
    origin.git("checkout", "--quiet", "-b", "trunk")
    trunk = origin.commit({"b.py": "two"})
    assert synchronise(source_of(origin), clone) == trunk


@pytest.mark.parametrize("ref", ["gone", "0123456789", "f" * 40, "refs/heads/gone"])
def test_a_ref_that_is_not_there_is_named(
    make_repository: MakeRepository, tmp_path: Path, ref: str
) -> None:
    """One sentence with the repository and the ref; nothing half-made is left."""
    origin = make_repository()
    origin.commit({"a.py": "one"})
    clone = tmp_path / "data" / "clone"
    with pytest.raises(SourceError) as error:
        synchronise(source_of(origin, ref), clone)
    assert origin.url in str(error.value)
    assert ref in str(error.value)
    assert [path.name for path in clone.parent.iterdir()] == [".clone.lock"]


def test_a_deleted_branch_is_named_and_the_clone_stays(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """The indexed files can still be read while the user decides."""
    origin = make_repository()
    origin.commit({"a.py": "one"})
    origin.git("checkout", "--quiet", "-b", "short-lived")
    commit = origin.commit({"b.py": "two"})
    clone = tmp_path / "clone"
    synchronise(source_of(origin, "short-lived"), clone)
    origin.git("checkout", "--quiet", "main")
    origin.git("branch", "--quiet", "-D", "short-lived")
    with pytest.raises(SourceError, match="no branch, tag or commit named short-lived"):
        synchronise(source_of(origin, "short-lived"), clone)
    assert paths_at(clone, commit) == ["a.py", "b.py"]


def test_a_file_that_is_too_large_is_left_out_and_counted(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """As in a folder: one megabyte is read, a byte more is not."""
    origin = make_repository()
    most = "x" * 1_000_000
    commit = origin.commit({"most.py": most, "more.py": most + "x"})
    assert synchronise(source_of(origin), tmp_path / "clone") == commit
    scan = list_files(tmp_path / "clone", commit, {})
    assert [file.path for file in scan.changed] == ["most.py"]
    assert scan.skipped == {"too large": 1}


def test_what_is_too_large_or_a_link_is_no_ignore_file(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """As in a folder: an unread file does not affect others."""
    origin = make_repository()
    origin.write("large/.gitignore", "*.py\n" + "#" * 1_000_000)
    origin.write("linked/rules.txt", "*.py\n")
    (origin.path / "linked" / ".gitignore").symlink_to("*.py")
    commit = origin.commit({"large/a.py": "one", "linked/b.py": "two"})
    synchronise(source_of(origin), tmp_path / "clone")
    assert [path for path in paths_at(tmp_path / "clone", commit) if path.endswith(".py")] == [
        "large/a.py",
        "linked/b.py",
    ]


def test_a_repository_whose_path_has_to_be_quoted(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    origin = make_repository("a b%20c#d")
    commit = origin.commit({"a.py": "one"})
    assert "%20" in origin.url
    verify(source_of(origin))
    assert synchronise(source_of(origin), tmp_path / "clone") == commit


def test_an_empty_repository_has_no_commit_and_no_files(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """It is followed once it has a commit, and again after it is emptied."""
    origin = make_repository()
    clone = tmp_path / "clone"
    assert look_up(source_of(origin)) is None
    assert synchronise(source_of(origin), clone) is None
    scan = list_files(clone, None, {"a.py": ("0" * 40, 0, 0, 0, 0)})  # type: ignore[dict-item]
    assert (scan.changed, scan.gone, scan.commit) == ((), ("a.py",), None)
    commit = origin.commit({"a.py": "one"})
    assert synchronise(source_of(origin), clone) == commit


def test_a_repository_whose_default_branch_is_missing_says_so(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """HEAD points nowhere, but there are branches to choose from."""
    origin = make_repository()
    origin.commit({"a.py": "one"})
    origin.git("symbolic-ref", "HEAD", "refs/heads/nowhere")
    with pytest.raises(SourceError, match="no default branch"):
        synchronise(source_of(origin), tmp_path / "clone")


def test_bare_shallow_and_linked_repositories_are_sources(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """A bare repository, a shallow clone, and a second work tree of a repository."""
    origin = make_repository()
    origin.commit({"a.py": "one"})
    commit = origin.commit({"b.py": "two"})
    origin.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare.git"))
    origin.git("clone", "--quiet", "--depth=1", origin.url, str(tmp_path / "shallow"))
    origin.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
    for name in ("bare.git", "shallow", "linked"):
        clone = tmp_path / f"clone of {name}"
        source = Source(SourceKind.GIT, (tmp_path / name).as_uri())
        assert synchronise(source, clone) == commit
        assert paths_at(clone, commit) == ["a.py", "b.py"]
    deeper = Source(SourceKind.GIT, (tmp_path / "shallow").as_uri())
    subprocess.run(
        ["git", "-C", str(tmp_path / "shallow"), "fetch", "--quiet", "--unshallow"], check=True
    )
    assert synchronise(deeper, tmp_path / "clone of shallow") == commit


def test_objects_named_by_sha256_are_refused(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """Content hashes here are SHA-1, so such a repository cannot be compared."""
    origin = make_repository("origin", "--object-format=sha256")
    origin.commit({"a.py": "one"})
    with pytest.raises(SourceError, match="SHA-256"):
        synchronise(source_of(origin), tmp_path / "clone")


def test_a_repository_that_vanished_is_named(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """It was removed or emptied between two runs."""
    origin = make_repository()
    origin.commit({"a.py": "one"})
    clone = tmp_path / "clone"
    synchronise(source_of(origin), clone)
    shutil.rmtree(origin.path / ".git")
    with pytest.raises(SourceError, match="not a git repository"):
        synchronise(source_of(origin), clone)
    shutil.rmtree(origin.path)
    with pytest.raises(SourceError, match="does not exist"):
        synchronise(source_of(origin), clone)
