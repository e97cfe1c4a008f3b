"""Whatever happens to indexes that share contents, each search sees what the files of its indexes
have, the doctor finds nothing, and nothing stays that no index has.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import combinations
from pathlib import Path

import pytest
from tests.database.content import Content, change, rows
from tests.indexing.sharing import NOT_HAD
from tests.queue.databases import sqlite_database

from kodit.domain.entities import Snippet
from kodit.domain.keyword import KeywordOperation
from kodit.domain.ports.repositories import ExtractedFile
from kodit.domain.search import SearchFilter
from kodit.domain.snippet import SlicedFile
from kodit.domain.value_objects import VectorKind
from kodit.infrastructure.doctor.checks import RowCheck
from kodit.infrastructure.doctor.paths import PATH_CHECKS
from kodit.infrastructure.doctor.vectors import vector_checks
from kodit.infrastructure.doctor.versions import VERSION_CHECKS
from kodit.infrastructure.sql.search import SearchReads
from kodit.infrastructure.sqlalchemy.transaction import SqlTransaction

PATHS = ("a", "b")
TEXTS: tuple[Sequence[str], ...] = (["one", "two"], ["two", "three"], ["four"], [])
CHECKS: tuple[RowCheck, ...] = (*PATH_CHECKS, *VERSION_CHECKS, *vector_checks("m"))
NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
MOST = 99
MOST_INDEXES = 3
HAD = """SELECT version_id FROM files WHERE index_id = ? AND status <> 'd'
UNION SELECT former_versions.version_id FROM former_versions
JOIN files ON files.index_id = former_versions.index_id
AND files.path_id = former_versions.path_id
WHERE former_versions.index_id = ? AND files.status <> 'd'"""
"""The versions of an index's files, and those that an engine may still search for them."""
STORED = """SELECT id, index_id FROM versions WHERE EXISTS
(SELECT 1 FROM snippets WHERE snippets.version_id = versions.id AND state <> 'removed')"""


