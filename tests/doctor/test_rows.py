"""The findings of the row checks, each by itself and on a few rows."""

from __future__ import annotations

import struct

import pytest
from tests.doctor.rows import ALL_CHECKS, Rows, repair

from kodit.infrastructure.doctor import checks
from kodit.infrastructure.doctor.checks import RowCheck, _count
from kodit.infrastructure.doctor.embeddings import EmbeddingExaminer

STRAY_SNIPPET = (
    "INSERT INTO snippets (index_id, version_id, state, start_line, end_line, language, scope, "
    "content_hash, enrichment_id, text) VALUES (2, 1, 'removed', 1, 2, '', '', '', {}, '')"
)
FIRST_SNIPPET_AGAIN = (
    "INSERT INTO snippets (index_id, version_id, state, start_line, end_line, language, scope, "
    "content_hash, enrichment_id, text, text_id) SELECT index_id, version_id, state, {line}, "
    "{line}, language, scope, content_hash, enrichment_id, text, text_id FROM snippets WHERE id = 1"
)
VECTOR = "INSERT INTO vectors SELECT index_id, kind, {}, {}, embedding_id, model, code FROM vectors"
OTHER_HASH = "files have snippets that do not match their content, and are not marked as stale"
NOTHING_EXTRACTED = "files have snippets although nothing was extracted from them"
TWICE = "files contain the same snippet twice"
STRAY = "snippets belong to a version of another index"
IDLE = "entries of unfinished work are for snippets that do not exist or are not current"
NO_CODE_VECTOR = "snippets have no code vector from the current model"
NO_TEXT_VECTOR = "snippets have no text vector from the current model"
NO_ENRICHMENT = "snippets have no enrichment"
OF_NO_SNIPPET = "vectors belong to snippets that do not exist"
OF_NO_EMBEDDING = "vectors refer to an embedding that does not exist"
USED = "embeddings are marked as unused but are in use"
WITHOUT_CONTENT = "files have contents that are not stored"
MARKED = "contents that it has brought are marked as unused but are in use"
LOST = "contents that it has brought belong to no index and are not marked as unused"
UNNOTED = "note is missing: it has contents of other indexes, or they have its own"
WITHOUT_PATH = "files have paths that are not stored"
WITHOUT_HISTORY = "files have a history that is not stored"
WITHOUT_TEXT = "files have snippets whose text is not stored"
UNUSED_TEXT = "stored texts are of no snippet"
UNUSED_PATH = "stored paths are of no file"
UNUSED_HISTORY = "stored histories are of no file"
OTHER_CODE = "vectors have a code that differs from that of their embedding"


