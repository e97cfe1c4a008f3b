"""The status of files after a scan, folded changes of the log, and inputs of models."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from typing import Any

import pytest

from kodit.domain.embedding import cache_key
from kodit.domain.entities import IndexedFile, IndexSummary, StoredSnippet
from kodit.domain.index import Index, WorkingCopy
from kodit.domain.keyword import KeywordChange, KeywordLog, KeywordOperation, KeywordPosition
from kodit.domain.services.bm25_service import BM25DomainService
from kodit.domain.services.embedding_service import EmbeddingDomainService
from kodit.domain.services.enrichment_service import EnrichmentDomainService
from kodit.domain.services.index_service import IndexDomainService
from kodit.domain.source import FileProcessingStatus as Status
from kodit.domain.source import FileStamp, ScannedFile
from kodit.domain.value_objects import Source, SourceKind

STAMP = FileStamp(7, 1, 2, 3)
KNOWN = IndexedFile(
    id=4,
    path="a.py",
    content_hash="old",
    status=Status.CLEAN,
    extracted_hash="old",
    extractor_version="v",
    problem="p",
)
SNIPPET = StoredSnippet(
    1, 2, 3, "/source", "a.py", 1, 2, "python", "swing", "method", "Lantern", "text"
)


def test_a_file_that_was_not_known_is_added() -> None:
    found = IndexDomainService().found(ScannedFile("a.py", "new", STAMP), None)
    assert found == IndexedFile(0, "a.py", "new", Status.ADDED, stamp=STAMP.stored)


@pytest.mark.parametrize(
    ("before", "content", "after"),
    [
        (Status.CLEAN, "old", Status.CLEAN),
        (Status.CLEAN, "new", Status.MODIFIED),
        (Status.ADDED, "old", Status.ADDED),
        (Status.ADDED, "new", Status.ADDED),
        (Status.MODIFIED, "old", Status.MODIFIED),
        (Status.MODIFIED, "new", Status.MODIFIED),
        (Status.DELETED, "old", Status.MODIFIED),
        (Status.DELETED, "new", Status.MODIFIED),
    ],
)
def test_a_file_that_was_known_keeps_what_is_left_to_do(
    before: Status, content: str, after: Status
) -> None:
    """Until its index is complete; the hash of what was extracted is kept."""
    known = replace(KNOWN, status=before)
    found = IndexDomainService().found(ScannedFile("a.py", content, STAMP), known)
    assert found == replace(known, content_hash=content, status=after, stamp=STAMP.stored)


def test_a_file_that_is_gone_is_forgotten_where_nothing_was_made_of_it() -> None:
    assert IndexDomainService().gone(KNOWN) == replace(KNOWN, status=Status.DELETED)
    assert IndexDomainService().gone(replace(KNOWN, extracted_hash=None)) is None


def test_what_was_left_out_is_added_up() -> None:
    """By the scan and by the reading, by reason, in the order of the reasons."""
    copy = WorkingCopy(skipped={"too large": 1, "binary": 2})
    created_at = datetime(2026, 1, 1, tzinfo=UTC)
    index = Index(1, Source(SourceKind.FOLDER, "/a"), copy, created_at)
    summary = IndexSummary(index, 1, 1, left_out={"empty": 4, "binary": 3})
    assert list(summary.skipped.items()) == [("binary", 5), ("empty", 4), ("too large", 1)]
    many = IndexSummary(index, 1, 1, left_out=dict.fromkeys("hgfedcba", 1))
    assert list(many.skipped) == [*"ab", "binary", *"cdefgh", "too large"]


def test_changes_of_the_log_are_folded() -> None:
    """First removals, then additions that still exist, up to the last entry."""
    changes = [
        KeywordChange(5, 1, KeywordOperation.ADD, SNIPPET, token=50),
        KeywordChange(6, 8, KeywordOperation.ADD, token=50),
        KeywordChange(7, 8, KeywordOperation.REMOVE, token=70),
        KeywordChange(9, 4, KeywordOperation.REMOVE, token=70),
    ]
    before = KeywordPosition("log", 4, 40)
    batch = BM25DomainService().fold(2, KeywordLog("log", before, changes))
    assert batch.reached == ("log", 9, 70)
    assert (batch.index_id, batch.seq) == (2, 9)
    assert (list(batch.deletions), list(batch.additions)) == ([8, 4], [SNIPPET])

    for position, may in (
        (before, True),
        (KeywordPosition("log", 6, 50), True),  # in the middle: it may be applied again
        (KeywordPosition("log", 6, 51), False),  # a number that was given out again
        (KeywordPosition("log", 12, 70), False),
        (KeywordPosition("other", 4, 40), False),
        (None, False),
    ):
        assert batch.continues(position) == may, position
    first = BM25DomainService().fold(2, KeywordLog("log", None, changes))
    assert first.continues(None)
    assert first.continues(KeywordPosition("other", 4, 40))
    assert not first.continues(before)


def test_nothing_is_asked_of_a_model_twice() -> None:
    """Cached and repeated texts are left out."""
    service = EmbeddingDomainService()
    texts = ["one", "two", "one", "three"]
    keys = service.keys("model", texts)
    assert keys == [cache_key("model", text) for text in texts]
    assert service.missing(keys, texts, {keys[1]}) == {keys[0]: "one", keys[3]: "three"}


def test_a_cache_entry_is_that_of_one_model_and_one_text() -> None:
    """Sixteen bytes, which differ with any input, and with the boundary between inputs."""
    keys = {cache_key(model, text) for model in ("a", "ab") for text in ("", "b", "bc", "\ud800")}
    assert len(keys) == 8
    assert {len(key) for key in keys} == {16}


def test_the_local_keys_of_a_file_are_neighbours() -> None:
    """So that the snippets of one file change few pages of the index of keys."""
    texts = [f"{path}\n{text}" for text in ("x", "y\n", "") for path in ("a.py", "b.py", "\ud800")]
    keys = EmbeddingDomainService().local_keys("model", texts)
    assert [key[2:] for key in keys] == [cache_key("model", text) for text in texts]
    in_order = [path for _key, path in sorted(zip(keys, ["a", "b", "c"] * 3, strict=True))]
    assert [path for path, _same in groupby(in_order)] == sorted(
        ["a", "b", "c"], key=in_order.index
    )
    assert {len(key) for key in keys} == {18}


@pytest.mark.parametrize(
    "change",
    [{"language": "go"}, {"scope": "Lamp"}, {"symbol": "x"}, {"symbol": None}, {"text": "other"}],
)
def test_an_enrichment_is_that_of_all_that_is_read(change: dict[str, Any]) -> None:
    """Not of the path, unless that is in the enrichment; of the kind, if it is made here."""
    service = EnrichmentDomainService()
    keys = (
        partial(service.key, "m", is_local=True),
        partial(service.key, "m", is_local=False),
        partial(service.key_at_path, "m"),
    )
    changed = replace(SNIPPET, **change)
    assert [key(changed) != key(SNIPPET) for key in keys] == [True] * 3
    moved = replace(SNIPPET, path="b.py", id=9, start_line=7)
    assert [key(moved) != key(SNIPPET) for key in keys] == [False, False, True]
    other = replace(SNIPPET, kind="function")
    assert [key(other) != key(SNIPPET) for key in keys] == [True, False, False]
    for one, two in (
        (replace(SNIPPET, scope="ab", symbol="c"), replace(SNIPPET, scope="a", symbol="bc")),
        (replace(SNIPPET, symbol="ab", text="c"), replace(SNIPPET, symbol="a", text="bc")),
    ):
        assert [key(one) != key(two) for key in keys] == [True] * 3


def test_the_words_of_a_path_precede_what_is_embedded() -> None:
    """If anything is left of it, and without extensions."""
    service = EnrichmentDomainService()
    placed = replace(SNIPPET, path="web/httpServer/session_store.py")
    assert service.text(placed, "about", with_name=True) == "session store\nabout"
    assert service.text(placed, "about", with_name=False) == "about"
    assert service.text(placed, "", with_name=True) == "session store"
    assert service.text(replace(SNIPPET, path="+.py"), "about", with_name=True) == "about"


def test_a_mark_differs_with_every_part_of_a_stamp() -> None:
    """Also if both times move by as much; and any stamp's fits into 32 bits."""
    moment = 1_790_000_000_000_000_000
    stamps = [
        FileStamp(1, moment + mtime, moment + ctime, inode)
        for mtime in (0, 1, 4_000_000, 1_000_000_000, 2**48)
        for ctime in (0, 1, 4_000_000, 1_000_000_000, 2**48)
        for inode in (1, 2, 2**32, 2**64 - 1)
    ]
    assert len({one.stored for one in stamps}) == len(stamps)
    assert {one.stored.size for one in stamps} == {1}
    assert max(abs(one.stored.mark) for one in stamps) > 2**24
    for extreme in (*stamps, FileStamp(1, -(2**70), 2**70, 2**64 - 1)):
        assert -(2**31) <= extreme.stored.mark < 2**31
    assert FileStamp(5).stored == (5, 0)
