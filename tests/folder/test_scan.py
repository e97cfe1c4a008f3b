"""A scan finds changes, costs one stat for each unchanged file, and never leaves the folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from tests.support.permissions import lose_privileges, needs_permissions

from kodit.domain.errors import SourceError
from kodit.domain.source import KnownFile
from kodit.domain.value_objects import Scan
from kodit.infrastructure.folder.content import blob_id
from kodit.infrastructure.folder.scan import MAXIMUM_DEPTH, scan_folder

LONG_AGO = 1_600_000_000_000_000_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder.resolve()


def write(root: Path, **files: str) -> None:
    for name, content in files.items():
        path = root / name.replace("__", "/").replace("_py", ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def known_from(scan: Scan) -> dict[str, KnownFile]:
    return {
        file.path: KnownFile(
            file.content_hash,
            *file.stamp.stored,
        )
        for file in scan.changed
    }


def changed_paths(scan: Scan) -> list[str]:
    return [file.path for file in scan.changed]


def later(scan: Scan) -> int:
    """A scan time late enough that no file of the test counts as changed just before it."""
    return scan.scanned_at_ns + 3_600_000_000_000


def test_the_first_scan_finds_all_files_with_the_ids_git_gives_them(root: Path) -> None:
    """Paths are relative, with slashes, in order."""
    write(root, b_py="two", a__c_py="one", empty_py="")
    before = time.time_ns()
    scan = scan_folder(str(root), {})
    assert before <= scan.scanned_at_ns <= time.time_ns()
    assert changed_paths(scan) == ["a/c.py", "b.py", "empty.py"]
    expected = subprocess.run(
        ["git", "hash-object", "--no-filters", "a/c.py", "b.py", "empty.py"],
        cwd=root,
        capture_output=True,
        check=True,
    )
    assert [file.content_hash for file in scan.changed] == expected.stdout.decode().split()
    assert [file.stamp.size for file in scan.changed] == [3, 3, 0]
    assert (scan.gone, scan.unchanged, scan.skipped, scan.commit) == ((), 0, {}, None)


def test_changes_since_are_found(root: Path) -> None:
    """Added, edited, renamed, deleted; all else is only counted."""
    write(root, same_py="same", edited_py="old", renamed_py="moved", deleted_py="x")
    first = scan_folder(str(root), {})
    write(root, edited_py="new!", added_py="+")
    (root / "renamed.py").rename(root / "other.py")
    (root / "deleted.py").unlink()
    scan = scan_folder(str(root), known_from(first), first.scanned_at_ns)
    assert changed_paths(scan) == ["added.py", "edited.py", "other.py"]
    assert scan.gone == ("deleted.py", "renamed.py")
    assert scan.unchanged == 1


def test_a_case_change_and_a_mode_change_are_seen_for_what_they_are(root: Path) -> None:
    """Another case is another path; another mode moves the stamp and nothing else."""
    write(root, name_py="x", mode_py="y")
    first = scan_folder(str(root), {})
    (root / "name.py").rename(root / "NAME.py")
    (root / "mode.py").chmod(0o755)
    known = known_from(first)
    scan = scan_folder(str(root), known, later(first))
    assert {file.path: file.content_hash for file in scan.changed} == {
        "NAME.py": known["name.py"].content_hash,
        "mode.py": known["mode.py"].content_hash,
    }
    assert scan.gone == ("name.py",)


def test_a_file_whose_stamp_did_not_move_is_not_read(root: Path) -> None:
    """Shown by a wrong content hash, which stays."""
    write(root, a_py="one")
    first = scan_folder(str(root), {})
    known = {path: file._replace(content_hash="0" * 40) for path, file in known_from(first).items()}
    scan = scan_folder(str(root), known, later(first))
    assert (changed_paths(scan), scan.unchanged) == ([], 1)


@pytest.mark.parametrize("field", ["size", "mark"])
def test_each_part_of_the_stamp_counts(root: Path, field: str) -> None:
    """The size or anything else moving makes the file be read."""
    write(root, a_py="one")
    first = scan_folder(str(root), {})
    file = known_from(first)["a.py"]
    known = {"a.py": file._replace(content_hash="0" * 40, **{field: 12345})}
    assert changed_paths(scan_folder(str(root), known, later(first))) == ["a.py"]


def test_an_edit_within_the_clocks_resolution_is_seen(root: Path) -> None:
    """A file that changed just before the last scan is read again though its stamp is equal."""
    write(root, a_py="two")
    first = scan_folder(str(root), {})
    known = {
        "a.py": known_from(first)["a.py"]._replace(content_hash=blob_id(b"one")),
    }
    assert changed_paths(scan_folder(str(root), known, first.scanned_at_ns)) == ["a.py"]
    assert changed_paths(scan_folder(str(root), known_from(first), first.scanned_at_ns)) == []


def test_an_edit_behind_an_old_time_stamp_is_seen(root: Path) -> None:
    """Tools that set the modification time back (tar, cp -p) cannot set the change time."""
    write(root, a_py="one")
    os.utime(root / "a.py", ns=(LONG_AGO, LONG_AGO))
    first = scan_folder(str(root), {})
    write(root, a_py="two")
    os.utime(root / "a.py", ns=(LONG_AGO, LONG_AGO))
    assert changed_paths(scan_folder(str(root), known_from(first), later(first))) == ["a.py"]


def test_a_file_of_a_far_year_is_scanned_like_any_other() -> None:
    """Its time in nanoseconds exceeds the database's integers; its content is compared at every
    scan.
    """
    memory = Path("/dev/shm")  # noqa: S108 - not every file system on a disk knows such years
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        root = Path(name).resolve()
        write(root, a_py="one")
        os.utime(root / "a.py", (14_000_000_000, 14_000_000_000))
        if (root / "a.py").stat().st_mtime_ns < 2**63:
            pytest.skip("no file system here knows such a time")
        first = scan_folder(str(root), {})
        known = known_from(first)
        assert changed_paths(scan_folder(str(root), known, later(first))) == []
        other = {"a.py": known["a.py"]._replace(content_hash="0" * 40)}
        assert changed_paths(scan_folder(str(root), other, later(first))) == ["a.py"]


def test_links_are_never_followed(root: Path) -> None:
    """Loops, links to files and folders inside and outside: counted, never read."""
    write(root, a_py="one", sub__b_py="two")
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "secret.py").write_text("secret")
    (root / "loop").symlink_to(".")
    (root / "sub" / "up").symlink_to("..")
    (root / "out").symlink_to(outside)
    (root / "file.py").symlink_to(outside / "secret.py")
    (root / "inner.py").symlink_to("a.py")
    (root / "dangling.py").symlink_to("nowhere")
    (root / ".gitignore").symlink_to(outside / "secret.py")
    scan = scan_folder(str(root), {})
    assert changed_paths(scan) == ["a.py", "sub/b.py"]
    assert scan.skipped == {"symbolic link": 7}


def test_a_root_that_became_a_link_is_refused(root: Path) -> None:
    """The user requested the folder, not the target of the link."""
    other = root.parent / "other"
    root.rename(other)
    root.symlink_to(other)
    with pytest.raises(SourceError, match="is not a folder"):
        scan_folder(str(root), {})


def test_sockets_and_pipes_are_counted_and_not_opened(root: Path) -> None:
    """Opening a pipe would wait for a writer."""
    os.mkfifo(root / "pipe.py")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(root / "socket.py"))
        scan = scan_folder(str(root), {})
    assert (changed_paths(scan), scan.skipped) == ([], {"special file": 2})


def test_large_files_are_counted(root: Path) -> None:
    """One megabyte is read, a byte more is not."""
    (root / "most.py").write_bytes(b"x" * 1_000_000)
    (root / "more.py").write_bytes(b"x" * 1_000_001)
    scan = scan_folder(str(root), {})
    assert (changed_paths(scan), scan.skipped) == (["most.py"], {"too large": 1})


def test_names_that_are_not_text_are_counted(root: Path) -> None:
    """Control characters are kept, broken UTF-8 cannot be stored."""
    write(root, **{"new\nline_py": "x", "esc\x1b[1m_py": "y"})
    broken = os.fsencode(root) + b"/\xff"
    Path(os.fsdecode(broken)).mkdir()
    Path(os.fsdecode(broken + b"/a.py")).write_text("x")
    Path(os.fsdecode(broken + b".py")).write_text("x")
    scan = scan_folder(str(root), {})
    assert changed_paths(scan) == ["esc\x1b[1m.py", "new\nline.py"]
    assert scan.skipped == {"undecodable name": 2}


def test_a_bottomless_tree_ends(root: Path) -> None:
    """Levels deeper than any sensible tree are counted, whatever the limit on open files."""
    write(root, top_py="x")
    descriptor = os.open(root, os.O_RDONLY)
    for _ in range(MAXIMUM_DEPTH + 50):
        os.mkdir("d", dir_fd=descriptor)
        deeper = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = deeper
    os.close(descriptor)
    scan = scan_folder(str(root), {})
    assert (changed_paths(scan), scan.skipped) == (["top.py"], {"too deep": 1})
    shutil.rmtree(root)


SCAN = """
import sys
from kodit.infrastructure.folder.scan import scan_folder
scan = scan_folder(sys.argv[1], {})
print([file.path for file in scan.changed], scan.skipped)
"""


@needs_permissions
def test_inaccessible_entries_are_counted(root: Path) -> None:
    """A file and a folder without permission; the rest is scanned."""
    write(root, a_py="x", closed_py="y", sub__b_py="z")
    (root / "closed.py").chmod(0)
    (root / "sub").chmod(0)
    done = subprocess.run(
        [sys.executable, "-c", SCAN, root],
        preexec_fn=lose_privileges,
        capture_output=True,
        text=True,
        check=True,
    )
    (root / "sub").chmod(0o700)
    assert done.stdout == "['a.py'] {'unreadable': 2}\n"


@needs_permissions
def test_a_folder_above_need_only_let_pass(root: Path) -> None:
    """Its names may be closed to this user."""
    (root / "above" / "source").mkdir(parents=True)
    (root / "above" / "source" / "a.py").write_text("x")
    (root / "above").chmod(0o100)
    done = subprocess.run(
        [sys.executable, "-c", SCAN, root / "above" / "source"],
        preexec_fn=lose_privileges,
        capture_output=True,
        text=True,
        check=False,
    )
    (root / "above").chmod(0o700)
    assert (done.stdout, done.stderr) == ("['a.py'] {}\n", "")


def test_a_missing_root_and_a_file_are_named(root: Path) -> None:
    """The user's mistake, in one sentence."""
    with pytest.raises(SourceError, match="nope does not exist"):
        scan_folder(str(root / "nope"), {})
    write(root, a_py="x")
    with pytest.raises(SourceError, match=r"a\.py is not a folder"):
        scan_folder(str(root / "a.py"), {})


