"""Several processes start on a data directory that does not exist yet."""

from __future__ import annotations

import fcntl
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.support.command import KoditCommand, finish, wait_until
from tests.support.files import of_files
from tests.support.snapshot import read_rows, take_snapshot
from tests.support.sources import write_file, write_tree

from kodit import Kodit
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase, open_sqlite
from kodit.infrastructure.sqlalchemy.migrate import migrate


def has_open(pid: int, path: Path) -> bool:
    """Whether a process has a file open, on Linux."""
    try:
        links = [entry.readlink() for entry in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return False
    return path in links


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_all_that_start_at_once_find_the_tables(kodit: KoditCommand) -> None:
    """Four processes have seen that there is no database, and wait to create it: one does."""
    kodit.data_dir.mkdir()
    lock = kodit.data_dir / "write.lock"
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        processes = [kodit.start("status", "--json") for _ in range(4)]
        wait_until(lambda: all(has_open(process.pid, lock) for process in processes))
    outcomes = [finish(process) for process in processes]

    assert [(outcome.code, outcome.err) for outcome in outcomes] == [(0, "")] * 4
    assert [outcome.json()["indexes"] for outcome in outcomes] == [[]] * 4


def test_only_the_creator_of_a_database_removes_leftovers(tmp_path: Path) -> None:
    """The others, which had seen that there was none, find that there is one now."""
    databases = [
        SqliteDatabase(open_sqlite(tmp_path / "kodit.db"), tmp_path / "write.lock")
        for _ in range(3)
    ]
    cleared: list[int] = []
    with (tmp_path / "write.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        threads = [
            threading.Thread(
                target=migrate,
                args=(database,),
                kwargs={"before_creation": lambda number=number: cleared.append(number)},
            )
            for number, database in enumerate(databases)
        ]
        for thread in threads:
            thread.start()
        time.sleep(0.5)  # until they have looked and wait; a slow machine makes the test easier
    for thread in threads:
        thread.join()
    for database in databases:
        database.close()

    assert len(cleared) == 1


def test_a_database_that_was_removed(kodit: KoditCommand, tmp_path: Path) -> None:
    """A new one does not use the old one's engine files; files that are not Kodit's are not
    touched.
    """
    write_tree(tmp_path / "old", files=700, seed=1)
    write_tree(tmp_path / "new", files=3, seed=2)
    with Kodit(kodit.data_dir) as old:
        old.index(tmp_path / "old")
    assert list(kodit.data_dir.glob("vectors/*.pack"))
    for left in kodit.data_dir.glob("kodit.db*"):
        left.unlink()
    write_file(kodit.data_dir / "vectors" / "letter.txt", "dear reader")

    with Kodit(kodit.data_dir) as new:
        new.index(tmp_path / "new")

    with Kodit(tmp_path / "fresh") as fresh:
        fresh.index(tmp_path / "new")
    assert take_snapshot(kodit.data_dir) == take_snapshot(tmp_path / "fresh")
    assert [path.name for path in kodit.data_dir.glob("vectors/*")] == ["letter.txt"]


def test_two_processes_index_at_once_in_a_new_data_directory(
    kodit: KoditCommand, tmp_path: Path
) -> None:
    """Each indexes its own folder, and a common one; nothing is lost or duplicated."""
    for seed, name in enumerate(("one", "two", "both")):
        write_tree(tmp_path / name, files=12, seed=seed)  # nothing that they could share
    processes = [
        kodit.start("index", tmp_path / name, tmp_path / "both") for name in ("one", "two")
    ]
    outcomes = [finish(process) for process in processes]

    assert [(outcome.code, outcome.said) for outcome in outcomes] == [(0, [])] * 2
    files = of_files("SELECT location, path FROM FILES JOIN indexes ON indexes.id = file.index_id")
    assert len(read_rows(kodit.data_dir, files)) == 36
    assert read_rows(kodit.data_dir, "SELECT DISTINCT state FROM index_runs") == [("succeeded",)]
    assert read_rows(kodit.data_dir, "SELECT count(*) FROM indexes") == [(3,)]
    assert kodit.work()["files_parsed"] == 36
