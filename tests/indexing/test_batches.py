"""The reads of a batch and the writes of a transaction are bounded by rows and bytes, whatever the
source.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import delete, func, select
from tests.support.files import READ_BY_ANOTHER_EXTRACTOR, of_files
from tests.support.serving import ServingKodit, failed_task, states
from tests.support.snapshot import execute, read_rows
from tests.support.sources import python_function, write_file
from tests.support.transactions import RecordingApplication, RecordingDatabase, Write

from kodit.application.services import code_indexing_application_service
from kodit.application.services.index_removal import ROWS_PER_REMOVAL
from kodit.domain.batches import MOST_PER_READ, MOST_PER_TRANSACTION, Weight, in_batches
from kodit.domain.embedding import PackedVector
from kodit.domain.entities import IndexedFile, Snippet
from kodit.domain.errors import PermanentError
from kodit.domain.ports.repositories import ExtractedFile
from kodit.domain.value_objects import (
    FileProcessingStatus,
    SlicedFile,
    Source,
    SourceKind,
    TaskType,
    VectorKind,
)
from kodit.infrastructure.sources.child_functions import extract
from kodit.infrastructure.sources.location import FileToExtract, Location
from kodit.infrastructure.sqlalchemy import indexes
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase, open_sqlite
from kodit.infrastructure.sqlalchemy.entities import KEYWORD_CHANGES, SNIPPETS
from kodit.infrastructure.sqlalchemy.migrate import migrate

ROWS_OF_A_SNIPPET = 6
"""At most: itself or its state, a change of the log, two pending stages or two vectors, and the
rows these referred to.
"""
MOST_ROWS = ROWS_OF_A_SNIPPET * MOST_PER_TRANSACTION.rows + 20
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SET_FORMER = "UPDATE indexes SET {} = 'former' WHERE id = ?"
FORMER = "SELECT {} FROM indexes WHERE id = {}"
FILES_OF = of_files("SELECT path, status, stale, extractor_version FROM FILES WHERE index_id = {}")
SYMBOLS_OF = (
    "SELECT symbol FROM snippets JOIN files ON files.version_id = snippets.version_id "
    "WHERE files.index_id = {}"
)
NOTED = "SELECT count(*) FROM {}"


def functions(count: int, name: str) -> str:
    words = ["anchor", "basket", "candle", "dragon"]
    return "\n\n".join(python_function(f"{name}_{number}", words) for number in range(count))


def test_batches_are_cut_by_rows_and_by_bytes() -> None:
    """In order; an item over the limit is a batch of its own."""
    weights = [Weight(1, 1), Weight(1, 1), Weight(9, 1), Weight(1, 9), Weight(1, 1), Weight(2, 0)]
    cut = list(in_batches(weights, Weight(3, 3), lambda weight: weight))
    assert cut == [weights[:2], [weights[2]], [weights[3]], weights[4:]]
    assert list(in_batches([Weight(1)] * 3, Weight(3), lambda weight: weight)) == [[Weight(1)] * 3]


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServingKodit]:
    # What is replaced is removed at once: keeping it writes less.
    data_dir = tmp_path_factory.mktemp("batches") / "data"
    with ServingKodit(data_dir, RecordingApplication, keep_unused_days=0.0) as serving:
        yield serving


def database_of(serving: ServingKodit) -> RecordingDatabase:
    return cast(RecordingDatabase, serving.application.database)


def writes_of_indexing(serving: ServingKodit, folder: Path) -> list[Write]:
    database_of(serving).writes.clear()
    assert states(serving.index(folder))[1:] == ["succeeded"] * 4
    return list(database_of(serving).writes)


def test_no_transaction_grows_with_the_index(serving: ServingKodit, tmp_path: Path) -> None:
    """Not during the first run, not when every file changes, shrinks or is deleted, not when
    keyword index, models and extractor are replaced, nor on deletion. A file of more snippets than
    fit one transaction has one of its own.
    """
    folder = tmp_path / "source"
    for number in range(8):
        write_file(folder / f"module_{number}.py", functions(200, f"first_{number}"))
    write_file(folder / "whole.py", functions(MOST_PER_TRANSACTION.rows + 300, "whole"))

    made = writes_of_indexing(serving, folder)
    of_whole = MOST_PER_TRANSACTION.rows + 300
    # A few more rows are those of the file, its version and the index.
    assert [write.rows // 10 for write in made if write.rows > MOST_ROWS] == [of_whole // 2]
    (folder / "whole.py").unlink()

    for number in range(8):
        write_file(folder / f"module_{number}.py", functions(200, f"second_{number}"))
    changed = writes_of_indexing(serving, folder)

    data_dir = serving.data_dir
    execute(data_dir, "UPDATE indexes SET code_model = 'former', text_model = 'former'")
    execute(data_dir, READ_BY_ANOTHER_EXTRACTOR)
    execute(data_dir, "UPDATE indexes SET keyword_generation = 'former'")
    renewed = writes_of_indexing(serving, folder)

    for number in range(8):
        write_file(folder / f"module_{number}.py", functions(1, f"third_{number}"))
    shrunk = writes_of_indexing(serving, folder)

    for number in range(8):
        (folder / f"module_{number}.py").unlink()
    write_file(folder / "last.py", functions(900, "last"))
    gone = writes_of_indexing(serving, folder)

    for writes in (changed, renewed, shrunk, gone):
        over = [write for write in writes if write.rows > MOST_ROWS]
        # The whole file goes, or another one comes: each in a transaction of its own.
        assert len(over) == (1 if writes in (changed, gone) else 0)
        assert all(write.rows <= ROWS_OF_A_SNIPPET * of_whole + 20 for write in over)

    database_of(serving).writes.clear()
    (status,) = serving.status()
    serving.call(lambda application: application.indexes.delete(status.id))
    assert max(write.rows for write in database_of(serving).writes) <= 2 * ROWS_PER_REMOVAL


def test_several_batches_complete_the_work(
    serving: ServingKodit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With files that are new, read by another extractor, or deleted."""
    monkeypatch.setattr(code_indexing_application_service, "FILES_PER_SCAN_BATCH", 2)
    monkeypatch.setattr(code_indexing_application_service, "ROWS_PER_PURGE", 2)
    monkeypatch.setattr(indexes, "MOST_PER_TRANSACTION", Weight(2))
    folder = tmp_path / "source"
    for number in range(5):
        write_file(folder / f"module_{number}.py", functions(1, f"batch_{number}"))

    def files() -> list[tuple[object, ...]]:
        return read_rows(serving.data_dir, FILES_OF.format(run.index_id))

    run = serving.index(folder)
    [version] = {row[3] for row in files()}
    assert [row[:3] for row in files()] == [
        (f"module_{number}.py", "clean", 0) for number in range(5)
    ]

    execute(serving.data_dir, READ_BY_ANOTHER_EXTRACTOR)
    serving.index(folder)
    assert {row[3] for row in files()} == {version}

    for number in range(5):
        (folder / f"module_{number}.py").unlink()
    write_file(folder / "last.py", functions(1, "last"))
    serving.index(folder)
    assert [row[0] for row in files()] == ["last.py"]
    assert read_rows(serving.data_dir, SYMBOLS_OF.format(run.index_id)) == [("last_0",)]