class History:
    """What happens to some indexes, in one transaction."""

    def __init__(self, transaction: SqlTransaction, chance: random.Random) -> None:
        self.transaction = transaction
        self.chance = chance
        self.now = NOW
        self.contents: list[Content] = []
        self.deleted: list[Content] = []
        """Others may have contents in their stores, and finish them."""
        self.added = 0
        self.held: dict[int, set[int]] = defaultdict(set)
        """By store, the snippets that the keyword index holds."""

    def step(self) -> None:
        """Something happens, most often to a file."""
        if len(self.contents) < MOST_INDEXES:
            self.add()
        else:
            steps = (self.edit, self.finish, self.remove, self.delete)
            self.chance.choices(steps, (6, 4, 2, 1))[0]()

    def add(self) -> None:
        self.added += 1
        self.contents.append(Content(self.transaction, f"/source{self.added}", PATHS))
        self.extract(self.contents[-1], PATHS)

    def edit(self) -> None:
        """Files of an index change, or vanish."""
        some = self.chance.sample(PATHS, self.chance.randint(1, len(PATHS)))
        self.extract(self.chance.choice(self.contents), some)

    def extract(self, content: Content, paths: Sequence[str]) -> None:
        texts = {path: self.chance.choice((*TEXTS, None)) for path in paths}
        store(content, texts, keeps_former=self.chance.random() < 0.5)

    def finish(self) -> None:
        """Engines store what is new, most often all of it, and then former versions are not needed
        any more."""
        for content in self.contents:
            for stage in (partial(self.log, content.id), content.embed, self.embed_texts(content)):
                if self.chance.random() < 0.9:
                    stage()
        for content in self.contents:
            self.transaction.versions.settle(content.id, MOST)

    def embed_texts(self, content: Content) -> Callable[[], None]:
        return partial(content.embed, kind=VectorKind.TEXT)

    def log(self, store_id: int) -> None:
        """The keyword index follows the log of a store."""
        self.held[store_id] = self.logged(store_id)
        change(self.transaction, "DELETE FROM keyword_changes WHERE index_id = ?", store_id)
        self.purge(store_id)

    def remove(self) -> None:
        """Remove some of what is not used for a while, perhaps not to the end."""
        self.now += DAY
        versions, before = self.transaction.versions, self.now - DAY
        if not versions.is_waiting(before, MOST):
            return
        versions.date(self.now)
        versions.remove(before, 1) or versions.remove_beyond(MOST, 1)
        if self.chance.random() < 0.5:
            for store_id in sorted(versions.stores_with_removed()):
                self.log(store_id)

    def drop_superseded(self, store_id: int, kind: VectorKind) -> None:
        """As at the end of a stage: a new version without snippets never takes their place."""
        embeddings = self.transaction.embeddings
        embeddings.drop(store_id, kind, embeddings.superseded(store_id, kind))

    def purge(self, store_id: int) -> None:
        while self.transaction.snippets.purge(
            store_id, MOST
        ) or self.transaction.versions.remove_results(store_id, MOST):
            pass

    def delete(self) -> None:
        content = self.contents.pop(self.chance.randrange(len(self.contents)))
        self.deleted.append(content)
        self.transaction.indexes.mark_deleted(content.id, self.now)
        self.finish_deletions()

    def finish_deletions(self) -> None:
        indexes = self.transaction.indexes
        for index in indexes.deleted():
            while indexes.detach_some(index.id, 1):
                pass
            if not indexes.keep_store(index.id):
                while indexes.remove_some(index.id, 1):
                    pass

    def tidy(self) -> None:
        """Everything is done that there is to do; then nothing is left that no index has."""
        for content in (*self.contents, *self.deleted):
            self.log(content.id)
            for kind in VectorKind:
                content.embed(kind=kind)
                self.drop_superseded(content.id, kind)
        for content in (*self.contents, *self.deleted):
            self.transaction.versions.settle(content.id, MOST)
            self.purge(content.id)
        for _ in range(MOST):
            self.remove()
            self.finish_deletions()
        self.transaction.unused.date(self.now)
        self.transaction.unused.remove(None, MOST)
        left = {name: rows(self.transaction, query) for name, query in NOT_HAD.items()}
        assert {name: some for name, some in left.items() if some} == {}

    # What must hold

    def logged(self, store_id: int) -> set[int]:
        """The snippets that the keyword index of a store is going to hold."""
        held = set(self.held[store_id])
        log = "SELECT op, snippet_id FROM keyword_changes WHERE index_id = ? ORDER BY seq"
        for operation, snippet_id in rows(self.transaction, log, store_id):
            if operation == KeywordOperation.ADD.value:
                held.add(snippet_id)
            else:
                held.discard(snippet_id)
        return held

    def check(self) -> None:
        for check in CHECKS:
            assert self.transaction.connection.execute(check.broken).all() == [], check.what
        live = "SELECT id FROM snippets WHERE state = 'live' AND index_id = ?"
        for (store_id,) in rows(self.transaction, "SELECT id FROM indexes"):
            expected = {row[0] for row in rows(self.transaction, live, store_id)}
            assert self.logged(store_id) == expected
        stored = {row[0]: row[1] for row in rows(self.transaction, STORED)}
        for count in range(1, MOST_INDEXES + 1):
            for some in combinations(self.contents, count):
                self.check_search([one.id for one in some], stored)

    def check_search(self, index_ids: Sequence[int], stored: dict[int, int]) -> None:
        """The versions that a search sees are those that the files of its indexes have."""
        had = {row[0] for one in index_ids for row in rows(self.transaction, HAD, one, one)}
        search = SearchReads(self.transaction.cursors, None, self.transaction.caches)
        scope = search.resolve(SearchFilter(index_ids=tuple(index_ids)))
        seen = {
            version_id
            for version_id, store_id in stored.items()
            if store_id in scope.whole_stores
            or (store_id in scope.listed_stores and version_id in scope.listed)
        }
        assert seen - scope.hidden_file_ids == had & stored.keys()


