"""A clone follows its source: branches, tags, commits, force pushes, and what is not there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kodit.domain.errors import PermanentError, SourceError, TransientError
from kodit.domain.source import Source, SourceKind
from kodit.infrastructure.folder.content import blob_id
from kodit.infrastructure.git.clone import remove_clone, synchronise
from kodit.infrastructure.git.history import history
from kodit.infrastructure.git.remote import look_up
from kodit.infrastructure.git.tree import list_files, read_blobs

if TYPE_CHECKING:
    from tests.git.conftest import GitServer, MakeRepository, Repository


def source_of(repository: Repository, ref: str | None = None) -> Source:
    return Source(SourceKind.GIT, repository.url, ref)


def paths_at(clone: Path, commit: str | None) -> list[str]:
    return [file.path for file in list_files(clone, commit, {}).changed]


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


def test_nothing_new_costs_one_lookup_of_refs(
    make_repository: MakeRepository, server: GitServer, tmp_path: Path
) -> None:
    """The second synchronisation asks for the wanted ref and fetches nothing."""
    commit = make_repository("origin").commit({"a.py": "one"})
    source = Source(SourceKind.GIT, server.url("origin/.git"))
    clone = tmp_path / "clone"
    assert synchronise(source, clone) == commit
    assert server.fetches() > 0
    server.requests.clear()
    assert synchronise(source, clone) == commit
    assert server.fetches() == 0
    assert [kind.strip() for kind, _, _ in server.requests] == ["GET", "POST"]


def test_a_new_commit_is_fetched(make_repository: MakeRepository, tmp_path: Path) -> None:
    """What changed since is listed against what was known."""
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


def test_a_branch_goes_before_a_tag_of_the_same_name(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """As `git clone --branch` has it."""
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
    """Without a ref, the source is whatever the repository says is its default now."""
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
    """What was indexed can still be read while the user decides."""
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


def test_an_empty_repository_has_no_commit_and_no_files(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """It is followed once it has a commit, and again when it is emptied."""
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
    """Between two runs somebody removed or emptied it."""
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


@pytest.mark.parametrize("damage", ["refs", "objects", "HEAD"])
def test_a_damaged_clone_is_made_again(
    make_repository: MakeRepository, tmp_path: Path, damage: str
) -> None:
    """Whatever a full disk or a power cut left there, the next run ends with a sound clone."""
    origin = make_repository()
    commit = origin.commit({"a.py": "one"})
    clone = tmp_path / "clone"
    synchronise(source_of(origin), clone)
    target = clone / damage
    if target.is_dir():
        shutil.rmtree(target)
    else:
        target.unlink()
    assert synchronise(source_of(origin), clone) == commit
    assert paths_at(clone, commit) == ["a.py"]


def test_a_clone_with_missing_objects_heals_at_the_next_run(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """The commit is there but its tree is not: reading says so once, then it is cloned again."""
    origin = make_repository()
    commit = origin.commit({"a.py": "one"})
    tree = origin.git("rev-parse", "HEAD^{tree}")
    clone = tmp_path / "clone"
    synchronise(source_of(origin), clone)
    for pack in list((clone / "objects" / "pack").glob("*.pack")):
        data = pack.read_bytes()
        for part in pack.parent.glob(f"{pack.stem}.*"):
            part.unlink()
        origin.git("--git-dir", str(clone), "unpack-objects", "-q", stdin=data)
    (clone / "objects" / tree[:2] / tree[2:]).unlink()
    with pytest.raises(TransientError, match="will be made again"):
        list_files(clone, commit, {})
    assert synchronise(source_of(origin), clone) == commit
    assert paths_at(clone, commit) == ["a.py"]


def holds(clone: Path, blob: str) -> bool:
    """Whether a clone has an object, without fetching it."""
    return (
        subprocess.run(
            ["git", f"--git-dir={clone}", "cat-file", "-e", blob], check=False, capture_output=True
        ).returncode
        == 0
    )


@pytest.mark.parametrize("by_http", [False, True])
def test_files_of_old_commits_are_not_fetched(
    make_repository: MakeRepository, server: GitServer, tmp_path: Path, by_http: bool
) -> None:
    """The history is there, and the files of the commit that is read; a file that comes back from
    an old commit is fetched then."""
    origin = make_repository()
    origin.git("config", "uploadpack.allowFilter", "true")
    origin.commit({"a.py": "first", "same.py": "same"})
    old = origin.git("rev-parse", "HEAD:a.py")
    second = origin.commit({"a.py": "second"})
    clone = tmp_path / "clone"
    source = Source(SourceKind.GIT, server.url("origin/.git")) if by_http else source_of(origin)
    assert synchronise(source, clone) == second
    assert not holds(clone, old)
    assert read_blobs(clone, [old]) == [None]
    assert set(history(clone, second)) == {"a.py", "same.py"}
    third = origin.commit({"a.py": "first", "new.py": "new"})
    assert synchronise(source, clone) == third
    blobs = [file.content_hash for file in list_files(clone, third, {}).changed]
    assert read_blobs(clone, blobs) == [b"first", b"new", b"same"]
    assert "promisor" not in (clone / "config").read_text()


def test_secrets_and_binaries_are_not_even_fetched(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """Whatever `.noindex` says, what never is read never is in the data directory."""
    origin = make_repository()
    origin.write("a.png", b"\0picture")
    commit = origin.commit({".env": "TOKEN=1", "a.py": "one", ".noindex": "!.env\n!*.png\n"})
    clone = tmp_path / "clone"
    synchronise(source_of(origin), clone)
    for path, there in {"a.py": True, ".env": False, "a.png": False}.items():
        assert holds(clone, origin.git("rev-parse", f"HEAD:{path}")) is there
    scan = list_files(clone, commit, {})
    assert [file.path for file in scan.changed] == [".noindex", "a.py"]
    assert scan.skipped == {"binary": 1, "secret": 1}


def test_a_server_that_gives_out_no_single_files_is_cloned_whole(
    make_repository: MakeRepository, server: GitServer, tmp_path: Path
) -> None:
    """It leaves files out of a fetch when asked, but refuses them by their ids."""
    origin = make_repository()
    origin.git("config", "uploadpack.allowFilter", "true")
    origin.commit({"a.py": "first"})
    old = origin.git("rev-parse", "HEAD:a.py")
    second = origin.commit({"a.py": "second"})
    server.oldest_protocol = True
    source = Source(SourceKind.GIT, server.url("origin/.git"))
    clone = tmp_path / "clone"
    assert synchronise(source, clone) == second
    assert holds(clone, old)
    third = origin.commit({"a.py": "third"})
    assert synchronise(source, clone) == third
    assert paths_at(clone, third) == ["a.py"]
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".tmp")] == []


def test_a_source_that_lacks_a_file_of_its_own_is_called_damaged(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """git cannot serve it, now or later."""
    origin = make_repository()
    origin.commit({"a.py": "one"})
    blob = origin.git("rev-parse", "HEAD:a.py")
    (origin.path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(SourceError, match="is damaged"):
        synchronise(source_of(origin), tmp_path / "clone")


def test_a_place_that_cannot_be_written_is_named(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """A file stands where the folder of the clones should be."""
    origin = make_repository()
    origin.commit({"a.py": "one"})
    (tmp_path / "clones").write_text("in the way")
    with pytest.raises(TransientError, match="cannot be written at"):
        synchronise(source_of(origin), tmp_path / "clones" / "1")


def test_without_git_the_error_says_so(
    make_repository: MakeRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that has only folders to index needs no git."""
    origin = make_repository()
    origin.commit({"a.py": "one"})
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PermanentError, match="git is not installed"):
        synchronise(source_of(origin), tmp_path / "clone")


