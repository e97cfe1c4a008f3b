"""The database is replaced or removed while a process uses it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from contextlib import closing, suppress
from pathlib import Path

import pytest
from tests.queue.databases import sqlite_database
from tests.support.command import KoditCommand, finish, wait_until
from tests.support.sources import write_file, write_tree
from tests.worker.conftest import StartWorker

from kodit import Kodit
from kodit.domain.errors import DatabaseReplacedError


@pytest.fixture
def copied(kodit: KoditCommand, tmp_path: Path) -> Path:
    """A copy of a database with one index, beside the database, which has got another since."""
    write_tree(tmp_path / "one", files=3, seed=1)
    write_tree(tmp_path / "two", files=3, seed=2)
    with Kodit(kodit.data_dir) as api:
        api.index(tmp_path / "one")
    copy = shutil.copy(kodit.data_dir / "kodit.db", tmp_path / "copy.db")
    with Kodit(kodit.data_dir) as api:
        api.index(tmp_path / "two")
    return Path(copy)


def put_back(copy: Path, data_dir: Path) -> None:
    shutil.copy(copy, data_dir / "new.db")
    (data_dir / "new.db").replace(data_dir / "kodit.db")


def connections_of(pid: int, path: Path) -> int:
    """How often a process has a database open, on Linux: its worker and its wake-up."""
    with suppress(OSError):
        return sum(one.readlink() == path for one in Path(f"/proc/{pid}/fd").iterdir())
    return 0


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("way", ["replaced", "removed"])
def test_a_worker_whose_database_is_removed_stops(
    way: str, kodit: KoditCommand, copied: Path, tmp_path: Path, start_worker: StartWorker
) -> None:
    """It reports the reason, and leaves nothing of its own beside the new database."""
    worker = start_worker()
    descriptor = os.open(kodit.data_dir / "kodit.db", os.O_RDONLY)
    wait_until(lambda: connections_of(worker.pid, kodit.data_dir / "kodit.db") >= 2)
    if way == "replaced":
        put_back(copied, kodit.data_dir)
    else:
        kodit.data_dir.rename(tmp_path / "gone")  # at once, whatever the worker is about to make
    outcome = finish(worker)

    assert outcome.code == 1
    assert outcome.said == [
        f"kodit: the database {kodit.data_dir / 'kodit.db'} was {way} "
        f"{'by another file ' if way == 'replaced' else ''}while this program was using it; "
        "nothing more is written, and the next run continues the work"
    ]
    os.close(descriptor)
    if way == "replaced":
        log = kodit.data_dir / "kodit.db-wal"
        assert not log.exists() or not log.stat().st_size  # there is nothing to take for its own
        assert [index["id"] for index in kodit.ask("status")["indexes"]] == [1]
        with closing(sqlite3.connect(kodit.data_dir / "kodit.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    else:
        assert not (kodit.data_dir / "kodit.db").exists()


def test_a_long_running_program_continues_with_the_new_database(
    kodit: KoditCommand, copied: Path, tmp_path: Path
) -> None:
    """Also with its worker, once it starts one again."""
    with Kodit(kodit.data_dir) as api:
        assert [one.id for one in api.status()] == [1, 2]
        put_back(copied, kodit.data_dir)
        assert [one.id for one in api.status()] == [1]
        write_file(tmp_path / "one" / "added.py", "def zeppelin():\n    return 1\n")
        api.index(tmp_path / "one")
        assert [result.snippet.path for result in api.search("zeppelin")][:1] == ["added.py"]
    assert [index["id"] for index in kodit.ask("status")["indexes"]] == [1]


def test_a_search_remembers_nothing_of_the_database_before(tmp_path: Path) -> None:
    """The other database has other snippets with the same identifiers."""
    for name, word in (("first", "zeppelin"), ("second", "quagga")):
        write_file(tmp_path / name / f"{word}.py", f"def {word}():\n    return 1\n")
        with Kodit(tmp_path / f"{name}-data") as api:
            api.index(tmp_path / name)
    with Kodit(tmp_path / "second-data") as api:
        expected = api.search("quagga")
    with Kodit(tmp_path / "first-data") as api:
        api.search("quagga")
        for derived in ("keyword", "vectors"):
            shutil.rmtree(tmp_path / "first-data" / derived, ignore_errors=True)
        shutil.copytree(tmp_path / "second-data" / "keyword", tmp_path / "first-data" / "keyword")
        put_back(tmp_path / "second-data" / "kodit.db", tmp_path / "first-data")
        found = api.search("quagga")
    assert found == expected
    assert found[0].explanation == expected[0].explanation


def test_a_program_whose_data_directory_is_removed_says_so(
    kodit: KoditCommand, copied: Path
) -> None:
    with Kodit(kodit.data_dir) as api:
        api.search("anchor")
        shutil.rmtree(kodit.data_dir)
        with pytest.raises(DatabaseReplacedError, match="was removed while"):
            api.search("anchor")
        assert not kodit.data_dir.exists()
        kodit.data_dir.mkdir()
        shutil.copy(copied, kodit.data_dir / "kodit.db")
        assert [one.id for one in api.status()] == [1]


def test_a_database_of_another_version_is_not_used(
    kodit: KoditCommand, copied: Path, tmp_path: Path
) -> None:
    """It has another schema."""
    with closing(sqlite3.connect(copied)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with Kodit(kodit.data_dir) as api:
        api.index(tmp_path / "one")
        put_back(copied, kodit.data_dir)
        with pytest.raises(DatabaseReplacedError, match="replaced by one of another version of"):
            api.index(tmp_path / "one")


def test_upkeep_is_of_the_database_that_is_there(tmp_path: Path) -> None:
    """Not of the one that was there when it was first used."""
    with sqlite_database(tmp_path) as database:
        with database.write():
            pass
        shutil.copy(tmp_path / "kodit.db", tmp_path / "new.db")
        with closing(sqlite3.connect(tmp_path / "new.db")) as connection:
            connection.execute("CREATE TABLE other (name TEXT)")
        (tmp_path / "new.db").replace(tmp_path / "kodit.db")
        with database.alone() as driver:
            driver.execute("SELECT name FROM other")
        with database.write():
            pass
        assert (tmp_path / "kodit.db-wal").exists()
        (tmp_path / "kodit.db").unlink()
        with pytest.raises(DatabaseReplacedError), database.alone():
            pass
        assert not (tmp_path / "kodit.db-wal").exists()  # a new database would take it for its own