def store(
    content: Content, texts: Mapping[str, Sequence[str] | None], *, keeps_former: bool
) -> None:
    """Give files snippets by their texts; None for a deleted file."""
    extracted = []
    for path, some in texts.items():
        key = f"{path} {some}"
        sliced = None if some is None else _sliced(path, some)
        file_id = content.files[path]
        extracted.append(ExtractedFile(file_id, key, "v1", sliced, content_key=key.encode()))
    content.transaction.snippets.replace(content.id, extracted, keeps_former=keeps_former)


def _sliced(path: str, texts: Sequence[str]) -> SlicedFile:
    snippets = [Snippet(path, line, line, "python", None, text) for line, text in enumerate(texts)]
    return SlicedFile(path, "python", tuple(snippets))


@pytest.fixture
def transaction(tmp_path: Path) -> Iterator[SqlTransaction]:
    with sqlite_database(tmp_path) as database, database.write() as opened:
        yield opened


@pytest.mark.parametrize("seed", range(4))
def test_histories_of_indexes_that_share(transaction: SqlTransaction, seed: int) -> None:
    history = History(transaction, random.Random(seed))  # noqa: S311 - not for secrets
    for _ in range(40):
        history.step()
        history.check()
    history.tidy()
    while history.contents:
        history.delete()
    history.tidy()


def test_a_file_comes_back_to_a_version_that_no_engine_has_yet(transaction: SqlTransaction) -> None:
    """And leaves it again: it is a former one as often as it is left."""
    content = Content(transaction, "/source", "a")
    for texts in (TEXTS[0], TEXTS[1], TEXTS[0], TEXTS[2], TEXTS[0]):
        store(content, {"a": texts}, keeps_former=True)
    former = "SELECT version_id FROM former_versions ORDER BY version_id"
    one, two, three = (row[0] for row in rows(transaction, "SELECT id FROM versions ORDER BY id"))
    assert content.versions == {"a": one}
    assert rows(transaction, former) == [(two,), (three,)]
    store(content, {"a": TEXTS[1]}, keeps_former=True)
    assert rows(transaction, former) == [(one,), (three,)]


def test_what_another_index_has_stays_however_often_a_file_changes(
    transaction: SqlTransaction,
) -> None:
    """Before an engine has any of the changes, and although nothing is to be kept."""
    first, second = (Content(transaction, f"/{name}", "a") for name in ("first", "second"))
    for content in (first, second):
        store(content, {"a": TEXTS[0]}, keeps_former=False)
    shared = second.versions["a"]
    assert first.versions == {"a": shared}
    for texts in (TEXTS[1], TEXTS[2], TEXTS[1]):
        store(first, {"a": texts}, keeps_former=False)
        states = rows(transaction, "SELECT state FROM snippets WHERE version_id = ?", shared)
        assert states == [("live",)] * len(TEXTS[0])
    assert second.versions == {"a": shared}


def test_nothing_of_a_deleted_file_is_found_before_engines_have_its_last_changes(
    transaction: SqlTransaction,
) -> None:
    """Although its last version stays, because another index has it."""
    first, second = (Content(transaction, f"/{name}", "a") for name in ("first", "second"))
    store(second, {"a": TEXTS[2]}, keeps_former=False)
    for texts in (TEXTS[0], TEXTS[1], TEXTS[2]):
        store(first, {"a": texts}, keeps_former=False)
        first.embed(limit=1)
    assert first.versions == second.versions
    states = "SELECT DISTINCT state FROM snippets ORDER BY state"
    assert ("superseded",) in rows(transaction, states)
    store(first, {"a": None}, keeps_former=False)
    assert rows(transaction, states) == [("live",), ("removed",)]