@pytest.mark.parametrize("column", ["keyword_generation", "code_model", "text_model"])
def test_pending_work_is_recorded_in_pieces(
    serving: ServingKodit, tmp_path: Path, column: str
) -> None:
    """Interrupted between two pieces, the run fails and says so; the next one records the rest, and
    the index equals a fresh one.
    """
    folder = tmp_path / "source"
    for number in range(3):
        write_file(folder / f"module_{number}.py", functions(250, f"{column}_{number}"))
    database = database_of(serving)
    index_id = serving.index(folder).index_id
    assert index_id is not None
    execute(serving.data_dir, SET_FORMER.format(column), index_id)
    noted = NOTED.format(
        "keyword_changes" if column == "keyword_generation" else "pending_snippets"
    )

    def refuse(write: Write) -> None:
        if write.rows > 100 and read_rows(serving.data_dir, noted) != [(0,)]:
            raise PermanentError("out of order")

    database.refuse = refuse
    try:
        run = serving.index(folder)
    finally:
        database.refuse = None
    assert "out of order" in (failed_task(run).error or "")
    assert states(run) == ["failed", *["blocked"] * 4]
    assert read_rows(serving.data_dir, noted) == [(MOST_PER_TRANSACTION.rows,)]
    former = FORMER.format(column, index_id)
    forgotten = "" if column == "keyword_generation" else "former"
    assert read_rows(serving.data_dir, former) == [(forgotten,)]

    run = serving.index(folder)

    assert states(run) == ["succeeded"] * 5
    again = {task.type: task.work for task in run.tasks}
    if column == "keyword_generation":
        assert again[TaskType.BM25_INDEX]["keywords_indexed"] == 750
    assert read_rows(serving.data_dir, noted) == [(0,)]
    assert states(serving.index(folder))[1:] == ["skipped"] * 4
    assert len(serving.search("anchor basket candle", "keyword", [index_id])) == 750
    serving.call(lambda application: application.indexes.delete(index_id))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    database = SqliteDatabase(open_sqlite(tmp_path / "kodit.db"), tmp_path / "write.lock")
    migrate(database)
    yield database
    database.close()


