"""The contract of the index repository; beside each index there is another with the same paths."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.support.files import of_files

from kodit.domain.batches import MOST_PER_TRANSACTION
from kodit.domain.entities import Index, IndexedFile, Snippet, WorkingCopy
from kodit.domain.errors import NotFoundError
from kodit.domain.ports.index_files import Extraction
from kodit.domain.ports.repositories import ExtractedFile, IndexRepository
from kodit.domain.snippet import SlicedFile
from kodit.domain.source import FileHistory, KnownFile, SourceHistory, StoredStamp
from kodit.domain.value_objects import FileProcessingStatus, Source, SourceKind
from kodit.infrastructure.sqlalchemy.transaction import SqlTransaction

pytestmark = pytest.mark.every_store

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STAMP = StoredStamp(11, 22)
ADDED, CLEAN, DELETED = (
    FileProcessingStatus.ADDED,
    FileProcessingStatus.CLEAN,
    FileProcessingStatus.DELETED,
)


@pytest.fixture
def indexes(transaction: SqlTransaction) -> IndexRepository:
    return transaction.indexes


def add(indexes: IndexRepository, location: str, paths: str = "ab") -> tuple[Index, list[int]]:
    """An index with a file of each name, and their ids."""
    index = indexes.add(Source(SourceKind.FOLDER, location), NOW)
    indexes.add_files(
        index.id, [IndexedFile(0, path, "0" * 40, ADDED, stamp=STAMP) for path in paths]
    )
    found = indexes.files_by_path(index.id, list(paths))
    return index, [found[path].id for path in paths]


def extract(transaction: SqlTransaction, index_id: int, file_id: int, version: str = "v1") -> None:
    """Give a file one snippet."""
    sliced = SlicedFile("a", "python", (Snippet("a", 1, 1, "python", None, "text"),))
    transaction.snippets.replace(index_id, [ExtractedFile(file_id, "1" * 40, version, sliced)])


def test_an_index_is_found_by_the_identity_of_its_source(indexes: IndexRepository) -> None:
    """The kind, the location and the ref; a deleted one is never found."""
    source = Source(SourceKind.GIT, "https://host/a", "v1", ("*.py",), ("build/",))
    index = indexes.add(source, NOW, is_confined=True)
    assert indexes.find(source) == indexes.get(index.id) == index
    assert (index.source, index.is_confined, index.created_at) == (source, True, NOW)
    assert (index.updated_at, index.working_copy) == (None, WorkingCopy())
    for other in (
        replace(source, ref=None),
        replace(source, ref="v2"),
        replace(source, location="https://host/b"),
        replace(source, kind=SourceKind.FOLDER),
    ):
        assert indexes.find(other) is None
    plain = indexes.add(replace(source, ref=None), NOW)
    assert (plain.source.ref, plain.is_confined) == (None, False)
    both = [indexes.get(index.id), indexes.get(plain.id)]
    assert indexes.list_all() == indexes.select(()) == both
    assert indexes.select((plain.id, index.id, plain.id, 99)) == both
    assert indexes.select({plain.id}) == both[1:]
    assert indexes.are_several()
    indexes.mark_deleted(index.id, NOW)
    assert indexes.find(source) is None
    assert indexes.list_all() == indexes.select((index.id, plain.id)) == both[1:]
    assert not indexes.are_several()
    assert [one.id for one in indexes.deleted()] == [index.id]
    with pytest.raises(NotFoundError, match=f"there is no index {index.id}"):
        indexes.get(index.id)


def test_sources_at_some_places(indexes: IndexRepository) -> None:
    """Of both kinds, at every ref and of every host, by identifier."""
    folder = Source(SourceKind.FOLDER, "/b", host="one")
    sources = [
        Source(SourceKind.GIT, "https://host/a", ref="v1"),
        folder,
        Source(SourceKind.FOLDER, "/b/c"),
        replace(folder, host="other"),
        Source(SourceKind.GIT, "https://host/a"),
    ]
    added = [indexes.add(source, NOW) for source in sources]
    assert indexes.at_locations(()) == []
    assert indexes.at_locations(["/b", "/", "https://host/a", "/b"]) == [
        added[place] for place in (0, 1, 3, 4)
    ]
    indexes.mark_deleted(added[1].id, NOW)
    assert indexes.at_locations({"/b", "/b/"}) == [added[3]]


def test_a_change_affects_one_index(indexes: IndexRepository) -> None:
    """With other globs, the source is read as if for the first time."""
    one, other = (
        indexes.add(Source(SourceKind.GIT, f"https://host/{name}"), NOW, is_confined=True)
        for name in "ab"
    )
    copy = WorkingCopy("c" * 40, 5, {"binary": 2}, "h" * 40)
    for index in (one, other):
        indexes.finish_scan(index.id, copy)
    assert indexes.get(one.id).working_copy == copy
    before = indexes.get(other.id)
    indexes.update_credentials(one.id, "env:TOKEN")
    indexes.release(one.id)
    chosen = one.source.choosing(("*.py",), ("build/",), True)
    indexes.update_source(one.id, chosen)
    changed = indexes.get(one.id)
    assert (changed.credentials, changed.is_confined) == ("env:TOKEN", False)
    assert changed.source == chosen
    assert changed.source.submodules
    assert changed.working_copy == replace(copy, commit=None)
    assert indexes.finish(one.id, NOW + timedelta(1))
    assert indexes.get(one.id).updated_at == NOW + timedelta(1)
    assert indexes.get(other.id) == before


def test_a_path_is_another_folder_on_each_host(indexes: IndexRepository) -> None:
    """Each host finds its own, and what is on every host."""
    here = Source(SourceKind.FOLDER, "/shop", host="here")
    there = replace(here, host="there")
    first = indexes.add(there, NOW)
    assert indexes.find(here) is None
    second = indexes.add(here, NOW)
    assert first.source == there
    assert indexes.find(there) == first
    assert indexes.find(here) == second == indexes.get(second.id)
    assert indexes.find(replace(here, host="")) is None
    shared = indexes.add(Source(SourceKind.FOLDER, "/shared"), NOW)
    assert indexes.find(replace(here, location="/shared")) == shared


def test_a_folder_is_deleted_on_its_host_alone(indexes: IndexRepository) -> None:
    folder = Source(SourceKind.FOLDER, "/shop", host="here")
    indexes.remember_deletion(folder, NOW)
    assert indexes.was_deleted("/shop", "here")
    assert not indexes.was_deleted("/shop", "there")
    assert not indexes.was_deleted("/shop")
    indexes.add(replace(folder, host="there"), NOW)
    assert indexes.was_deleted("/shop", "here")
    indexes.add(folder, NOW)
    assert not indexes.was_deleted("/shop", "here")


def test_a_folder_that_is_added_again_was_not_deleted(indexes: IndexRepository) -> None:
    """However often that happens; a repository at the same location does not matter."""
    indexes.remember_deletion(Source(SourceKind.FOLDER, "/one"), NOW)
    indexes.remember_deletion(Source(SourceKind.FOLDER, "/one"), NOW)
    indexes.remember_deletion(Source(SourceKind.FOLDER, "/two"), NOW)
    indexes.add(Source(SourceKind.GIT, "/one"), NOW)
    assert (indexes.was_deleted("/one"), indexes.was_deleted("/two")) == (True, True)
    indexes.add(Source(SourceKind.FOLDER, "/one"), NOW)
    assert (indexes.was_deleted("/one"), indexes.was_deleted("/two")) == (False, True)


def test_files_are_those_of_one_index(transaction: SqlTransaction) -> None:
    """Deleted files are no longer known, but are found by their path until they are removed."""
    indexes = transaction.indexes
    one, (a, b) = add(indexes, "/one")
    other, others = add(indexes, "/other")
    assert sorted(indexes.known_files(one.id)) == ["a", "b"]
    assert indexes.known_files(one.id)["a"] == KnownFile("0" * 40, *STAMP)
    extract(transaction, one.id, a)
    transaction.snippets.replace(one.id, [ExtractedFile(b, "1" * 40, "v1", None)])
    assert sorted(indexes.known_files(one.id)) == ["a"]
    assert sorted(indexes.files_by_path(one.id, ["a", "b", "c"])) == ["a", "b"]
    told = FileHistory("Ada", "ada@host", 20, 10)
    indexes.record_history(one.id, SourceHistory(None, {"a": told}))
    indexes.mark_stale(one.id, [a])
    indexes.forget_files(one.id, [a, b])
    assert not indexes.has_files(one.id)
    found = indexes.files_by_path(one.id, ["a", "b"])
    assert [(file.id, file.status) for file in found.values()] == [(a, DELETED)]
    assert [file.id for file in indexes.stale_files(one.id, 9)] == []
    indexes.update_files(one.id, [replace(found["a"], status=ADDED)])
    assert indexes.files_without_history(one.id, 9) == ["a"]  # it has whatever history it has now
    assert indexes.has_files(other.id)
    assert sorted(file.id for file in indexes.files_by_path(other.id, ["a", "b"]).values()) == (
        sorted(others)
    )


def test_a_file_is_stale_until_its_content_is_extracted(transaction: SqlTransaction) -> None:
    """A deleted one only if it has snippets."""
    indexes = transaction.indexes
    one, (a, b, c) = add(indexes, "/one", "abc")
    other, _files = add(indexes, "/other")
    assert [file.id for file in indexes.stale_files(one.id, 2)] == [a, b]
    for file_id in (c, a):
        extract(transaction, one.id, file_id)
    assert [file.id for file in indexes.stale_files(one.id, 9)] == [b]
    assert (indexes.count_stale_files(one.id), indexes.count_stale_files(other.id)) == (1, 2)

    files = indexes.files_by_path(one.id, ["a", "b", "c"])
    assert (files["a"].extracted_hash, files["a"].extractor_version) == ("1" * 40, "v1")
    indexes.update_files(
        one.id,
        [
            replace(files["a"], content_hash="1" * 40, stamp=StoredStamp(1, 2)),
            replace(files["b"], status=DELETED),
            replace(files["c"], status=DELETED),
        ],
    )
    assert [file.id for file in indexes.stale_files(one.id, 9)] == [c]
    assert indexes.files_by_path(one.id, ["a"])["a"].stamp == StoredStamp(1, 2)
    indexes.update_files(one.id, [replace(files["a"], content_hash="2" * 40)])
    assert [file.id for file in indexes.stale_files(one.id, 9)] == [a, c]


def test_files_of_another_extractor_are_made_stale(transaction: SqlTransaction) -> None:
    """By language and version, in one index; files that are stale already are not marked again."""
    indexes = transaction.indexes
    one, (a, b, c) = add(indexes, "/one", "abc")
    other, (x, _y) = add(indexes, "/other")
    assert indexes.extractions(one.id) == []
    for index, file_id, version in ((one, a, "v1"), (one, b, "v2"), (other, x, "v1")):
        extract(transaction, index.id, file_id, version)
    assert sorted(indexes.extractions(one.id)) == [
        Extraction("python", "v1"),
        Extraction("python", "v2"),
    ]
    former = [Extraction("python", "v1"), Extraction("ruby", "v2")]
    assert indexes.extracted_by(one.id, former) == [a]
    assert indexes.extracted_by(one.id, []) == []
    indexes.mark_stale(one.id, [a])
    assert indexes.extracted_by(one.id, former) == []
    assert [file.id for file in indexes.stale_files(one.id, 9)] == [a, c]


def test_the_history_of_each_existing_file_is_read_once(transaction: SqlTransaction) -> None:
    """A file without one counts as read; deleted files are skipped, and restored ones are read
    again.
    """
    indexes = transaction.indexes
    one, (a, _b, _c) = add(indexes, "/one", "abc")
    other, _files = add(indexes, "/other")
    told = FileHistory("Ada", "ada@host", 20, 10)
    assert sorted(indexes.files_without_history(one.id, 9)) == ["a", "b", "c"]
    assert len(indexes.files_without_history(one.id, 2)) == 2
    indexes.record_history(one.id, SourceHistory("m" * 40, {"a": told, "b": None}))
    assert indexes.files_without_history(one.id, 9) == ["c"]
    assert sorted(indexes.files_without_history(other.id, 9)) == ["a", "b"]
    assert indexes.get(one.id).working_copy.history_commit == "m" * 40
    assert indexes.get(other.id).working_copy.history_commit is None

    extract(transaction, one.id, a)
    files = indexes.files_by_path(one.id, ["a", "c"])
    indexes.update_files(one.id, [replace(file, status=DELETED) for file in files.values()])
    assert indexes.files_without_history(one.id, 9) == []
    indexes.update_files(one.id, list(files.values()))
    assert sorted(indexes.files_without_history(one.id, 9)) == ["a", "c"]


def test_later_commits_add_to_a_history(transaction: SqlTransaction) -> None:
    """The latest author stays the last one and the earliest commit the first, whatever dates the
    commits claim; of two with the same date the later one counts.
    """
    indexes = transaction.indexes
    one, _files = add(indexes, "/one", "abcd")
    other, _others = add(indexes, "/other", "abcd")
    known = FileHistory("Ada", "ada@host", 20, 10)
    for index in (one, other):
        indexes.record_history(index.id, SourceHistory(None, dict.fromkeys("abc", known)))
    later = {
        "a": FileHistory("Bob", "bob@host", 30, 15),
        "b": FileHistory("Bob", "bob@host", 15, 5),
        "c": FileHistory("Bob", "bob@host", 20, 10),
        "d": FileHistory("Bob", "bob@host", 7, 6),
    }
    indexes.record_history(one.id, SourceHistory(None, {}, later))
    query = of_files(
        "SELECT author, changed_at, created_at FROM FILES WHERE index_id = {} ORDER BY path"
    )

    def stored(index: Index) -> list[tuple[object, ...]]:
        rows = transaction.connection.exec_driver_sql(query.format(index.id))
        return [tuple(row) for row in rows]

    second = 1_000_000
    assert stored(one) == [
        ("Bob <bob@host>", 30 * second, 10 * second),
        ("Ada <ada@host>", 20 * second, 5 * second),
        ("Bob <bob@host>", 20 * second, 10 * second),
        ("Bob <bob@host>", 7 * second, 6 * second),
    ]
    assert stored(other)[:3] == [("Ada <ada@host>", 20 * second, 10 * second)] * 3


def test_a_complete_run_leaves_only_clean_files(transaction: SqlTransaction) -> None:
    """Files marked as deleted are removed, only in this index."""
    indexes = transaction.indexes
    one, (a, b) = add(indexes, "/one")
    other, _files = add(indexes, "/other")
    files = indexes.files_by_path(one.id, ["a", "b"])
    indexes.update_files(one.id, [replace(files["b"], status=DELETED)])
    assert indexes.finish(one.id, NOW)
    left = indexes.files_by_path(one.id, ["a", "b"])
    assert {path: (file.id, file.status) for path, file in left.items()} == {"a": (a, CLEAN)}
    assert b not in {file.id for file in left.values()}
    assert {file.status for file in indexes.files_by_path(other.id, ["a", "b"]).values()} == {ADDED}


@pytest.mark.parametrize(("beyond", "looks"), [(0, 1), (1, 2)])
def test_a_run_is_complete_when_no_file_is_left(
    indexes: IndexRepository, beyond: int, looks: int
) -> None:
    """As many files as fit one transaction need one, and one more file needs another."""
    index = indexes.add(Source(SourceKind.FOLDER, "/many"), NOW)
    count = MOST_PER_TRANSACTION.rows + beyond
    indexes.add_files(index.id, [IndexedFile(0, str(n), "0" * 40, ADDED) for n in range(count)])
    ended = [indexes.finish(index.id, NOW) for _ in range(looks)]
    assert ended == [False] * (looks - 1) + [True]
    assert indexes.get(index.id).updated_at == NOW
