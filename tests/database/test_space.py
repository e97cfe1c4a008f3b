"""The space of deleted data is released in steps that delay nobody."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.command import KoditCommand
from tests.support.disk import small_disk
from tests.support.fixtures import kodit
from tests.support.sources import write_file

from kodit import Kodit
from kodit.application.services.space_service import LEAST_WORTH
from kodit.composition import Application
from kodit.domain.errors import TransientError
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase
from kodit.infrastructure.sqlalchemy.space import MOST_PAGES
from kodit.settings import Settings

__all__ = ["kodit"]

PAGE = 4096


def write_much(folder: Path) -> Path:
    """A source whose index takes several hundred pages of the database."""
    write_file(folder / "much.txt", "\n".join(os.urandom(60).hex() for _ in range(2_000)))
    return folder


def leave_free(path: Path, size: int = 12_000_000) -> None:
    """Leave this many bytes of a database empty, as after a large deletion; the remaining data is
    behind them, so that it has to move.
    """
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE heap (id INTEGER PRIMARY KEY, bytes BLOB)")
        connection.executemany(
            "INSERT INTO heap (bytes) VALUES (zeroblob(?))", [(10_000,)] * (size // 10_000)
        )
        connection.execute("CREATE TABLE behind AS SELECT * FROM heap LIMIT 200")
        connection.execute("DROP TABLE heap")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def pages_of(path: Path) -> tuple[int, int]:
    """The number of pages of a database, and of empty ones."""
    with closing(sqlite3.connect(path)) as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    return pages, free


def without_steps(path: Path) -> None:
    """Make a database as earlier versions did, which cannot release space."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA auto_vacuum = NONE")
        connection.execute("VACUUM")
        connection.execute("PRAGMA journal_mode = WAL")
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (0,)


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Application]:
    """Over a new database with 12 MB of empty pages."""
    with Application(Settings(data_dir=tmp_path)) as opened:
        pass
    leave_free(tmp_path / "kodit.db")
    with Application(Settings(data_dir=tmp_path)) as opened:
        yield opened


