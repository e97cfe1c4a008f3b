"""Authors and dates in the database equal those of a fresh index, whatever happened to commits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.support.files import of_files
from tests.support.snapshot import execute, read_rows
from tests.support.sources import commit_all, git, write_file

from kodit import Kodit
from kodit.domain.entities import IndexedFile
from kodit.domain.source import FileHistory, SourceHistory
from kodit.domain.value_objects import FileProcessingStatus, Source, SourceKind
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase, open_sqlite
from kodit.infrastructure.sqlalchemy.migrate import migrate

_HISTORY = of_files("""
SELECT index_row.kind, file.path, file.author, file.changed_at, file.created_at
FROM FILES JOIN indexes AS index_row ON index_row.id = file.index_id
""")


def histories(data_dir: Path, tree: Path) -> list[tuple[Any, ...]]:
    """The stored history of each file, after the folder and its URL were indexed again."""
    with Kodit(data_dir) as kodit:
        kodit.index(tree, tree.as_uri())
    return read_rows(data_dir, _HISTORY)


def change(tree: Path, author: str, *options: str, **files: str) -> None:
    """Commit these files, as somebody else."""
    for name, content in files.items():
        write_file(tree / f"{name}.py", content)
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", f"--author={author} <{author}@example.org>", *options)


def test_deleted_commits_leave_nothing(tmp_path: Path) -> None:
    """An amended commit, a reset, a restored file and an untracked file."""
    tree = tmp_path / "tree"
    write_file(tree / "kept.py", "one")
    write_file(tree / "back.py", "one")
    commit_all(tree)
    write_file(tree / "untracked.py", "nobody's")
    data = tmp_path / "data"
    histories(data, tree)

    change(tree, "ben", "--message=edit", kept="two", added="one")
    (tree / "back.py").unlink()
    git(tree, "commit", "--all", "--quiet", "--message=delete")
    stored = histories(data, tree)
    assert {(row[1], row[2]) for row in stored if row[1] in ("kept.py", "added.py")} >= {
        ("kept.py", "ben <ben@example.org>"),
        ("added.py", "ben <ben@example.org>"),
    }
    assert not [row for row in stored if row[1] == "back.py"]

    git(tree, "reset", "--quiet", "--hard", "HEAD~1")
    change(tree, "cleo", "--amend", "--no-edit", "--date=2001-01-01T00:00:00Z", back="two")
    write_file(tree / "added.py", "three")
    stored = histories(data, tree)

    assert stored == histories(tmp_path / "fresh", tree)
    authors = {row[1]: row[2] for row in stored if row[0] == "git"}
    assert authors["kept.py"] == authors["back.py"] == "cleo <cleo@example.org>"
    assert histories(data, tree) == stored
    # Killed before the whole history was stored: what is half there is not taken for all.
    execute(data, "UPDATE indexes SET history_commit_id = NULL")
    execute(data, "UPDATE file_histories SET author = 'half <half@example.org>', changed_at = 7")
    assert histories(data, tree) == stored


def test_a_deleted_file_that_comes_back_has_no_history_yet(tmp_path: Path) -> None:
    """Even if it came back before its removal was recorded."""
    database = SqliteDatabase(open_sqlite(tmp_path / "kodit.db"), tmp_path / "write.lock")
    migrate(database)
    told = FileHistory("Ada", "ada@example.org", 7, 7)
    with database.write() as transaction:
        indexes = transaction.indexes
        index = indexes.add(Source(SourceKind.FOLDER, "/code"), datetime.now(UTC))
        added = IndexedFile(0, "a.py", "1" * 40, FileProcessingStatus.ADDED)
        indexes.add_files(index.id, [added, replace(added, path="b.py")])
        assert sorted(indexes.files_without_history(index.id, 9)) == ["a.py", "b.py"]
        assert len(indexes.files_without_history(index.id, 1)) == 1
        indexes.record_history(index.id, SourceHistory("mark", {"a.py": told, "b.py": None}))
        assert indexes.files_without_history(index.id, 9) == []
        assert indexes.get(index.id).working_copy.history_commit == "mark"
        file = indexes.files_by_path(index.id, ["a.py"])["a.py"]
        indexes.update_files(index.id, [replace(file, status=FileProcessingStatus.DELETED)])
        assert indexes.files_without_history(index.id, 9) == []
        indexes.update_files(index.id, [replace(file, status=FileProcessingStatus.MODIFIED)])
        assert indexes.files_without_history(index.id, 9) == ["a.py"]
    database.close()