def test_a_clone_that_gathered_many_loose_objects_is_packed(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """Each small fetch leaves some; what nothing refers to goes once it is old."""
    origin = make_repository()
    origin.commit({"a.py": "not fetched"})
    origin.commit({"a.py": "one"})
    clone = tmp_path / "clone"
    synchronise(source_of(origin), clone)
    gathered = clone / "objects" / "17"  # git estimates from this folder alone
    gathered.mkdir(exist_ok=True)
    for number in range(100_000):
        data = b"%d" % number
        name = blob_id(data)
        if name.startswith("17"):
            path = gathered / name[2:]
            path.write_bytes(zlib.compress(b"blob %d\0" % len(data) + data))
            os.utime(path, (1_600_000_000, 1_600_000_000))
            if len(list(gathered.iterdir())) > 2000 // 256 + 1:
                break
    commit = origin.commit({"b.py": "two"})
    assert synchronise(source_of(origin), clone) == commit
    assert list((clone / "objects" / "pack").glob("*.pack"))
    assert not gathered.exists()
    assert paths_at(clone, commit) == ["a.py", "b.py"]


def test_a_clone_that_gathered_many_packs_is_packed(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """Though it lacks the files of old commits, which packing must not stumble over."""
    origin = make_repository()
    origin.commit({"a.py": "not fetched"})
    origin.commit({"a.py": "one"})
    clone = tmp_path / "clone"
    synchronise(source_of(origin), clone)
    packs = clone / "objects" / "pack"
    (first, *_) = packs.glob("*.pack")
    for number in range(90):
        for suffix in (".pack", ".idx", ".promisor"):
            shutil.copy(first.with_suffix(suffix), packs / f"pack-{number:040x}{suffix}")
    assert len(list(packs.glob("*.pack"))) > 80
    commit = origin.commit({"b.py": "two"})
    assert synchronise(source_of(origin), clone) == commit
    assert len(list(packs.glob("*.pack"))) < 10
    assert paths_at(clone, commit) == ["a.py", "b.py"]


def test_what_a_killed_clone_left_is_removed(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """The next synchronisation of the same clone cleans up beside it, and only its own."""
    origin = make_repository()
    origin.commit({"a.py": "one"})
    stale = tmp_path / "clones" / ".1.0123456789abcdef.tmp"
    other = tmp_path / "clones" / ".11.0123456789abcdef.tmp"
    for folder in (stale, other):
        (folder / "objects").mkdir(parents=True)
    synchronise(source_of(origin), tmp_path / "clones" / "1")
    assert not stale.exists()
    assert other.exists()


def test_a_removed_clone_leaves_nothing(make_repository: MakeRepository, tmp_path: Path) -> None:
    """Neither the clone nor its lock nor leftovers; the source itself is untouched."""
    origin = make_repository()
    origin.commit({"a.py": "one"})
    clone = tmp_path / "clones" / "1"
    synchronise(source_of(origin), clone)
    (clone.parent / ".1.0123456789abcdef.tmp").mkdir()
    remove_clone(clone)
    remove_clone(clone)
    remove_clone(tmp_path / "never" / "1")
    assert list(clone.parent.iterdir()) == []
    assert (origin.path / "a.py").read_text() == "one"


def test_two_processes_synchronise_one_clone(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """One clones while the other waits; both end with the commit."""
    origin = make_repository()
    commit = origin.commit({f"{number}.py": str(number) for number in range(50)})
    program = (
        "import sys; from pathlib import Path;"
        "from kodit.infrastructure.git.clone import synchronise;"
        "from kodit.domain.source import Source, SourceKind;"
        "print(synchronise(Source(SourceKind.GIT, sys.argv[1]), Path(sys.argv[2])))"
    )
    command = [sys.executable, "-c", program, origin.url, str(tmp_path / "clone")]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, env=dict(os.environ)) for _ in range(2)
    ]
    outputs = [process.communicate()[0].decode().strip() for process in processes]
    assert outputs == [commit, commit]
