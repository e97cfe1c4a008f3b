"""Reading files below a root never follows a link, never waits, and never fails for one file."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from kodit.domain.errors import SourceError, TransientError
from kodit.infrastructure.folder.reading import read_files, read_regular_file
from kodit.infrastructure.folder.scan import scan_folder


def test_contents_come_in_the_order_asked_for(tmp_path: Path) -> None:
    """Any order of folders, the same file twice, an empty file."""
    for name, content in {"a.py": "1", "b/c.py": "2", "b/d/e.py": "3", "f.py": ""}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    paths = ["b/d/e.py", "a.py", "b/c.py", "b/d/e.py", "f.py"]
    assert read_files(str(tmp_path), paths) == [b"3", b"1", b"2", b"3", b""]


def test_what_is_no_longer_a_readable_file_is_none(tmp_path: Path) -> None:
    """Vanished, a folder now, its folder a file now, too large now, a pipe now, an invalid path."""
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "file").write_text("x")
    (tmp_path / "grown.py").write_bytes(b"x" * 1_000_001)
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "last.py").write_text("read")
    paths = ["gone.py", "gone/a.py", "folder.py", "file/a.py", "grown.py", "pipe.py"]
    paths += ["../file", "/etc/passwd", "", ".", "a//b", "x" * 300]
    assert read_files(str(tmp_path), [*paths, "last.py"]) == [None] * len(paths) + [b"read"]


def test_a_file_or_folder_swapped_for_a_link_is_not_followed(tmp_path: Path) -> None:
    """Wherever in the path the link is, and even if it leads back inside."""
    root = tmp_path / "root"
    (root / "sub" / "deep").mkdir(parents=True)
    (root / "sub" / "deep" / "a.py").write_text("inside")
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "a.py").write_text("outside")
    assert read_files(str(root), ["sub/deep/a.py"]) == [b"inside"]
    (root / "sub").rename(root / "real")
    (root / "sub").symlink_to(outside)
    assert read_files(str(root), ["sub/deep/a.py"]) == [None]
    (root / "real" / "deep" / "a.py").unlink()
    (root / "real" / "deep" / "a.py").symlink_to(outside / "deep" / "a.py")
    assert read_files(str(root), ["real/deep/a.py"]) == [None]
    (root / "alias").symlink_to("real")
    assert read_files(str(root), ["alias/deep"]) == [None]


def test_a_folder_above_the_root_swapped_for_a_link_is_not_followed(tmp_path: Path) -> None:
    """Nobody has allowed its target. A folder above may be only traversable."""
    root = tmp_path / "above" / "root"
    outside = tmp_path / "outside" / "root"
    for folder in (root, outside):
        folder.mkdir(parents=True)
        (folder / "a.py").write_text(folder.parent.name)
    root.parent.chmod(0o100)
    assert read_files(str(root), ["a.py"]) == [b"above"]
    root.parent.chmod(0o700)
    root.parent.rename(tmp_path / "before")
    root.parent.symlink_to(outside.parent)
    with pytest.raises(SourceError, match="is not a folder"):
        read_files(str(root), ["a.py"])


def test_a_vanished_root_is_an_error(tmp_path: Path) -> None:
    """Not a folder full of vanished files."""
    with pytest.raises(SourceError, match="does not exist"):
        read_files(str(tmp_path / "gone"), ["a.py"])


def test_no_path_leads_out_of_the_root(tmp_path: Path) -> None:
    """Even if the file exists, and wherever in the path the way out is."""
    (tmp_path / "root" / "sub").mkdir(parents=True)
    (tmp_path / "outside.py").write_text("outside")
    (tmp_path / "root" / "inside.py").write_text("inside")
    root, outside = str(tmp_path / "root"), str(tmp_path / "outside.py")
    paths = ["../outside.py", "sub/../../outside.py", "sub/../inside.py", outside, "sub/.."]
    assert read_files(root, paths) == [None] * len(paths)


def test_a_root_that_is_a_file_or_a_link_is_an_error(tmp_path: Path) -> None:
    """A permanent one."""
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path)
    for name in ("file", "link"):
        with pytest.raises(SourceError, match="is not a folder"):
            read_files(str(tmp_path / name), ["a.py"])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs a file without a size")
def test_a_file_that_has_grown(tmp_path: Path) -> None:
    """It is read to its end if it is within the limit; files in `/proc` claim to be empty."""
    folder = os.open("/proc/self", os.O_RDONLY | os.O_DIRECTORY)
    try:
        whole = read_regular_file(folder, "limits")
        assert whole == Path("/proc/self/limits").read_bytes()
        assert read_regular_file(folder, "limits", len(whole)) == whole
        assert read_regular_file(folder, "limits", len(whole) - 1) is None
    finally:
        os.close(folder)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that is at fault")
def test_a_machine_that_cannot_read_is_retried() -> None:
    """The error is not about the file."""
    process = f"/proc/{os.getpid()}"
    with pytest.raises(TransientError, match=f"cannot read {process}: Input/output error"):
        read_files(process, ["mem"])


def test_a_process_without_descriptors_is_retried(tmp_path: Path) -> None:
    """The error is not about the file."""
    (tmp_path / "a.py").touch()
    folder = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(folder)
    os.close(free)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
        with pytest.raises(OSError, match="Too many open files"):
            read_regular_file(folder, "a.py")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        os.close(folder)


@contextmanager
def free_descriptors(count: int) -> Iterator[None]:
    """As in a process that has opened all others."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(count + 1)]
    for one in opened:
        os.close(one)
    resource.setrlimit(resource.RLIMIT_NOFILE, (opened[-1], limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.parametrize(("count", "cannot"), [(0, "opened"), (1, "opened"), (3, "read")])
def test_a_folder_for_which_descriptors_are_lacking_is_scanned_later(
    tmp_path: Path, count: int, cannot: str
) -> None:
    """And not taken for one that is gone, or whose folders are closed to this user."""
    (tmp_path / "a" / "b" / "c" / "d").mkdir(parents=True)
    told = f"^the folder {tmp_path} cannot be {cannot}: Too many open files$"
    with free_descriptors(count), pytest.raises(TransientError, match=told):
        scan_folder(str(tmp_path), {})


class Faulty:
    """An entry of a folder about which the system tells nothing more."""

    def __init__(self, entry: os.DirEntry[str], number: int) -> None:
        self.name = entry.name
        self.is_dir = self.is_symlink = lambda **_: False
        self._number = number

    def stat(self, **_: object) -> NoReturn:
        raise OSError(self._number, os.strerror(self._number))


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.EIO, "cannot be read: Input/output error"),
        (errno.ENOMEM, "cannot be read: Cannot allocate memory"),
        (errno.EACCES, None),
        (errno.ENOENT, None),
    ],
)
def test_a_folder_on_a_disk_at_fault_is_scanned_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, told: str | None
) -> None:
    """Its files are not taken for some that are gone, unlike one that has just vanished."""
    (tmp_path / "a.py").write_text("x")
    scandir = os.scandir

    @contextmanager
    def faulty(folder: int) -> Iterator[list[Faulty]]:
        with scandir(folder) as entries:
            yield [Faulty(one, number) for one in entries]

    monkeypatch.setattr(os, "scandir", faulty)
    if told is None:
        assert scan_folder(str(tmp_path), {}).skipped == {"unreadable": 1}
        return
    with pytest.raises(TransientError, match=told):
        scan_folder(str(tmp_path), {})


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    """Over many folders, found and not found."""
    paths = []
    for number in range(20):
        (tmp_path / f"{number}" / "x").mkdir(parents=True)
        (tmp_path / f"{number}" / "x" / "a.py").write_text("x")
        paths += [f"{number}/x/a.py", f"{number}/y/a.py"]
    before = len(list(Path("/dev/fd").iterdir()))
    read_files(str(tmp_path), paths)
    assert len(list(Path("/dev/fd").iterdir())) == before