def of_first(statement: str) -> str:
    """The statement for the first file of the first index."""
    return f"{statement} WHERE index_id = 1 AND path_id = 1"


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (["UPDATE versions SET content_hash = NULL WHERE id = 1"], {OTHER_HASH: 1}),
        ([of_first("UPDATE files SET version_id = NULL")], {OTHER_HASH: 1}),
        ([of_first("UPDATE files SET status = 'd'")], {OTHER_HASH: 1}),
        (
            [
                of_first("UPDATE files SET status = 'd'"),
                "UPDATE versions SET content_hash = NULL WHERE id = 1",
            ],
            {NOTHING_EXTRACTED: 1},
        ),
        (
            [
                FIRST_SNIPPET_AGAIN.format(line=1),
                VECTOR.format(7, "version_id") + " WHERE snippet_id = 1",
            ],
            {TWICE: 1},
        ),
        ([STRAY_SNIPPET.format("NULL")], {STRAY: 1}),
        (["UPDATE snippets SET text_id = 99 WHERE id = 1"], {WITHOUT_TEXT: 1, UNUSED_TEXT: 1}),
        (["INSERT INTO snippet_texts (key, text) VALUES (x'01', 'x')"], {UNUSED_TEXT: 1}),
        (["INSERT INTO pending_snippets VALUES (1, 'ENRICH', 99)"], {IDLE: 1}),
        (["INSERT INTO pending_snippets VALUES (2, 'ENRICH', 1)"], {IDLE: 1}),
        (
            [
                "UPDATE snippets SET state = 'superseded' WHERE id = 1",
                "INSERT INTO pending_snippets VALUES (1, 'ENRICH', 1)",
            ],
            {IDLE: 1},
        ),
        (["UPDATE vectors SET model = 'n' WHERE kind = 'code'"], {NO_CODE_VECTOR: 3}),
        (["DELETE FROM vectors WHERE kind = 'text' AND index_id = 1"], {NO_TEXT_VECTOR: 3}),
        (
            [  # which another stage has still to do with them is no excuse
                "UPDATE vectors SET model = 'n' WHERE kind = 'code' AND snippet_id = 1",
                "INSERT INTO pending_snippets VALUES (1, 'ENRICH', 1)",
            ],
            {NO_CODE_VECTOR: 1},
        ),
        (
            ["UPDATE snippets SET enrichment_id = NULL WHERE id = 1"],
            {NO_ENRICHMENT: 1, "enrichments are unused but not marked as unused": 1},
        ),
        ([VECTOR.format(99, "version_id") + " WHERE snippet_id = 1"], {OF_NO_SNIPPET: 2}),
        (["UPDATE vectors SET version_id = 2 WHERE snippet_id = 1"], {OF_NO_SNIPPET: 2}),
        (
            ["UPDATE snippets SET state = 'removed' WHERE id = 1"],
            {OF_NO_SNIPPET: 2},
        ),
        (["UPDATE vectors SET code = x'00' WHERE snippet_id = 1"], {OTHER_CODE: 2}),
        (
            ["UPDATE embeddings SET unused_since = 0 WHERE id = 1"],
            {"embeddings are marked as unused but are in use": 1},
        ),
        ([of_first("UPDATE files SET version_id = 99")], {WITHOUT_CONTENT: 1}),
        (["UPDATE versions SET unused_since = 1 WHERE id = 1"], {MARKED: 1}),
        (["INSERT INTO versions (index_id, path, content_key) VALUES (1, 'x', x'01')"], {LOST: 1}),
        (
            [
                "INSERT INTO versions (index_id, path, content_hash) VALUES (2, 'x', 'x')",
                of_first("UPDATE files SET version_id = (SELECT max(id) FROM versions)"),
                "UPDATE versions SET unused_since = 0 WHERE id = 1",
            ],
            {UNNOTED: 1},
        ),
        (["INSERT INTO paths (path) VALUES ('lost')"], {UNUSED_PATH: 1}),
        (["INSERT INTO file_histories VALUES (1, 1, 'ada', 1, 1)"], {UNUSED_HISTORY: 1}),
        (
            [
                "INSERT INTO file_histories VALUES (1, 1, 'ada', 1, 1), (1, 2, 'ben', 1, 1)",
                "UPDATE files SET history = index_id WHERE path_id = 1",
                "UPDATE files SET history = 0 WHERE path_id = 2",
                "DELETE FROM file_histories WHERE number = 1",
            ],
            {WITHOUT_HISTORY: 1},
        ),
        (["DELETE FROM paths WHERE id = 1"], {WITHOUT_PATH: 1}),
    ],
)
def test_wrong_rows_are_counted_and_repaired(
    rows: Rows, damage: list[str], found: dict[str, int]
) -> None:
    """By their own check and no other; and the repair breaks nothing else."""
    rows.sql(*damage)
    assert rows.found() == found
    rows.repair()
    assert rows.found() == {}


