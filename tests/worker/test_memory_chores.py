"""What a long-lived process returns to the system from time to time."""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import event
from tests.searching.keyword_engine import Engine, batch, snippet
from tests.support.memory import free_pages_between_blocks, mapped_bytes, resident_bytes

from kodit.application.services.chores import Chore
from kodit.application.services.search_service import SearchService
from kodit.composition import Application
from kodit.infrastructure.keyword.version import SCHEMA_VERSION
from kodit.infrastructure.processes import allocator
from kodit.infrastructure.processes.pool import ProcessPool
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase
from kodit.settings import Settings

pytestmark = pytest.mark.real_children

READERS = 3


def test_a_long_lived_process_returns_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of the database's connections as well, of which one stays open."""
    monkeypatch.setattr(allocator, "RELEASE_AFTER_SECONDS", 0.0)
    opened: set[object] = set()
    with Application(Settings.load({}, data_dir=tmp_path)) as application:
        engine = application.database.engine
        event.listen(engine, "connect", lambda connection, _record: opened.add(connection))
        event.listen(engine, "close", lambda connection, _record: opened.discard(connection))
        [chore] = [one for one in application.schedule if one.name == "release memory"]
        with ThreadPoolExecutor(READERS) as threads:
            all_read = Barrier(READERS)

            def read() -> None:
                with application.database.read() as transaction:
                    assert not transaction.indexes.list_all()
                    all_read.wait()

            for done in [threads.submit(read) for _ in range(READERS)]:
                done.result()
        assert len(opened) > 1
        do_piece(chore)
        assert len(opened) <= 1, "the one that is kept may have been there before"


def test_the_search_returns_its_memory_if_there_has_been_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = []

    def release(search: SearchService) -> None:
        released.append(search)

    monkeypatch.setattr(SearchService, "release_memory", release)
    with Application(Settings.load({}, data_dir=tmp_path)) as application:
        application.release_caches()
        assert "search" not in vars(application), "it is not made for this"
        search = application.search
        application.release_caches()
        assert released == [search]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_an_idle_process_holds_no_free_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However little processor time its last reader took."""
    monkeypatch.setattr(allocator, "RELEASE_AFTER_SECONDS", 3600.0)
    with Application(Settings.load({}, data_dir=tmp_path)) as application:
        with application.database.read() as transaction:
            assert not transaction.indexes.list_all()
        path = tmp_path / "kodit.db"
        assert isinstance(application.database, SqliteDatabase)
        with application.database.alone() as writer:
            writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # only the file itself is mapped
            writer.execute("SELECT * FROM sqlite_schema").fetchall()
        assert mapped_bytes(path)
        [chore] = [one for one in application.schedule if one.name == "release pages"]
        before = resident_bytes()
        with free_pages_between_blocks():
            do_piece(chore)
            assert resident_bytes() - before < 20e6
        assert not mapped_bytes(path)


def test_an_idle_process_closes_the_keyword_index(tmp_path: Path) -> None:
    """When nothing has searched it for as long as between two looks."""
    with Application(Settings.load({}, data_dir=tmp_path)) as application:
        Engine(tmp_path / "keyword" / SCHEMA_VERSION).apply(batch(1, 1, snippet(1)))
        reader = application.engines.keyword_index.reader()
        [chore] = [one for one in application.schedule if one.name == "release pages"]
        do_piece(chore)
        assert application.engines.keyword_index.reader() is reader
        do_piece(chore)
        do_piece(chore)
        assert application.engines.keyword_index.reader() is not reader


def test_child_processes_that_no_question_needs_are_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the application; a worker has a pool of its own."""
    looked_at: list[ProcessPool] = []

    async def look(pool: ProcessPool) -> None:
        looked_at.append(pool)

    monkeypatch.setattr(ProcessPool, "end_unused", look)
    with Application(Settings.load({}, data_dir=tmp_path)) as application:
        [chore] = [one for one in application.schedule if "child" in one.name]
        do_piece(chore)
        assert looked_at == [application.pool]


def do_piece(chore: Chore) -> None:
    """Do the only piece of a chore."""

    async def do() -> None:
        assert not await chore.do_piece()

    asyncio.run(do())