@pytest.mark.parametrize("by_command", [True, False], ids=["command", "python"])
def test_after_a_delete_the_space_comes_back(
    by_command: bool, kodit: KoditCommand, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    write_file(source / "a.py", "def anchor():\n    return 1\n")
    with Kodit(kodit.data_dir) as api:
        api.index(source)
    path = kodit.data_dir / "kodit.db"
    leave_free(path)  # as if the index had been large

    if by_command:
        assert kodit.run_here("delete", source).code == 0
    else:
        with Kodit(kodit.data_dir) as api:
            api.delete(source)

    pages, free = pages_of(path)
    assert free * PAGE <= LEAST_WORTH
    assert path.stat().st_size == pages * PAGE < 6_000_000


def test_a_step_is_small_and_the_next_ones_do_the_rest(application: Application) -> None:
    """Others write between two of them."""
    path = application.data_dir / "kodit.db"
    pages, free = pages_of(path)
    assert asyncio.run(application.space.release_some_space())
    after, still_free = pages_of(path)
    assert 0 < free - still_free <= MOST_PAGES
    assert pages - after >= free - still_free
    with application.database.write() as transaction:
        transaction.tasks.set_paused(application.clock.now())

    asyncio.run(application.space.release_space())

    pages, free = pages_of(path)
    assert free * PAGE <= LEAST_WORTH
    assert path.stat().st_size == pages * PAGE < 6_000_000


def test_every_process_that_serves_the_queue_gives_space_back(application: Application) -> None:
    chores = {chore.name: chore for chore in application.chores}
    chore = chores["release disk space"]

    async def work() -> None:
        while await chore.do_piece():
            pass

    asyncio.run(work())
    assert pages_of(application.data_dir / "kodit.db")[1] * PAGE <= LEAST_WORTH


def test_a_few_free_pages_are_kept(tmp_path: Path) -> None:
    """So that not every deleted file makes the database shrink and grow again."""
    with Application(Settings(data_dir=tmp_path)) as opened:
        pass
    leave_free(tmp_path / "kodit.db", LEAST_WORTH // 2)
    before = pages_of(tmp_path / "kodit.db")
    with Application(Settings(data_dir=tmp_path)) as opened:
        assert not asyncio.run(opened.space.release_some_space())
        assert asyncio.run(opened.space.freeable()) == 0
    assert pages_of(tmp_path / "kodit.db") == before


def test_doctor_says_what_could_be_freed_and_frees_it(kodit: KoditCommand) -> None:
    with Kodit(kodit.data_dir) as api:
        api.status()
    leave_free(kodit.data_dir / "kodit.db")

    told = kodit.run_here("doctor")
    assert told.code == 0
    assert told.said == [
        "No problems were found.",
        "12.3 MB of the database is free; `kodit doctor --repair` releases it.",
    ]
    assert kodit.run_here("doctor", "--json").json()["freeable_bytes"] > 12_000_000
    repaired = kodit.run_here("doctor", "--repair", "--json").json()
    assert repaired == {"healthy": True, "problems": [], "remaining": [], "freeable_bytes": 0}
    assert pages_of(kodit.data_dir / "kodit.db")[1] * PAGE <= LEAST_WORTH


def test_an_older_database_is_rewritten_once(kodit: KoditCommand, tmp_path: Path) -> None:
    """By a repair; from then on it releases space in steps. Nothing else is changed."""
    write_file(tmp_path / "source" / "a.py", "def anchor():\n    return 1\n")
    with Kodit(kodit.data_dir) as api:
        api.index(tmp_path / "source")
    path = kodit.data_dir / "kodit.db"
    without_steps(path)
    leave_free(path)
    with Application(Settings(data_dir=kodit.data_dir)) as opened:
        assert not asyncio.run(opened.space.release_some_space())
        assert asyncio.run(opened.space.freeable()) > 12_000_000

    assert kodit.run_here("doctor", "--repair").code == 0

    assert pages_of(path)[1] == 0
    assert path.stat().st_size < 6_000_000
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    with Kodit(kodit.data_dir) as api:
        assert [result.snippet.path for result in api.search("anchor")] == ["a.py"]


def test_status_tells_what_is_taken_of_the_disk(kodit: KoditCommand, tmp_path: Path) -> None:
    write_file(tmp_path / "source" / "a.py", "def anchor():\n    return 1\n")
    kodit.succeed("index", tmp_path / "source")
    folder = kodit.data_dir
    (folder / "clones" / "1.git" / "objects").mkdir(parents=True)
    (folder / "clones" / "1.git" / "objects" / "some").write_bytes(bytes(20_000))
    (folder / "vectors").mkdir(exist_ok=True)
    (folder / "vectors" / "1-code.pack").write_bytes(bytes(30_000))

    view = kodit.run_here("status", "--json").json()

    assert 30_000 <= view["sizes"]["vectors"] < 40_000
    assert 20_000 <= view["sizes"]["clones"] < 30_000
    assert view["indexes"][0]["bytes"] == view["sizes"]["vectors"] + view["sizes"]["clones"]
    assert view["sizes"]["database"] >= (folder / "kodit.db").stat().st_blocks * 512 > 0
    assert view["sizes"]["keyword"] > 0
    assert view["sizes"]["freeable"] >= 0
    last = kodit.run_here("status").out.splitlines()[-1]
    assert last.startswith("On disk: ")
    assert "vectors" in last


@pytest.mark.parametrize("pages_left", [0, 4])
def test_a_deletion_without_free_pages_is_done_or_not(pages_left: int, tmp_path: Path) -> None:
    """If SQLite finds no page, the index is unchanged, or deleted; the next call continues."""
    source = write_much(tmp_path / "source")
    data_dir = tmp_path / "data"
    with Kodit(data_dir) as api:
        api.index(source)
        (before,) = api.status()
    with Application(Settings(data_dir=data_dir)) as opened:
        assert isinstance(opened.database, SqliteDatabase)
        with opened.database.alone() as driver:
            (pages,) = driver.execute("PRAGMA page_count").fetchone()
            driver.execute(f"PRAGMA max_page_count = {pages + pages_left}")
        try:
            asyncio.run(opened.indexes.delete(before.id))
        except TransientError as error:
            assert "disk" in str(error), error
            left = asyncio.run(opened.indexes.status())
            assert [(one.files, one.snippets) for one in left] in (
                [],
                [(before.files, before.snippets)],
            )
    with Kodit(data_dir) as api:
        for index in api.status():
            api.delete(index.id)
        assert api.status() == []
        assert api.check().is_healthy


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounts a small disk")
def test_a_deletion_on_a_full_disk_is_done_or_not(tmp_path: Path) -> None:
    source = write_much(tmp_path / "source")
    with small_disk(tmp_path / "disk", megabytes=24) as disk:
        kodit = KoditCommand(disk / "data")
        kodit.work_log = tmp_path / "work.log"
        kodit.environment["KODIT_WORK_LOG"] = str(kodit.work_log)
        kodit.succeed("index", source)
        before = kodit.run_here("status", "--json").json()["indexes"]
        filler = disk / "filler"
        # Closing a buffered file would try again to write what did not fit.
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="space"):
            while True:
                file.write(bytes(65_536))

        outcome = kodit.run("delete", source)

        assert "Traceback" not in outcome.err
        if outcome.code != 0:
            assert len(outcome.said) == 1
            assert "full" in outcome.said[0]
        filler.unlink()
        left = kodit.run_here("status", "--json").json()["indexes"]
        assert [one["snippets"] for one in left] in ([], [one["snippets"] for one in before])
        for one in left:
            kodit.succeed("delete", str(one["id"]))
        assert kodit.run_here("status", "--json").json()["indexes"] == []