@pytest.mark.parametrize(
    "change",
    [
        ["INSERT INTO pending_snippets VALUES (1, 'ENRICH', 1)"],
        ["UPDATE snippets SET state = 'superseded' WHERE id = 1"],  # its vectors still answer
        ["INSERT INTO stale_files SELECT index_id, path_id, 'x' FROM files"],
        [
            of_first("UPDATE files SET status = 'd'"),
            "UPDATE versions SET content_hash = NULL WHERE id = 1",
            "UPDATE snippets SET state = 'removed' WHERE version_id = 1",
            "DELETE FROM vectors WHERE version_id = 1",
            "DELETE FROM embeddings WHERE id NOT IN (SELECT embedding_id FROM vectors)",
        ],
        [  # the same lines once more below each other
            FIRST_SNIPPET_AGAIN.format(line=7),
            VECTOR.format(7, "version_id") + " WHERE snippet_id = 1",
        ],
        [
            "DELETE FROM vectors WHERE snippet_id = 1",
            "DELETE FROM embeddings WHERE id NOT IN (SELECT embedding_id FROM vectors)",
            "INSERT INTO pending_snippets VALUES (1, 'ENRICH', 1), (1, 'CODE_EMBEDDINGS', 1)",
        ],
        [  # a model had no usable answer
            "DELETE FROM vectors WHERE snippet_id = 1 AND kind = 'text'",
            "UPDATE snippets SET enrichment_id = NULL WHERE id = 1",
            "DELETE FROM embeddings WHERE id NOT IN (SELECT embedding_id FROM vectors)",
            "DELETE FROM enrichments WHERE id NOT IN (SELECT enrichment_id FROM snippets "
            "WHERE enrichment_id IS NOT NULL)",
            "INSERT INTO refused_snippets VALUES (1, 1, 'the model refused')",
        ],
        [  # nothing is done any more with an index that is being deleted
            "UPDATE versions SET content_hash = NULL",
            "DELETE FROM vectors",
            "DELETE FROM embeddings",
            "UPDATE snippets SET enrichment_id = NULL",
            "DELETE FROM enrichments",
            "UPDATE indexes SET deleted_at = id",
        ],
    ],
)
def test_what_is_as_it_should_be_is_left_alone(rows: Rows, change: list[str]) -> None:
    rows.sql(*change)
    assert rows.found() == {}


def test_files_that_are_extracted_again_are_compared_again(rows: Rows) -> None:
    """A scan that finds the commit unchanged compares none, and the wrong one could stay."""
    rows.sql("UPDATE versions SET content_hash = NULL WHERE id = 1")
    [problem] = rows.problems()
    assert (problem.index_id, problem.refresh) == (1, frozenset([1]))
    rows.repair()
    assert rows.sql("SELECT index_id, path_id FROM stale_files") == [(1, 1)]
    assert rows.sql("SELECT commit_id FROM indexes ORDER BY id") == [(None,), ("c",)]


def test_only_what_a_stage_has_to_do_again_is_a_reason_to_index(rows: Rows) -> None:
    rows.sql("INSERT INTO pending_snippets VALUES (1, 'ENRICH', 99)", "DELETE FROM vectors")
    refreshed = {problem.what.partition(" ")[2]: problem.refresh for problem in rows.problems()}
    assert refreshed[IDLE] == frozenset()
    assert refreshed[NO_CODE_VECTOR] == refreshed[NO_TEXT_VECTOR] == frozenset([2])


