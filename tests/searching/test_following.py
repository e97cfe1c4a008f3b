"""Which snippet follows another one in its file."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from kodit.domain.entities import IndexedFile, Snippet
from kodit.domain.ports.repositories import ExtractedFile
from kodit.domain.value_objects import FileProcessingStatus, SlicedFile, Source, SourceKind
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase, open_sqlite
from kodit.infrastructure.sqlalchemy.migrate import migrate

LINES = (1, 10, 20)


def test_the_following_snippet_is_of_the_same_version(tmp_path: Path) -> None:
    """As long as an engine answers from the superseded snippets of a file, one of them follows
    another; those of a removed file are not mixed with another file's.
    """
    database = SqliteDatabase(open_sqlite(tmp_path / "kodit.db"), tmp_path / "write.lock")
    migrate(database)
    with database.write() as transaction:
        index = transaction.indexes.add(
            Source(SourceKind.FOLDER, "/nowhere"), datetime(2026, 1, 1, tzinfo=UTC)
        )
        files = [IndexedFile(0, path, "0" * 40, FileProcessingStatus.ADDED) for path in "ab"]
        transaction.indexes.add_files(index.id, files)
    for version in ("old", "new"):
        for file_id, path in ((1, "a"), (2, "b")):
            snippets = tuple(
                Snippet(path, line, line + 4, "text", None, f"{version} {path} {line}")
                for line in LINES
            )
            extracted = ExtractedFile(file_id, version, "v1", SlicedFile(path, "text", snippets))
            with database.write() as transaction:
                transaction.snippets.replace(index.id, [extracted])
    with database.read() as transaction:
        texts = {one.id: one.text for one in transaction.search.get_many(range(1, 13))}
        following = transaction.search.following(list(texts))
    database.close()
    assert {texts[key]: texts[after] for key, after in following.items()} == {
        f"{version} {path} {line}": f"{version} {path} {after}"
        for version in ("old", "new")
        for path in "ab"
        for line, after in pairwise(LINES)
    }