def test_an_empty_folder_has_no_files(root: Path) -> None:
    """Nothing is an answer too, and everything known is gone."""
    scan = scan_folder(str(root), {"a.py": KnownFile("0" * 40)})
    assert (scan.changed, scan.gone, scan.unchanged) == ((), ("a.py",), 0)


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="looks at the open files")
def test_no_folder_is_left_open(root: Path) -> None:
    """However deep the tree, and where something in it cannot be entered."""
    write(root, a__b__c_py="one", d__e_py="two")
    (root / "a" / "f").write_text("is a file")
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(3):
        scan_folder(str(root), {})
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_nothing_is_written(root: Path) -> None:
    """No file, no time stamp of any entry moves."""
    write(root, a_py="x", sub__b_py="y")
    before = {path: path.stat() for path in [root, *root.rglob("*")]}
    scan_folder(str(root), {})
    for path, status in before.items():
        assert (path.stat().st_mtime_ns, path.stat().st_ctime_ns) == (
            status.st_mtime_ns,
            status.st_ctime_ns,
        )
    assert set(before) == {root, *root.rglob("*")}


def test_nested_repositories(root: Path) -> None:
    """Inside a repository their files are not its own; below a plain folder they are read."""
    write(root, **{"one__.git__HEAD": "x", "one__a_py": "1", "two__b_py": "2"})
    (root / "one" / "linked").mkdir()
    (root / "one" / "linked" / ".git").write_text("gitdir: elsewhere\n")
    write(root, one__linked__c_py="3")
    scan = scan_folder(str(root), {})
    assert changed_paths(scan) == ["one/a.py", "two/b.py"]
    assert scan.skipped == {"nested repository": 1}


def test_ignore_files_above_apply_to_their_own_folder(root: Path) -> None:
    """Each of the folders between the root of the work tree and the scanned one."""
    write(root, x__y__z__a_py="1", x__y__z__b_py="2", x__y__z__c_py="3", x__y__z__d_py="4")
    (root / ".git").mkdir()
    (root / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (root / ".git" / "objects").mkdir()
    for folder, line in ((".", "/x/y/z/a.py"), ("x", "/y/z/b.py"), ("x/y", "/z/c.py")):
        (root / folder / ".gitignore").write_text(f"{line}\n")
    assert changed_paths(scan_folder(str(root / "x" / "y" / "z"), {})) == ["d.py"]


def test_progress_counts_up_to_the_known_files(root: Path) -> None:
    """The total is unknown at first, then the number of files known before."""
    write(root, a_py="x", sub__b_py="y")
    reports: list[tuple[int, int | None]] = []
    first = scan_folder(str(root), {}, report=lambda *report: reports.append(report))
    assert reports.pop() == (2, None)
    scan_folder(
        str(root), known_from(first), later(first), report=lambda *report: reports.append(report)
    )
    assert reports.pop() == (2, 2)