def test_rows_are_repaired_a_few_at_a_time(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many they are, to the last."""
    monkeypatch.setattr(checks, "ROWS_PER_TRANSACTION", 1)
    rows.sql("UPDATE vectors SET code = x'00'", "UPDATE versions SET content_hash = NULL")
    rows.repair()
    assert rows.found() == {}


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE vectors SET code = x'00'",
        "UPDATE vectors SET model = 'n'",
        "UPDATE vectors SET version_id = version_id + 50",
        "UPDATE vectors SET embedding_id = embedding_id + 50",
        "DELETE FROM vectors",
        "UPDATE versions SET content_hash = NULL",
        "UPDATE versions SET unused_since = 1",
        "UPDATE files SET version_id = version_id + 50",
        "UPDATE snippets SET enrichment_id = NULL",
        "UPDATE embeddings SET unused_since = 0",
        "INSERT INTO paths (path) VALUES ('lost'), ('gone')",
        "INSERT INTO pending_snippets VALUES (1, 'ENRICH', 98), (1, 'ENRICH', 99)",
        "INSERT INTO file_histories VALUES (1, 1, 'ada', 1, 1), (2, 1, 'ben', 1, 1)",
        "DELETE FROM paths",
    ],
)
def test_no_transaction_repairs_more_rows_than_it_may(rows: Rows, damage: str) -> None:
    """Of those that are wrong by one check; what it repairs it counts."""
    rows.sql("PRAGMA foreign_keys = OFF", damage)
    counted = 0
    for check in ALL_CHECKS:
        with rows.database.write() as transaction:

            def wrong(check: RowCheck = check) -> int:
                return sum(count for _, count in _count(transaction.connection, check.broken))

            before = wrong()
            repaired = check.repair(transaction.connection, 1)
            assert repaired == min(before, 1), check.what
            assert before - wrong() <= 1, check.what
            counted += before > 1
    assert counted


def test_results_of_a_removed_row_are_marked_as_unused(rows: Rows) -> None:
    """Otherwise they would be kept for ever; another check finds that later."""
    rows.sql(
        "INSERT INTO enrichments (id, index_id, key, text) VALUES (77, 1, 'k', 'of a stray')",
        STRAY_SNIPPET.format(77),
        "UPDATE vectors SET version_id = 2 WHERE snippet_id = 1",
    )
    for problem in rows.problems():
        repair(problem)
    assert rows.found().keys() == {NO_CODE_VECTOR, NO_TEXT_VECTOR} & rows.found().keys()
    assert rows.sql("SELECT unused_since FROM enrichments WHERE id = 77") == [(0,)]
    assert rows.sql(
        "SELECT DISTINCT unused_since FROM embeddings "
        "WHERE id NOT IN (SELECT embedding_id FROM vectors)"
    ) == [(0,)]


def _packed(*values: int) -> tuple[bytes, bytes]:
    """The code of eight signed bytes, and their vector, of scale 1."""
    bits = sum((value > 0) << (7 - place) for place, value in enumerate(values))
    return bytes([bits]), struct.pack("<8bf", *values, 1.0)


ODD = (1, -1) * 4
NEARLY_ZERO = (-1, -1, -1, -1, -1, -1, 0, 0)


@pytest.mark.parametrize(
    ("code", "vector", "is_right"),
    [
        (*_packed(1, -1, 127, -128, 3, -3, 0, 0), True),
        (b"\x03", _packed(*NEARLY_ZERO)[1], True),  # what was rounded to zero has either sign
        (b"\x04", _packed(*NEARLY_ZERO)[1], False),
        (b"\xff", _packed(1, 1, 1, 1, 1, 1, 1, -1)[1], False),
        (b"\xaa\xaa", _packed(*ODD)[1], False),
        (b"", bytes(4), False),
        (b"", b"", False),
    ],
)
def test_a_code_is_that_of_its_vector(
    rows: Rows, code: bytes, vector: bytes, *, is_right: bool
) -> None:
    """Otherwise both are computed again for their users."""
    rows.store(*_packed(*ODD), 2, 99)
    rows.store(code, vector, 1, 1)
    problems = EmbeddingExaminer(rows.database).examine()
    if is_right:
        assert problems == []
        return
    [problem] = problems
    users = {row[0] for row in rows.sql("SELECT index_id FROM vectors WHERE embedding_id = 1")}
    assert problem.refresh == users
    assert users
    repair(problem)
    assert rows.sql("SELECT 1 FROM embeddings WHERE id = 1") == []
    assert rows.sql("SELECT 1 FROM vectors WHERE embedding_id = 1") == []
    assert EmbeddingExaminer(rows.database).examine() == []
