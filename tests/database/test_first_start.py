"""Several processes meet at a data directory that is not there yet."""

from __future__ import annotations

import fcntl
import sys
from pathlib import Path

import pytest
from tests.support.command import KoditCommand, finish, wait_until
from tests.support.snapshot import read_rows
from tests.support.sources import write_tree


def has_open(pid: int, path: Path) -> bool:
    """Whether a process has a file open, on Linux."""
    try:
        links = [entry.readlink() for entry in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return False
    return path in links


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_all_that_start_at_once_find_the_tables(kodit: KoditCommand) -> None:
    """Four processes have seen that there is no database, and wait to make it: one does."""
    kodit.data_dir.mkdir()
    lock = kodit.data_dir / "write.lock"
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        processes = [kodit.start("status", "--json") for _ in range(4)]
        wait_until(lambda: all(has_open(process.pid, lock) for process in processes))
    outcomes = [finish(process) for process in processes]

    assert [(outcome.code, outcome.err) for outcome in outcomes] == [(0, "")] * 4
    assert [outcome.json()["indexes"] for outcome in outcomes] == [[]] * 4


def test_two_index_at_once_on_a_new_data_directory(kodit: KoditCommand, tmp_path: Path) -> None:
    """Each indexes its own folder, and one that both were given; nothing is lost or doubled."""
    for name in ("one", "two", "both"):
        write_tree(tmp_path / name, files=12, seed=len(name))
    processes = [
        kodit.start("index", tmp_path / name, tmp_path / "both") for name in ("one", "two")
    ]
    outcomes = [finish(process) for process in processes]

    assert [(outcome.code, outcome.err) for outcome in outcomes] == [(0, "")] * 2
    files = "SELECT location, path FROM files JOIN indexes ON indexes.id = files.index_id"
    assert len(read_rows(kodit.data_dir, files)) == 36
    assert read_rows(kodit.data_dir, "SELECT DISTINCT state FROM index_runs") == [("succeeded",)]
    assert read_rows(kodit.data_dir, "SELECT count(*) FROM indexes") == [(3,)]
    assert kodit.work()["files_parsed"] == 36
