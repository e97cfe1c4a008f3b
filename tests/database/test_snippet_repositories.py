"""The contracts of the repositories of snippets, vectors and enrichments; beside the tested index
there is another with the same paths and texts.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.database.content import CODE, ENRICH, NOW, Content, change, rows
from tests.support.files import of_files

from kodit.domain.entities import Snippet
from kodit.domain.keyword import KeywordOperation
from kodit.domain.ports.repositories import ExtractedFile, SnippetCounts
from kodit.domain.snippet import Extent, MinorSymbol, PlacedSymbol, SlicedFile
from kodit.domain.value_objects import (
    FileProcessingStatus,
    SearchFilter,
    Symbol,
    SymbolKind,
    VectorKind,
)
from kodit.infrastructure.sqlalchemy.entities import EMBEDDINGS
from kodit.infrastructure.sqlalchemy.prepared import Driver
from kodit.infrastructure.sqlalchemy.transaction import SqlTransaction
from kodit.infrastructure.sqlalchemy.unused import release

pytestmark = pytest.mark.every_store


def unused(transaction: SqlTransaction) -> tuple[int, int]:
    """The number of unused embeddings and enrichments."""
    query = "SELECT count(unused_since) FROM "
    [[embeddings]] = rows(transaction, query + "embeddings")
    [[enrichments]] = rows(transaction, query + "enrichments")
    return embeddings, enrichments


def test_new_snippets_replace_the_old(content: Content, other: Content) -> None:
    """The stages have to process the new ones and no old one; a later version that comes before
    they were processed replaces them as well.
    """
    assert content.replace(a=["one", "two"], b=["three"]) == SnippetCounts(3, 0, parsed=2)
    pending = content.transaction.snippets.pending
    for stage in (CODE, ENRICH):
        assert content.pending(stage) == ["one", "two", "three"]
        assert [one.text for one in pending(content.id, stage, 2)] == ["one", "two"]
        assert [one.text for one in pending(content.id, stage, 9, 5)] == ["one"]
    assert content.replace(a=["four"]) == SnippetCounts(1, 2, parsed=1)
    for stage in (CODE, ENRICH):
        assert content.pending(stage) == ["three", "four"]
        assert content.transaction.snippets.count_pending(content.id, stage) == 2
    assert content.in_state("live") == ["four", "three"]
    assert content.in_state("superseded") == ["one", "two"]
    assert content.replace(a=["five"]) == SnippetCounts(1, 1, parsed=1)
    assert content.transaction.snippets.held(content.id, [content.files["a"]]) == {
        content.files["a"]: 4
    }
    assert content.replace(a=None) == SnippetCounts(0, 1)
    assert content.in_state("removed") == ["five", "four", "one", "two"]
    assert content.transaction.snippets.held(content.id, [content.files["a"]]) == {}
    assert content.pending(ENRICH) == ["three"]
    assert other.pending(ENRICH) == ["one", "two", "three"]
    assert other.in_state("live") == ["one", "three", "two"]


LEFT_TO_DO = (
    "UPDATE indexes SET updated_at = NULL",
    "INSERT INTO stale_files SELECT index_id, path_id, '' FROM files",
    "UPDATE files SET status = 'm'",
    "INSERT INTO pending_snippets SELECT index_id, 'ENRICH', id FROM snippets",
    "INSERT INTO keyword_changes (index_id, version_id, change_set, snippet_id, op, token) "
    "SELECT index_id, version_id, 9, id, 'add', 1 FROM snippets",
)
"""Each leaves something to do in an index that was finished."""


@pytest.mark.parametrize("statement", LEFT_TO_DO)
def test_an_index_is_finished_when_nothing_is_pending(content: Content, statement: str) -> None:
    """No file, no entry of the log and no snippet of a stage, and it was complete once."""
    transaction = content.transaction
    content.replace(a=["one"], b=["two"])
    for kind in VectorKind:
        content.embed(kind=kind)
    transaction.connection.exec_driver_sql("DELETE FROM keyword_changes")
    assert not transaction.snippets.is_finished(content.id)
    assert transaction.indexes.finish(content.id, NOW)
    assert transaction.snippets.is_finished(content.id)
    transaction.connection.exec_driver_sql(statement)
    assert not transaction.snippets.is_finished(content.id)
    added = Content(transaction, "/added", "")
    assert transaction.indexes.finish(added.id, NOW)
    assert transaction.snippets.is_finished(added.id)


@pytest.mark.parametrize(
    ("snippets", "problem", "language"),
    [(1, None, "python"), (0, None, "python"), (1, "cut by lines", "python"), (0, "binary", None)],
)
def test_a_file_records_what_its_snippets_were_made_from(
    content: Content, other: Content, snippets: int, problem: str | None, language: str | None
) -> None:
    """Its content may be newer than the scan; no language marks a file that was not read."""
    pieces = (Snippet("a", 1, 1, "python", None, "text"),) * snippets
    sliced = SlicedFile("a", "python", pieces, problem)
    file_id = content.files["a"]
    content.transaction.snippets.replace(
        content.id, [ExtractedFile(file_id, "2" * 40, "v2", sliced)]
    )
    file = content.transaction.indexes.files_by_path(content.id, ["a"])["a"]
    assert (file.content_hash, file.extracted_hash, file.extractor_version, file.problem) == (
        *("2" * 40, "2" * 40, "v2"),
        problem,
    )
    query = of_files("SELECT language, stale FROM FILES WHERE path_id = ? AND index_id = ?")
    assert rows(content.transaction, query, file_id, content.id) == [(language, False)]
    [summary] = content.transaction.indexes.summarise([content.transaction.indexes.get(content.id)])
    left_out = {} if problem is None else {problem: 1}
    assert (summary.problems, summary.left_out) == (
        (left_out, {}) if language is not None else ({}, left_out)
    )
    counted = content.transaction.indexes.left_out([content.id])
    assert counted == ({content.id: summary.left_out} if summary.left_out else {})
    assert (summary.files, summary.snippets) == (1 if language is None else 2, snippets)
    content.replace(a=None)
    gone = content.transaction.indexes.files_by_path(content.id, ["a"])["a"]
    assert (gone.status, gone.extracted_hash) == (FileProcessingStatus.DELETED, None)
    assert rows(content.transaction, query, file_id, content.id)[0][1] == 0


def test_a_vector_is_dropped_once_its_file_has_the_new_ones(content: Content) -> None:
    """At once, and only of the kind that is complete; a partly embedded file keeps its old ones."""
    content.replace(a=["one"], b=["two"])
    for kind in VectorKind:
        content.embed(kind=kind)
    content.replace(a=["three", "four"], b=["five"])
    content.embed(1)
    assert content.answering() == ["one", "three", "two"]
    content.embed(1)
    assert content.answering() == ["four", "three", "two"]
    content.embed()
    assert content.answering() == ["five", "four", "three"]
    assert content.answering(VectorKind.TEXT) == ["one", "two"]
    content.replace(a=None)
    assert content.answering() == ["five"]
    assert content.answering(VectorKind.TEXT) == ["two"]


def test_of_several_files_each_keeps_its_searched_vectors(content: Content, other: Content) -> None:
    """One that changed twice keeps only those of its oldest snippets, another one of the same
    transaction those it had.
    """
    other.embed()
    content.replace(a=["one"], b=["two"])
    content.embed()
    content.replace(a=["three", "four"])
    content.embed(1)
    assert content.answering() == ["one", "three", "two"]
    content.replace(a=["five"], b=["six"])
    assert content.answering() == ["one", "two"]
    old = content.transaction.embeddings.superseded(content.id, VectorKind.CODE)
    texts = {one.id: one.text for one in content.transaction.search.get_many(old)}
    assert old == sorted(old)
    assert [texts[one] for one in old] == ["one", "two"]
    content.embed()
    assert content.answering() == ["five", "six"]
    assert other.answering() == ["one", "three", "two"]


def test_each_kind_of_vector_keeps_its_searched_ones(content: Content) -> None:
    """A file that changed before one model had its last change keeps its oldest vectors of that
    model, and the newer ones of the other model.
    """
    content.replace(a=["one"])
    for kind in VectorKind:
        content.embed(kind=kind)
    content.replace(a=["three", "four"])
    content.embed(1)
    content.embed(kind=VectorKind.TEXT)
    assert content.answering() == ["one", "three"]
    assert content.answering(VectorKind.TEXT) == ["four", "three"]
    connection = content.transaction.connection
    shared = "UPDATE vectors SET embedding_id = (SELECT min(embedding_id) FROM vectors)"
    connection.exec_driver_sql(shared + " WHERE kind = 'text'")
    content.replace(a=["five"])
    assert content.answering() == ["one"]
    assert content.answering(VectorKind.TEXT) == ["four", "three"]
    assert unused(content.transaction) == (1, 0)


def test_vectors_of_another_model_replace_the_old(content: Content) -> None:
    """All live snippets become pending, in pieces and in order, each once."""
    content.replace(a=["one", "two"], b=["three"])
    snippets = content.transaction.snippets
    assert snippets.follow_model(content.id, CODE, "m") is None
    assert snippets.follow_model(content.id, ENRICH, "n") is None
    assert snippets.followed(content.id) == (None, "m", "n")
    content.embed()
    assert content.pending(CODE) == []
    assert snippets.follow_model(content.id, CODE, "m") is None
    assert content.pending(CODE) == []
    content.replace(b=["four"])
    assert snippets.follow_model(content.id, CODE, "newer") is None
    assert content.pending(CODE) == ["one", "two", "four"]
    assert content.pending(ENRICH) == ["one", "two", "four"]
    content.embed(limit=1, model="newer")
    models = content.transaction.endpoints.models_of([content.id, 9], VectorKind.CODE)
    assert (sorted(models[content.id]), models[9]) == (["m", "newer"], ())
    content.embed(model="newer")
    query = "SELECT DISTINCT model FROM vectors WHERE index_id = ?"
    assert rows(content.transaction, query, content.id) == [("newer",)]
    assert unused(content.transaction) == (3, 0)


def test_what_is_used_again_is_not_unused(content: Content, other: Content) -> None:
    """A result loses its mark with the first new user, and gets it with the loss of the last, even
    if several indexes share it.
    """
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
    """Neither in a vector nor in the log; their enrichments become unused."""
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
    change(transaction, followed, seqs[-1])
    assert transaction.embeddings.superseded(content.id, VectorKind.CODE) == [first.id]
    assert transaction.embeddings.superseded(content.id, VectorKind.TEXT) == []
    assert transaction.snippets.purge(content.id, 9) == 1
    assert content.in_state("superseded") == ["one"]
    content.embed()
    assert unused(transaction)[1] == 0
    assert transaction.snippets.purge(content.id, 9) == 1
    assert unused(transaction)[1] == 1
    assert other.in_state("live") == ["one", "three", "two"]


def test_deleted_snippets_are_hidden_from_a_search(content: Content, other: Content) -> None:
    """In the searched indexes, until they are removed; of a changed file the old snippets are
    distinguished from the new.
    """
    transaction = content.transaction
    content.replace(a=["one"], b=["two"])
    content.replace(a=None, b=["three"])
    other.replace(a=None)
    search = transaction.search
    everything = search.resolve(SearchFilter())
    assert everything.index_ids == {content.id, other.id}
    assert everything.hidden_file_ids == {content.versions["a"], other.versions["a"]}
    scope = search.resolve(SearchFilter(index_ids=(content.id,), kinds=(SymbolKind.METHOD,)))
    assert scope.hidden_file_ids == {content.versions["a"]}
    assert scope.index_ids == {content.id}
    assert scope.file_ids is None
    assert scope.kinds == (SymbolKind.METHOD,)
    [summary] = transaction.indexes.summarise([transaction.indexes.get(content.id)])
    assert (summary.files, summary.snippets) == (1, 1)
    [live] = transaction.snippets.pending(content.id, ENRICH, 9)
    assert (live.source, live.path, live.language, live.text) == (
        *("/content", "b", "python", "three"),
    )
    symbol = Symbol("name_b", SymbolKind.METHOD, "Scope")
    assert (live.start_line, live.end_line, live.defined_symbol) == (1, 1, symbol)
    [found] = search.find_many([live.id])
    assert (found.id, found.file_id, found.symbol) == (live.id, content.versions["b"], symbol)
    old = search.superseded(list(content.versions.values()))
    assert [one.text for one in search.get_many(sorted(old))] == ["two"]
    assert search.texts([live.id, *old, live.id + 99]) == {live.id: "three", min(old): "two"}
    transaction.indexes.mark_deleted(other.id, NOW)
    assert search.resolve(SearchFilter()).index_ids == {content.id}


def test_minor_symbols_are_kept_and_no_search_reads_them(content: Content) -> None:
    """Data that only look-ups by name need costs neither a search nor a later stage anything."""
    transaction = content.transaction
    drop = PlacedSymbol(Symbol("drop", SymbolKind.METHOD, "Store"), 1, 1)
    size = MinorSymbol(Symbol("size", SymbolKind.FIELD, "Store"), 1, 1)
    extents = (Extent(1, 1, 1),)
    snippet = Snippet("a", 1, 1, "python", None, "text", also_defines=(drop, size), extents=extents)
    sliced = SlicedFile("a", "python", (snippet,))
    file = ExtractedFile(content.files["a"], "1" * 40, "v1", sliced)
    transaction.snippets.replace(content.id, [file])
    [pending] = transaction.snippets.pending(content.id, ENRICH, 9)
    assert (pending.also_defines, pending.extents) == ((), ())
    [stored] = transaction.search.get_many([pending.id])
    assert [type(one) for one in stored.also_defines] == [PlacedSymbol, MinorSymbol]
    assert stored == replace(pending, also_defines=(drop, size), extents=extents)
    [change] = transaction.keyword_log.read(content.id, 9).changes
    assert change.snippet == replace(stored, extents=())
    [found] = transaction.search.find_many([stored.id])
    assert found.also_defines == (drop.symbol,)


def test_unused_results_are_removed_in_order(content: Content) -> None:
    """The oldest first, as many as requested but at least one; results that are used again stay,
    whatever their mark.
    """
    transaction = content.transaction
    unused_results, later = transaction.unused, NOW + timedelta(seconds=1)
    content.replace(a=["one"], b=["two"])
    content.embed()
    assert (unused_results.size(), unused_results.waiting(NOW)) == (0, False)
    content.replace(b=None)
    assert unused_results.size() == len(b"vector")
    assert unused_results.waiting(NOW)
    assert [unused_results.date(NOW), unused_results.date(later)] == [1, 0]
    assert not unused_results.waiting(NOW - timedelta(microseconds=1))
    assert unused_results.waiting(NOW)
    content.replace(a=None)
    assert unused_results.date(later) == 1
    assert unused_results.remove(NOW - timedelta(microseconds=1), 99) == (0, 0)
    assert unused_results.remove(None, 1) == (1, len(b"vector"))
    assert not unused_results.waiting(NOW)
    assert unused_results.waiting(later)
    content.replace(b=["three"])
    content.embed()
    marked = "UPDATE embeddings SET unused_since = 1, unused_bytes = 6"
    transaction.connection.exec_driver_sql(marked)
    unused_results.remove(later, 99)
    assert unused(transaction) == (0, 0)
    assert content.answering() == ["three"]
    assert rows(transaction, "SELECT count(*) FROM embeddings") == [(1,)]


def test_the_oldest_of_both_caches_goes_first(content: Content) -> None:
    """And a mark keeps its date, however often the result is released again."""
    transaction = content.transaction
    content.replace(a=["one", "two"])
    content.embed()
    [(first,), (second,)] = rows(transaction, "SELECT id FROM embeddings ORDER BY id")
    enriched = transaction.enrichments.add(content.id, {b"key": "text"})[b"key"]
    connection = transaction.connection
    connection.exec_driver_sql("DELETE FROM vectors")
    dated = "UPDATE {} SET unused_since = ?, unused_bytes = 6 WHERE id = ?"
    change(transaction, dated.format("embeddings"), 30, first)
    change(transaction, dated.format("enrichments"), 20, enriched)
    change(transaction, dated.format("embeddings"), 10, second)
    release(Driver(connection), EMBEDDINGS, [first, second])
    union = "SELECT unused_since FROM embeddings UNION SELECT unused_since FROM enrichments"
    left = f"{union} ORDER BY 1"
    for remaining in ([20, 30], [30], []):
        assert transaction.unused.remove(None, 1) == (1, 6)
        assert [row[0] for row in rows(transaction, left)] == remaining


def test_each_snippet_is_removed_from_the_keyword_index_once(content: Content) -> None:
    """However often its file changes before another engine has followed."""
    for text in ("one", "two", "three"):
        content.replace(a=[text])
    removed = "SELECT count(*) FROM keyword_changes WHERE op = ? GROUP BY snippet_id"
    assert rows(content.transaction, removed, KeywordOperation.REMOVE.value) == [(1,), (1,)]