def add_index(database: SqliteDatabase, paths: Sequence[str]) -> tuple[int, list[IndexedFile]]:
    """An index with new files."""
    with database.write() as transaction:
        index = transaction.indexes.add(Source(SourceKind.FOLDER, "/nowhere"), NOW)
        files = [IndexedFile(0, path, "0" * 40, FileProcessingStatus.ADDED) for path in paths]
        transaction.indexes.add_files(index.id, files)
    with database.read() as transaction:
        return index.id, list(transaction.indexes.files_by_path(index.id, paths).values())


def store(database: SqliteDatabase, index_id: int, file: IndexedFile, texts: Sequence[str]) -> None:
    """Give a file these snippets."""
    snippets = tuple(
        Snippet(file.path, line, line, "text", None, text) for line, text in enumerate(texts, 1)
    )
    sliced = SlicedFile(file.path, "text", snippets)
    with database.write() as transaction:
        transaction.snippets.replace(index_id, [ExtractedFile(file.id, "1" * 40, "v1", sliced)])


def test_the_timestamp_comes_with_the_last_statuses(database: SqliteDatabase) -> None:
    """Until then a file is not clean, so that an interrupted run is followed by another."""
    count = 2 * MOST_PER_TRANSACTION.rows
    index_id, files = add_index(database, [f"file_{number}" for number in range(count)])
    with database.write() as transaction:
        for file in files:
            transaction.snippets.replace(index_id, [ExtractedFile(file.id, "0" * 40, "v1", None)])
            break
        transaction.indexes.mark_stale(index_id, [])
    unclean = []
    for is_last in (False, True):
        with database.write() as transaction:
            assert transaction.indexes.finish(index_id, NOW) is is_last
        with database.read() as transaction:
            assert (transaction.indexes.get(index_id).updated_at == NOW) is is_last
            left = transaction.indexes.files_by_path(index_id, [file.path for file in files])
            unclean.append(
                sum(file.status is not FileProcessingStatus.CLEAN for file in left.values())
            )
            assert transaction.snippets.is_finished(index_id) is False  # the files are stale
    assert unclean == [MOST_PER_TRANSACTION.rows, 0]
    assert len(left) == count - 1, "the deleted file is forgotten"


def test_texts_are_read_and_removed_by_their_bytes(database: SqliteDatabase) -> None:
    """Large ones, few at a time, but at least one: for the models, for the keyword index, and on
    removal.
    """
    size = MOST_PER_TRANSACTION.size // 4
    large = MOST_PER_TRANSACTION.size + 1
    index_id, (file, other) = add_index(database, ["some.txt", "other.txt"])
    store(database, index_id, file, ["x" * size] * 11)
    store(database, index_id, other, ["é" * large, "z" * 10])

    with database.read() as transaction:
        assert len(transaction.snippets.pending(index_id, TaskType.ENRICH, 256)) == 4
        assert len(transaction.snippets.pending(index_id, TaskType.ENRICH, 3)) == 3
        changes = transaction.keyword_log.read(index_id, 2048).changes
        # What one transaction has logged is never cut apart.
        assert [change.seq for change in changes] == list(range(1, 12))
        assert len(transaction.keyword_log.read(index_id, 12).changes) == 11
        assert len(transaction.keyword_log.read(index_id, 2048, 10**9).changes) == 13
        assert len(transaction.keyword_log.read(index_id, 2, 10**9).changes) == 11

    for changed in (file, other):
        store(database, index_id, changed, ["short"])
    with database.write() as transaction:
        transaction.connection.execute(delete(KEYWORD_CHANGES))
    purged = []
    while True:
        with database.write() as transaction:
            if not (count := transaction.snippets.purge(index_id, 1000)):
                break
        purged.append(count)
    assert purged == [4, 4, 3, 1, 1]

    store(database, index_id, file, ["x" * size] * 5)
    with database.write() as transaction:
        transaction.connection.execute(delete(KEYWORD_CHANGES))
        transaction.indexes.mark_deleted(index_id, NOW)
    held = []
    more = True
    while more:
        with database.write() as transaction:
            more = transaction.indexes.remove_some(index_id, 1000)
            counted = transaction.connection.execute(select(func.count()).select_from(SNIPPETS))
            held.append(counted.scalar_one())
    assert [count for count in dict.fromkeys(held) if count] == [7, 3]


