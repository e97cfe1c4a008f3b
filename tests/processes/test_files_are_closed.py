"""Whatever becomes of files and folders that are read, none of them stays open."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.processes.test_nothing_stays_open import open_descriptors
from tests.support.sources import write_file

from kodit.domain.errors import SourceError, TransientError, UserError
from kodit.domain.report import ignore_report
from kodit.domain.source import KnownFile
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure import temporary, trust, work_log
from kodit.infrastructure.files import make_private, sync_folder, write_atomically
from kodit.infrastructure.folder import reading, repository
from kodit.infrastructure.folder.left_out import left_out_of_folder
from kodit.infrastructure.folder.scan import scan_folder
from kodit.infrastructure.locks import FairLock, file_lock, open_lock_file, try_lock
from kodit.infrastructure.resident.place import LOCK_FILE
from kodit.infrastructure.resident.running import server_process
from kodit.infrastructure.watching.comparing import compare_folder
from kodit.infrastructure.watching.folder_lister import FolderLister


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a file deep inside, a pipe, a file that anybody can change, and a left-out folder."""
    write_file(tmp_path / "a" / "b" / "c.py", "def c(): pass\n")
    write_file(tmp_path / "a" / "ignored" / "d" / "e.py", "def e(): pass\n")
    write_file(tmp_path / "a" / ".gitignore", "ignored\n")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "open").touch()
    (tmp_path / "open").chmod(0o666)
    (tmp_path / "file").write_text("text")
    return tmp_path


def source(folder: Path) -> Source:
    return Source(SourceKind.FOLDER, str(folder / "a"))


def lock_of_another(folder: Path) -> None:
    with file_lock(folder / "lock", 1.0, "it"), file_lock(folder / "lock", 0.0, "it"):
        raise AssertionError


def half_a_lock(folder: Path) -> None:
    """The second of its files cannot be opened."""
    (folder / "write.lock").mkdir()
    FairLock(folder / "write.lock", 0.0, "it").acquire()


def whole_lock(folder: Path) -> None:
    lock = FairLock(folder / "whole.lock", 0.0, "it")
    lock.acquire()
    lock.release()
    lock.close()


def ask_a_server(folder: Path) -> None:
    assert server_process(folder) is None
    lock = open_lock_file(folder / LOCK_FILE)
    assert server_process(folder) is None
    assert try_lock(lock)
    os.write(lock, b"12\n")
    assert server_process(folder) == "a server (process 12)"
    os.close(lock)


def work_in_a_folder(_folder: Path) -> None:
    with temporary.temporary_folder("tests") as made:
        assert made.is_dir()


def remove_what_is_left(folder: Path) -> None:
    temporary._remove_if_abandoned(str(folder / "a"))
    assert not (folder / "a").exists()


def read_by_parts(folder: Path) -> None:
    os.close(reading._open_by_components(str(folder / "a" / "b")))
    reading._open_by_components(str(folder / "a" / "b" / "gone" / "d"))


def read_in_a_folder(folder: Path) -> None:
    paths = ["a/b/c.py", "a/.gitignore", "gone/x", "pipe", "a/b", "a//x", "a/b/c.py"]
    found = reading.read_files(str(folder), paths)
    assert [one is not None for one in found] == [True, True, False, False, False, False, True]


def list_below(folder: Path) -> None:
    lister = FolderLister(source(folder).location, None, 0, source(folder))
    lister.walk()
    lister.walk_below(lister.folders[""], "b")


def compare(folder: Path) -> None:
    """By its content too, as the stamp of a file is another one."""
    found = compare_folder(source(folder), {"b/c.py": KnownFile("1" * 40)}, 1, is_certain=True)
    assert "b/c.py" in found.files


def scan(folder: Path) -> None:
    assert scan_folder(str(folder / "a"), {})
    scan_folder(str(folder / "gone"), {})


def list_left_out(folder: Path) -> None:
    found, _presence = left_out_of_folder(source(folder), None, ignore_report)
    assert found
    left_out_of_folder(source(folder / "gone"), None, ignore_report)


def rules(folder: Path) -> None:
    assert repository._read_rules(folder / "file", follow=True) == b"text"
    assert repository._read_rules(folder / "a", follow=True) is None


def record(folder: Path) -> None:
    os.environ[work_log.VARIABLE] = str(folder / "log")
    work_log.record_work("files_parsed", 1)
    assert (folder / "log").read_text() == "files_parsed 1\n"


def write(folder: Path) -> None:
    make_private(folder / "new")
    make_private(folder / "new")
    write_atomically(folder / "new", b"text")
    sync_folder(folder)
    sync_folder(folder / "gone")


def read_all(folder: Path) -> None:
    assert trust.read_trusted_file(folder / "file") == b"text"
    assert trust.read_trusted_file(folder / "gone") is None


USES: list[tuple[Callable[[Path], object], type[BaseException] | None]] = [
    (read_all, None),
    (lambda folder: trust.read_trusted_file(folder / "a"), UserError),
    (lambda folder: trust.read_trusted_file(folder / "open"), UserError),
    (lambda folder: trust.open_plain_file(folder / "pipe", os.O_RDONLY), UserError),
    (lock_of_another, TransientError),
    (half_a_lock, UserError),
    (whole_lock, None),
    (ask_a_server, None),
    (work_in_a_folder, None),
    (remove_what_is_left, None),
    (read_by_parts, FileNotFoundError),
    (read_in_a_folder, None),
    (list_below, None),
    (compare, None),
    (scan, SourceError),
    (list_left_out, SourceError),
    (rules, None),
    (record, None),
    (write, FileNotFoundError),
]


@pytest.mark.parametrize(("use", "error"), USES)
def test_nothing_stays_open(
    use: Callable[[Path], object],
    error: type[BaseException] | None,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(work_log.VARIABLE, "")
    before = open_descriptors()
    raised: Exception | None = None
    try:
        use(folder)
    except Exception as failure:  # noqa: BLE001 - compared below
        raised = failure  # with the frames of its traceback, and what they hold
    assert open_descriptors() == before
    if error is None and raised is not None:
        raise raised
    assert type(raised) is (type(None) if error is None else error)
