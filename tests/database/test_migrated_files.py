"""What the rows of files of a former version say is kept by the migration that shares it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.database.content import Content
from tests.queue.databases import sqlite_database
from tests.support.files import of_files
from tests.support.postgresql_databases import postgresql_database

from kodit.domain.source import FileHistory, FileStamp, SourceHistory
from kodit.domain.value_objects import FileProcessingStatus, VectorKind
from kodit.infrastructure.sqlalchemy.migrate import migrate
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase
from kodit.infrastructure.sqlalchemy.transaction import SqlTransaction

FORMER = "0019"
ADA = FileHistory("Ada", "ada@host", 20, 10)
BEN = FileHistory("Ben", "ben@host", 30, 10)
STAMP = FileStamp(10, 1_790_000_000_000_000_123, 1_790_000_000_000_000_456, 2**40 + 7)


def fill(transaction: SqlTransaction) -> None:
    """Two indexes with files that are extracted, left out, changed, superseded, deleted, new, and
    marked for another extraction."""
    for number, told in enumerate((ADA, BEN)):
        content = Content(transaction, f"/{number}", "abcdefg")
        content.replace(
            **{path: [f"{path} of {number}"] for path in "abcde"}, f=None if number else ["f"]
        )
        for kind in VectorKind:
            content.embed(kind=kind)
        content.replace(b=["changed"])
        indexes = transaction.indexes
        assert indexes.finish(content.id, indexes.get(content.id).created_at)
        files = indexes.files_by_path(content.id, list("abcdefg"))
        changed = replace(files["c"], content_hash="9" * 40, status=FileProcessingStatus.MODIFIED)
        gone = replace(files["d"], status=FileProcessingStatus.DELETED)
        indexes.update_files(content.id, [changed, gone])
        indexes.mark_stale(content.id, [files["e"].id])
        told_of = {"a": ADA, "b": told, "c": None}
        indexes.record_history(content.id, SourceHistory("mark", told_of))
    connection = transaction.connection
    connection.exec_driver_sql("UPDATE versions SET problem = 'odd' WHERE path = 'a'")
    connection.exec_driver_sql("UPDATE files SET problem = 'odd' WHERE path_id = 1")


def state(database: SqlDatabase) -> dict[str, list[tuple[object, ...]]]:
    """Everything that the two schemas say in different ways."""
    queries = {
        "files": of_files(
            "SELECT index_id, path, version_id, size, problem, status, stale, content_hash, "
            "language, author, changed_at, created_at FROM FILES"
        ),
        "extracted": of_files(
            "SELECT index_id, path, extracted_hash, extractor_version FROM FILES WHERE path <> 'e'"
        ),
        "former": "SELECT former_versions.index_id, path, version_id FROM former_versions "
        "JOIN paths ON paths.id = path_id",
    }
    with database.read() as transaction:
        return {
            name: sorted(
                (tuple(row) for row in transaction.connection.exec_driver_sql(query)), key=repr
            )
            for name, query in queries.items()
        }


@pytest.mark.every_store
def test_files_are_the_same_after_a_migration(store: str, tmp_path: Path) -> None:
    """A row that is marked although its content is the same is extracted again in any case. A
    stamp becomes what a scan by this version stores."""
    empty = postgresql_database() if store == "postgresql" else sqlite_database(tmp_path)
    with empty as database:
        with database.write() as transaction:
            fill(transaction)
        before = state(database)
        assert {row[5] for row in before["files"]} == {"clean", "modified", "deleted"}
        assert len(before["former"]) == 2
        migrate(database, FORMER)
        with database.write() as transaction:
            transaction.connection.exec_driver_sql(
                f"UPDATE files SET mtime_ns = {STAMP.mtime_ns}, ctime_ns = {STAMP.ctime_ns}, "  # noqa: S608
                f"inode = {STAMP.inode} WHERE path = 'a'"
            )
        migrate(database)
        assert state(database) == before
        with database.read() as transaction:
            for index_id in (1, 2):
                files = transaction.indexes.files_by_path(index_id, list("ae"))
                assert files["a"].stamp == replace(STAMP, size=0).stored
                assert files["e"].extracted_hash is None
                stale = transaction.indexes.stale_files(index_id, 9)
                assert [file.path for file in stale] == ["c", "d", "e", "g"]
