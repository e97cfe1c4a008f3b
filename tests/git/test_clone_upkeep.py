"""A clone is kept complete and small: damage is repaired, and unneeded objects are not there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.git.sources import history_of, paths_at, source_of

from kodit.domain.errors import PermanentError, SourceError, TransientError
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.folder.content import blob_id
from kodit.infrastructure.git.clone import remove_clone, synchronise
from kodit.infrastructure.git.transfer import tip_of
from kodit.infrastructure.git.tree import list_files, read_blobs

if TYPE_CHECKING:
    from tests.git.conftest import GitServer, MakeRepository


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


def test_a_clone_with_missing_objects_is_repaired_by_the_next_run(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """The commit is there but its tree is not: reading reports that once, then it is cloned
    again.
    """
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
    with pytest.raises(TransientError, match="cannot be read"):
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
    assert set(history_of(clone, second)) == {"a.py", "same.py"}
    third = origin.commit({"a.py": "first", "new.py": "new"})
    assert synchronise(source, clone) == third
    blobs = [file.content_hash for file in list_files(clone, third, {}).changed]
    assert read_blobs(clone, blobs) == [b"first", b"new", b"same"]
    assert "promisor" not in (clone / "config").read_text()


def test_secrets_and_binaries_are_not_even_fetched(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """Whatever `.noindex` says, files that are never read never enter the data directory."""
    origin = make_repository()
    origin.write("a.png", b"\0picture")
    secrets = {".env": "TOKEN=1", "deep/er/.env": "TOKEN=2"}
    commit = origin.commit(secrets | {"a.py": "one", ".noindex": "!.env\n!*.png\n"})
    clone = tmp_path / "clone"
    synchronise(source_of(origin), clone)
    for path in ("a.py", "a.png", *secrets):
        assert holds(clone, origin.git("rev-parse", f"HEAD:{path}")) is (path == "a.py")
    scan = list_files(clone, commit, {})
    assert [file.path for file in scan.changed] == [".noindex", "a.py"]
    assert scan.skipped == {"binary": 1, "secret": 2}


def test_a_server_that_sends_no_single_files_is_cloned_whole(
    make_repository: MakeRepository, server: GitServer, tmp_path: Path
) -> None:
    """It supports fetching without files, but refuses to send them by id."""
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


def test_a_clone_stays_at_the_last_complete_commit(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """If a newer one cannot be fetched completely, the old one remains."""
    origin = make_repository()
    first = origin.commit({"a.py": "one"})
    clone = tmp_path / "clone"
    synchronise(source_of(origin), clone)
    origin.commit({"a.py": "two"})
    blob = origin.git("rev-parse", "HEAD:a.py")
    (origin.path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(SourceError, match="is damaged"):
        synchronise(source_of(origin), clone)
    assert tip_of(clone) == first
    assert paths_at(clone, first) == ["a.py"]


def test_a_place_that_cannot_be_written_is_named(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """A file stands where the folder of the clones should be."""
    origin = make_repository()
    origin.commit({"a.py": "one"})
    (tmp_path / "clones").write_text("in the way")
    with pytest.raises(TransientError, match="cannot be written at") as refused:
        synchronise(source_of(origin), tmp_path / "clones" / "1")
    fields = {"source": origin.url, "clone": str(tmp_path / "clones" / "1")}
    assert (refused.value.code, refused.value.fields) == ("clone_unwritable", fields)


def test_without_git_the_error_says_so(
    make_repository: MakeRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine with only folders to index needs no git."""
    origin = make_repository()
    origin.commit({"a.py": "one"})
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PermanentError, match="git is not installed"):
        synchronise(source_of(origin), tmp_path / "clone")


def test_a_clone_that_gathered_many_loose_objects_is_packed(
    make_repository: MakeRepository, tmp_path: Path
) -> None:
    """Each small fetch leaves some; unreferenced ones are deleted once they are old."""
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
    """Although the files of old commits are missing, which must not stop packing."""
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