def test_a_former_version_that_another_index_takes_is_found_there_only(
    transaction: SqlTransaction,
) -> None:
    """As soon as the engines have the new one."""
    history = History(transaction, random.Random(0))  # noqa: S311 - not for secrets
    first, second = (Content(transaction, f"/{name}", "a") for name in ("first", "second"))
    history.contents += [first, second]
    store(first, {"a": TEXTS[0]}, keeps_former=True)
    store(first, {"a": TEXTS[1]}, keeps_former=True)
    store(second, {"a": TEXTS[0]}, keeps_former=True)
    history.check()
    history.log(first.id)
    for kind in VectorKind:
        first.embed(kind=kind)
    assert transaction.versions.settle(first.id, MOST) == 1
    history.check()


def test_only_what_another_index_takes_is_shared(transaction: SqlTransaction) -> None:
    """An index that has its own version again still has all of its store."""
    first, second = (Content(transaction, f"/{name}", PATHS) for name in ("first", "second"))
    shares = "SELECT id FROM indexes WHERE shares"

    def forget() -> None:
        change(transaction, "DELETE FROM keyword_changes")
        change(transaction, "DELETE FROM pending_snippets")
        transaction.versions.settle(first.id, MOST)

    for texts in TEXTS[0], TEXTS[1], TEXTS[0], TEXTS[1]:
        store(first, {"a": texts}, keeps_former=True)
        forget()
    assert rows(transaction, "SELECT count(*) FROM versions") == [(2,)]
    assert rows(transaction, shares) == []
    store(second, {"a": TEXTS[0]}, keeps_former=True)
    assert rows(transaction, shares + " ORDER BY id") == [(first.id,), (second.id,)]


def test_a_version_without_snippets_is_not_kept_for_engines(transaction: SqlTransaction) -> None:
    """There is nothing in it that an engine could search until it has the new one. What was kept
    all the same is forgotten."""
    first, second = (Content(transaction, f"/{name}", PATHS) for name in ("first", "second"))
    store(first, {"a": [], "b": TEXTS[0]}, keeps_former=True)
    empty = first.versions["a"]
    store(first, {"a": TEXTS[0], "b": TEXTS[1]}, keeps_former=True)
    former = "SELECT path_id FROM former_versions WHERE index_id = ?"
    assert rows(transaction, former, first.id) == [(first.files["b"],)]

    kept = "INSERT INTO former_versions (index_id, path_id, version_id) VALUES (?, ?, ?)"
    change(transaction, kept, second.id, second.files["a"], empty)
    assert transaction.versions.has_former(second.id)
    assert transaction.versions.settle(second.id, MOST) == 1
    assert rows(transaction, former, second.id) == []


def test_a_file_has_the_problem_of_the_version_that_it_gets(transaction: SqlTransaction) -> None:
    """Its content was not looked at again."""
    first, second = (Content(transaction, f"/{name}", PATHS) for name in ("first", "second"))
    for content, problem in ((first, "binary"), (second, None)):
        sliced = SlicedFile("a", "python", (), problem)
        extracted = ExtractedFile(content.files["a"], "hash", "v1", sliced, content_key=b"key")
        transaction.snippets.replace(content.id, [extracted])
    assert first.versions == second.versions
    problems = "SELECT problem FROM files WHERE version_id = ?"
    assert rows(transaction, problems, first.versions["a"]) == [("binary",), ("binary",)]


def test_what_a_file_has_lost_is_kept_for_a_while(transaction: SqlTransaction) -> None:
    """Counted from when it is noticed; what a deleted index had is not."""
    content = Content(transaction, "/source", "a")
    versions = transaction.versions
    for texts in (TEXTS[0], TEXTS[1]):
        store(content, {"a": texts}, keeps_former=True)
        for kind in VectorKind:
            content.embed(kind=kind)
        change(transaction, "DELETE FROM keyword_changes")
        versions.settle(content.id, MOST)
    [(first,), (second,)] = rows(transaction, "SELECT id FROM versions ORDER BY id")
    versions.date(NOW)
    assert not versions.remove(NOW - DAY, MOST)
    assert versions.remove(NOW, MOST) == {content.id}
    live = "SELECT DISTINCT version_id FROM snippets WHERE state = 'live'"
    assert rows(transaction, live) == [(second,)]
    assert first != second