def test_a_large_replaced_file_gets_small_batches(
    database: SqliteDatabase,
) -> None:
    """The old vectors of a file are dropped with its last new one: one batch contains no more files
    than have this many.
    """
    index_id, files = add_index(database, [f"{number}.txt" for number in range(4)])
    half = MOST_PER_TRANSACTION.rows // 2
    for file in files:
        store(database, index_id, file, ["old"] * half)
    for file in files:
        store(database, index_id, file, ["new"])
    with database.read() as transaction:
        batch = transaction.snippets.pending(index_id, TaskType.CODE_EMBEDDINGS, 256)
    assert [snippet.path for snippet in batch] == [file.path for file in files[:2]]


def test_a_completely_embedded_file_loses_its_old_vectors(database: SqliteDatabase) -> None:
    """At once, not when the stage has finished the other files; a file that a batch has embedded
    partly keeps them.
    """
    index_id, (first, second) = add_index(database, ["first.txt", "second.txt"])

    def embed(limit: int) -> None:
        with database.write() as transaction:
            batch = transaction.snippets.pending(index_id, TaskType.CODE_EMBEDDINGS, limit)
            keys = [str(snippet.id).encode() for snippet in batch]
            made = transaction.embeddings.add(
                index_id, {key: PackedVector(b"vector", b"code") for key in keys}
            )
            transaction.embeddings.link(
                VectorKind.CODE,
                TaskType.CODE_EMBEDDINGS,
                "model",
                batch,
                [made[key] for key in keys],
            )

    def texts() -> list[str]:
        query = (
            "SELECT snippet_texts.text FROM vectors JOIN snippets ON snippets.id = snippet_id "
            "JOIN snippet_texts ON snippet_texts.id = text_id"
        )
        return [row[0] for row in read_rows(database.path.parent, query)]

    for file, name in ((first, "first"), (second, "second")):
        store(database, index_id, file, [f"old {name} {number}" for number in range(2)])
    embed(256)
    for file, name in ((first, "first"), (second, "second")):
        store(database, index_id, file, [f"new {name} {number}" for number in range(2)])

    embed(3)
    assert texts() == sorted(
        [f"new first {number}" for number in range(2)]
        + [f"old second {number}" for number in range(2)]
        + ["new second 0"]
    )
    embed(3)
    assert texts() == sorted(
        f"new {name} {number}" for name in ("first", "second") for number in range(2)
    )

    # The second version of a file answers whole, though some of the first is still there.
    store(database, index_id, first, ["latest"])
    assert texts() == sorted(
        f"new {name} {number}" for name in ("first", "second") for number in range(2)
    )


def test_a_child_returns_after_enough_work(tmp_path: Path) -> None:
    """And leaves the other files for the next call; a file is never split."""
    lines = "".join(f"{number} {'quartz ' * 300}\n" for number in range(400))
    names = [f"{number}.txt" for number in range(8)]
    for name in names:
        write_file(tmp_path / name, lines)
    location = Location(Source(SourceKind.FOLDER, str(tmp_path)), str(tmp_path))
    files = [FileToExtract(number, name, "") for number, name in enumerate(names)]

    extracted = extract(location, files, report=lambda *_: None)

    sizes = [
        sum(len(snippet.text) for snippet in one.sliced.snippets)
        for one in extracted
        if one.sliced is not None
    ]
    assert [one.file_id for one in extracted] == list(range(len(sizes)))
    assert sum(sizes[:-1]) < MOST_PER_READ.size <= sum(sizes)
