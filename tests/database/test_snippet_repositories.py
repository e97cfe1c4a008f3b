"""What the repositories of snippets, vectors, enrichments and the keyword log promise; beside the
index that a test is about lies another with the same paths and texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.queue.databases import sqlite_database

from kodit.domain.embedding import PackedVector
from kodit.domain.entities import IndexedFile, Snippet
from kodit.domain.keyword import KeywordOperation, KeywordPosition
from kodit.domain.ports.repositories import ExtractedFile, SnippetCounts
from kodit.domain.snippet import SlicedFile
from kodit.domain.value_objects import (
    FileProcessingStatus,
    SearchFilter,
    Source,
    SourceKind,
    Symbol,
    SymbolKind,
    TaskType,
    VectorKind,
)
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase, SqlTransaction

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CODE, ENRICH = TaskType.CODE_EMBEDDINGS, TaskType.ENRICH
ADD, REMOVE = KeywordOperation


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    with sqlite_database(tmp_path) as opened:
        yield opened


@pytest.fixture
def transaction(database: SqliteDatabase) -> Iterator[SqlTransaction]:
    with database.write() as opened:
        yield opened


def rows(transaction: SqlTransaction, query: str, *values: object) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in transaction.connection.exec_driver_sql(query, values)]


class Content:
    """One index with files that are given snippets by their texts."""

    def __init__(self, transaction: SqlTransaction, location: str, paths: str = "ab") -> None:
        self.transaction = transaction
        self.id = transaction.indexes.add(Source(SourceKind.FOLDER, location), NOW).id
        self.files: dict[str, int] = {}
        files = [IndexedFile(0, path, "0" * 40, FileProcessingStatus.ADDED) for path in paths]
        transaction.indexes.add_files(self.id, files)
        for path, file in transaction.indexes.files_by_path(self.id, list(paths)).items():
            self.files[path] = file.id

    def replace(self, **texts: Sequence[str] | None) -> SnippetCounts:
        """Give files these snippets, all in one transaction; None where a file is gone."""
        extracted = []
        for path, lines in texts.items():
            symbol = Symbol(f"name_{path}", SymbolKind.METHOD, "Scope")
            sliced = (
                lines
                if lines is None
                else SlicedFile(
                    path,
                    "python",
                    tuple(
                        Snippet(path, line, line, "python", symbol, text)
                        for line, text in enumerate(lines, 1)
                    ),
                )
            )
            digest = None if lines is None else "1" * 40
            extracted.append(ExtractedFile(self.files[path], digest, "v1", sliced))
        return self.transaction.snippets.replace(self.id, extracted)

    def embed(self, limit: int = 99, kind: VectorKind = VectorKind.CODE, model: str = "m") -> None:
        """Vectors for the next pending snippets."""
        stage = CODE if kind is VectorKind.CODE else ENRICH
        batch = self.transaction.snippets.pending(self.id, stage, limit)
        keys = [f"{model} {snippet.text}".encode() for snippet in batch]
        made = self.transaction.embeddings.add(
            self.id, {key: PackedVector(b"vector", b"code") for key in keys}
        )
        linked = [made[key] for key in keys]
        self.transaction.embeddings.link(kind, stage, model, batch, linked)

    def answering(self, kind: VectorKind = VectorKind.CODE) -> list[str]:
        """The texts that have a vector."""
        query = "SELECT text FROM vectors JOIN snippets ON snippets.id = snippet_id "
        where = "WHERE vectors.index_id = ? AND vectors.kind = ?"
        return sorted(row[0] for row in rows(self.transaction, query + where, self.id, kind.value))

    def in_state(self, state: str) -> list[str]:
        query = "SELECT text FROM snippets WHERE index_id = ? AND state = ?"
        return sorted(row[0] for row in rows(self.transaction, query, self.id, state))

    def pending(self, stage: TaskType) -> list[str]:
        return [one.text for one in self.transaction.snippets.pending(self.id, stage, 99)]

    def changes(self) -> list[tuple[KeywordOperation, str | None]]:
        """The log, with the text of what is added and still there."""
        log = self.transaction.keyword_log.read(self.id, 99)
        return [(one.operation, one.snippet and one.snippet.text) for one in log.changes]


@pytest.fixture
def content(transaction: SqlTransaction) -> Content:
    return Content(transaction, "/content")


@pytest.fixture
def other(transaction: SqlTransaction) -> Content:
    """The index beside it."""
    other = Content(transaction, "/other")
    other.replace(a=["one", "two"], b=["three"])
    return other


def unused(transaction: SqlTransaction) -> tuple[int, int]:
    """How many embeddings and enrichments nothing uses."""
    query = "SELECT count(unused_since) FROM "
    [[embeddings]] = rows(transaction, query + "embeddings")
    [[enrichments]] = rows(transaction, query + "enrichments")
    return embeddings, enrichments


def test_new_snippets_take_the_place_of_the_old(content: Content, other: Content) -> None:
    """The stages have the new ones to do and no old one; a later version that comes before they
    were done takes their place as well."""
    assert content.replace(a=["one", "two"], b=["three"]) == SnippetCounts(3, 0)
    for stage in (CODE, ENRICH):
        assert content.pending(stage) == ["one", "two", "three"]
    assert content.replace(a=["four"]) == SnippetCounts(1, 2)
    for stage in (CODE, ENRICH):
        assert content.pending(stage) == ["three", "four"]
        assert content.transaction.snippets.count_pending(content.id, stage) == 2
    assert content.in_state("live") == ["four", "three"]
    assert content.in_state("superseded") == ["one", "two"]
    assert content.replace(a=["five"]) == SnippetCounts(1, 1)
    assert content.transaction.snippets.held([content.files["a"]]) == {content.files["a"]: 4}
    assert content.replace(a=None) == SnippetCounts(0, 1)
    assert content.in_state("removed") == ["five", "four", "one", "two"]
    assert content.transaction.snippets.held([content.files["a"]]) == {}
    assert content.pending(ENRICH) == ["three"]
    assert other.pending(ENRICH) == ["one", "two", "three"]
    assert other.in_state("live") == ["one", "three", "two"]


def test_the_log_has_every_change_in_its_order(content: Content, other: Content) -> None:
    """An addition that was taken back has no text; what one transaction did has one token."""
    content.replace(a=["one"], b=["two"])
    content.replace(a=["three"])
    assert content.changes() == [(ADD, None), (ADD, "two"), (REMOVE, None), (ADD, "three")]
    changes = content.transaction.keyword_log.read(content.id, 99).changes
    assert [one.seq for one in changes] == sorted({one.seq for one in changes})
    tokens = [one.token for one in changes]
    assert tokens[0] == tokens[1] != tokens[2] == tokens[3]
    assert all(0 <= token < 1 << 63 for token in tokens)
    log = content.transaction.keyword_log
    assert (log.count(content.id), log.count(other.id)) == (4, 3)
    # A batch ends with a transaction: neither its number of changes nor its bytes cut one.
    assert [len(log.read(content.id, most).changes) for most in (1, 2, 3, 4)] == [2, 2, 4, 4]
    assert [len(log.read(content.id, 99, most).changes) for most in (1, 3, 4, 99)] == [2, 2, 4, 4]


def test_a_vector_is_dropped_where_its_file_has_the_new_ones(content: Content) -> None:
    """At once, and of the one kind that is complete; a file that a batch has come to the middle of
    keeps what it had."""
    content.replace(a=["one"], b=["two"])
    for kind in VectorKind:
        content.embed(kind=kind)
    content.replace(a=["three", "four"])
    content.embed(1)
    assert content.answering() == ["one", "three", "two"]
    content.embed(1)
    assert content.answering() == ["four", "three", "two"]
    assert content.answering(VectorKind.TEXT) == ["one", "two"]
    content.replace(a=None)
    assert content.answering() == content.answering(VectorKind.TEXT) == ["two"]


def test_of_several_files_each_keeps_what_answers_for_it(content: Content, other: Content) -> None:
    """One that changed twice is answered for by its oldest snippets alone, another one of the same
    transaction by those that it had."""
    other.embed()
    content.replace(a=["one"], b=["two"])
    content.embed()
    content.replace(a=["three", "four"])
    content.embed(1)
    assert content.answering() == ["one", "three", "two"]
    content.replace(a=["five"], b=["six"])
    assert content.answering() == ["one", "two"]
    content.embed()
    assert content.answering() == ["five", "six"]
    assert other.answering() == ["one", "three", "two"]


def test_vectors_of_another_model_take_the_place_of_the_former(content: Content) -> None:
    """All live snippets are to be done again, in pieces and in their order, each once."""
    content.replace(a=["one", "two"], b=["three"])
    snippets = content.transaction.snippets
    assert snippets.follow_model(content.id, CODE, "m") is None
    assert snippets.follow_model(content.id, ENRICH, "n") is None
    assert snippets.followed(content.id) == (None, "m", "n")
    content.embed()
    assert content.pending(CODE) == []
    assert snippets.follow_model(content.id, CODE, "m") is None
    assert content.pending(CODE) == []
    assert snippets.follow_model(content.id, CODE, "newer") is None
    assert content.pending(CODE) == ["one", "two", "three"]
    content.embed(model="newer")
    query = "SELECT DISTINCT model FROM vectors WHERE index_id = ?"
    assert rows(content.transaction, query, content.id) == [("newer",)]
    assert unused(content.transaction) == (3, 0)


def test_the_packs_of_both_kinds_are_noted_apart(content: Content) -> None:
    embeddings = content.transaction.embeddings
    embeddings.note_pack(content.id, VectorKind.CODE, "c")
    embeddings.note_pack(content.id, VectorKind.TEXT, "t")
    query = "SELECT code_pack, text_pack FROM indexes WHERE id = ?"
    assert rows(content.transaction, query, content.id) == [("c", "t")]


def test_what_is_used_again_is_not_unused(content: Content, other: Content) -> None:
    """A result loses its mark with the first user it is given, and gets it with the last that it
    loses, also where several indexes share it."""
    transaction = content.transaction
    content.replace(a=["one"], b=["four"])
    content.embed()
    other.embed()
    assert unused(transaction)[0] == 0
    content.replace(a=None, b=None)
    assert unused(transaction)[0] == 1
    content.replace(b=["four"])
    content.embed()
    assert unused(transaction)[0] == 0

    enrichments = transaction.enrichments
    made = enrichments.add(content.id, {b"1": "first", b"2": "second"})
    assert enrichments.add(content.id, {b"1": "first", b"3": "third"})[b"1"] == made[b"1"]
    assert enrichments.cached([b"2", b"9"]) == {b"2": (made[b"2"], "second")}
    [snippet] = transaction.snippets.pending(content.id, ENRICH, 9)
    enrichments.link({snippet.id: made[b"1"]})
    assert unused(transaction)[1] == 0
    enrichments.link({snippet.id: made[b"2"]})
    assert unused(transaction)[1] == 1
    enrichments.link({snippet.id: made[b"1"]})
    assert unused(transaction)[1] == 1


def test_snippets_are_deleted_when_no_engine_holds_them(content: Content, other: Content) -> None:
    """Neither in a vector nor in the log; an enrichment goes unused with them."""
    transaction = content.transaction
    content.replace(a=["one"], b=["two"])
    content.embed()
    made = transaction.enrichments.add(content.id, {b"1": "first"})
    first = transaction.snippets.pending(content.id, ENRICH, 1)[0]
    transaction.enrichments.link({first.id: made[b"1"]})
    content.replace(a=["three"], b=None)
    assert transaction.snippets.purge(content.id, 9) == 0
    seqs = [one.seq for one in transaction.keyword_log.read(content.id, 99).changes]
    followed = "DELETE FROM keyword_changes WHERE seq <= ?"
    transaction.connection.exec_driver_sql(followed, (seqs[-1],))
    assert transaction.embeddings.superseded(content.id, VectorKind.CODE) == [first.id]
    assert transaction.embeddings.superseded(content.id, VectorKind.TEXT) == []
    assert transaction.snippets.purge(content.id, 9) == 1
    assert content.in_state("superseded") == ["one"]
    content.embed()
    assert unused(transaction)[1] == 0
    assert transaction.snippets.purge(content.id, 9) == 1
    assert unused(transaction)[1] == 1
    assert other.in_state("live") == ["one", "three", "two"]


def acknowledged(transaction: SqlTransaction, index_id: int) -> KeywordPosition | None:
    return transaction.keyword_log.read(index_id, 0).follows


def test_an_acknowledgement_is_of_one_index_and_one_change(
    content: Content, other: Content
) -> None:
    """Of another generation, another token or another index it changes nothing."""
    transaction = content.transaction
    log = transaction.keyword_log
    for index in (content, other):
        assert transaction.snippets.log_all(index.id, f"g{index.id}") is None
    content.replace(a=["four"], b=["five"])
    content.replace(a=["six"])
    generation = f"g{content.id}"
    assert (log.generation(content.id), log.generation(other.id)) == (generation, f"g{other.id}")
    first, *_rest, last = log.read(content.id, 99).changes
    reached = KeywordPosition(generation, first.seq, first.token)
    for wrong in (
        reached._replace(generation="g"),
        reached._replace(token=first.token + 1),
        reached._replace(seq=last.seq),
    ):
        log.acknowledge(content.id, wrong)
        assert log.untrusted({content.id: wrong}) == {content.id}
    assert (log.count(content.id), acknowledged(transaction, content.id)) == (4, None)
    assert log.untrusted({content.id: None, other.id: None, 99: reached}) == {99}
    log.acknowledge(content.id, reached)
    assert (log.count(content.id), acknowledged(transaction, content.id)) == (3, reached)
    assert log.count(other.id) == 3
    assert log.untrusted({content.id: reached}) == set()
    assert log.untrusted({content.id: None}) == {content.id}


def test_an_engine_that_is_not_of_this_log_starts_over(content: Content, other: Content) -> None:
    """One that is ahead of what was acknowledged is believed where the log knows how far it has
    come."""
    transaction = content.transaction
    log, snippets = transaction.keyword_log, transaction.snippets
    assert log.follow(content.id, None)
    assert log.generation(content.id) is None
    assert snippets.log_all(content.id, "g1") is None
    assert not log.follow(content.id, None)
    assert not log.follow(content.id, KeywordPosition("g0", 1, 1))
    content.replace(a=["one"], b=["two"])
    seq, token = [(one.seq, one.token) for one in log.read(content.id, 9).changes][-1]
    reached = KeywordPosition("g1", seq, token)
    assert not log.follow(content.id, reached)
    assert (acknowledged(transaction, content.id), log.count(content.id)) == (reached, 0)
    assert not log.follow(content.id, reached)
    for wrong in (None, KeywordPosition("g1", seq + 1, 1), KeywordPosition("g2", seq, token)):
        assert log.follow(content.id, wrong)
        assert (acknowledged(transaction, content.id), log.generation(content.id)) == (None, "")
        assert log.untrusted({content.id: None}) == {content.id}
        assert snippets.log_all(content.id, "g1") is None
        assert content.changes() == [(ADD, "one"), (ADD, "two")]
        last = log.read(content.id, 9).changes[-1]
        log.acknowledge(content.id, KeywordPosition("g1", last.seq, last.token))
    assert log.count(other.id) == 3


def test_what_is_gone_is_hidden_from_a_search(content: Content, other: Content) -> None:
    """In the indexes that are searched, until it is gone for good; of a file that has changed the
    old snippets are told from the new."""
    transaction = content.transaction
    content.replace(a=["one"], b=["two"])
    content.replace(a=None, b=["three"])
    other.replace(a=None)
    search = transaction.search
    everything = search.resolve(SearchFilter())
    assert everything.index_ids == {content.id, other.id}
    assert everything.hidden_file_ids == {content.files["a"], other.files["a"]}
    scope = search.resolve(SearchFilter(index_ids=(content.id,), kinds=(SymbolKind.METHOD,)))
    assert scope.hidden_file_ids == {content.files["a"]}
    assert (scope.index_ids, scope.file_ids, scope.kinds) == (
        {content.id},
        None,
        (SymbolKind.METHOD,),
    )
    [summary] = transaction.indexes.summarise([transaction.indexes.get(content.id)])
    assert (summary.files, summary.snippets) == (1, 1)
    old = search.superseded(list(content.files.values()))
    assert [one.text for one in search.get_many(sorted(old))] == ["two"]
    transaction.indexes.mark_deleted(other.id, NOW)
    assert search.resolve(SearchFilter()).index_ids == {content.id}
