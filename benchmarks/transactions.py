"""The longest write transactions of an indexing: which function holds the write lock, how long.

    python -m benchmarks.transactions FOLDER

A copy of the folder is indexed from nothing; then every file changes; then the keyword index and
the model are replaced, so that everything becomes pending again; then the index is deleted. The
measure is the processor time of the thread that holds the write lock, by the function that wrote.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.measuring import report

from kodit.application.services.source_service import IndexRequest
from kodit.composition import Application
from kodit.composition.made_once import made_once
from kodit.domain.value_objects import RunState
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase, open_sqlite
from kodit.infrastructure.sqlalchemy.transaction import SqlTransaction
from kodit.settings import Settings

LEAST, AIM = 0.1, 0.05
SHOWN = 5


class Write(NamedTuple):
    """A write transaction: its processor time in seconds, and the number of rows it changed."""

    cpu: float
    rows: int
    name: str


class WatchedDatabase(SqliteDatabase):
    """Records the cost of each write transaction."""

    writes: list[Write]

    @contextmanager
    def write(self) -> Iterator[SqlTransaction]:
        name = _writer(sys._getframe(2))
        started = time.thread_time()
        with super().write() as transaction:
            driver: Any = transaction.connection.connection.dbapi_connection
            before = driver.total_changes
            yield transaction
        self.writes.append(Write(time.thread_time() - started, driver.total_changes - before, name))


class WatchedApplication(Application):
    """The composition root over such a database."""

    @made_once
    def database(self) -> WatchedDatabase:
        path = self.data_dir / "kodit.db"
        database = WatchedDatabase(open_sqlite(path), self.data_dir / "write.lock")
        database.writes = []
        return database


def _writer(frame: Any) -> str:
    """The function that a stage runs in a transaction, or else the caller."""
    while frame is not None and "contextlib" in frame.f_code.co_filename:
        frame = frame.f_back
    work = frame.f_locals.get("work")
    work = getattr(work, "func", work)
    name: str = getattr(work, "__qualname__", frame.f_code.co_qualname)
    return name.replace("<locals>.", "").rpartition("Service.")[2]


def main() -> None:
    """Go through the life of an index."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder.resolve()
    longest = 0.0
    with tempfile.TemporaryDirectory(prefix="kodit-benchmark-") as scratch:
        source, data_dir = Path(scratch) / "source", Path(scratch) / "data"
        shutil.copytree(folder, source, symlinks=True)
        for phase in (index, change, renew, delete):
            with WatchedApplication(Settings(data_dir=data_dir)) as application:
                application.database.writes.clear()
                phase(application, source)
                longest = max(longest, show(phase.__name__, application.database.writes))
    parent = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"largest resident memory: parent {parent:.0f} MB, a child {child:.0f} MB")
    report("longest write transaction (s of CPU)", longest, LEAST, AIM)


def index(application: Application, source: Path) -> None:
    """Refresh the index of the source."""
    runs = asyncio.run(application.source_indexing.index(IndexRequest([str(source)])))
    assert [run.state for run in runs] == [RunState.SUCCEEDED], runs


def change(application: Application, source: Path) -> None:
    """Change every file."""
    for path in source.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("ab") as file:
                file.write(b"\n")
                file.write(path.read_bytes()[:200])
    index(application, source)


def renew(application: Application, source: Path) -> None:
    """Simulate a lost keyword index and a new model."""
    with closing(sqlite3.connect(application.data_dir / "kodit.db")) as connection, connection:
        connection.execute("UPDATE indexes SET code_model = 'former', text_model = 'former'")
        connection.execute(
            "UPDATE versions SET extractor_version = 'former', content_key = NULL, digest = NULL"
        )
    shutil.rmtree(application.data_dir / "keyword")
    index(application, source)


def delete(application: Application, source: Path) -> None:
    """Delete the index."""

    async def delete_all() -> None:
        for status in await application.indexes.status():
            await application.indexes.delete(status.id)

    asyncio.run(delete_all())


def show(phase: str, writes: list[Write]) -> float:
    """The longest write of each kind."""
    by_name: dict[str, list[Write]] = defaultdict(list)
    for write in writes:
        by_name[write.name].append(write)
    print(f"{phase}: {len(writes)} write transactions")
    longest = {name: max(some) for name, some in by_name.items()}
    for name, write in sorted(longest.items(), key=lambda item: -item[1].cpu)[:SHOWN]:
        print(
            f"  {name:<44} {1000 * write.cpu:8.1f} ms  {write.rows:7} rows"
            f"  ({len(by_name[name])} of these)"
        )
    return max(write.cpu for write in writes)


if __name__ == "__main__":
    main()
