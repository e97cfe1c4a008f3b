"""Commits of the keyword index that the stage of one index makes for others too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.indexing.one_stage import Place, scanned
from tests.queue.databases import sqlite_database

from kodit.application.services import keyword_stage
from kodit.domain.batches import Weight
from kodit.domain.value_objects import QueuePriority, Scan, TaskType


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr(keyword_stage, "CHANGES_PER_BATCH", 2)
    with sqlite_database(tmp_path) as database:
        yield Place(database)


def logged(place: Place, location: str) -> int:
    """Another index, with its snippets in the log; returns its identifier."""
    index_id = place.another(location)
    place.do(TaskType.SYNC)
    place.do(TaskType.EXTRACT)
    return index_id


def test_small_indexes_share_a_commit_of_the_keyword_index(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is acknowledged, and counted with its own run; its stage finds nothing left."""
    monkeypatch.setattr(keyword_stage, "CHANGES_PER_BATCH", 99)
    other, small, mine = (logged(place, f"https://x/{name}") for name in "abc")
    run = place.under_way(other)
    place.do(TaskType.BM25_INDEX)
    assert place.keywords.commits == 1
    assert [one.index_id for one in place.keywords.batches] == [mine, other, small]
    assert sorted(place.keywords.held.values()) == sorted(place.texts())
    assert place.sql("SELECT count(*) FROM keyword_changes") == [(0,)]
    assert place.stored.work == {"keywords_indexed": 5}
    assert place.work_of(run, TaskType.BM25_INDEX) == {"keywords_indexed": 5}
    place.index_id = small
    place.do(TaskType.BM25_INDEX)
    assert place.keywords.commits == 1


def test_only_whole_logs_share_a_commit(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that fit beside the changes of the index itself, which come first."""
    monkeypatch.setattr(keyword_stage, "CHANGES_PER_BATCH", 99)
    monkeypatch.setattr(keyword_stage, "CHANGES_PER_GROUP", 14)
    first, second, mine = (logged(place, f"https://x/{name}") for name in "abc")
    place.do(TaskType.BM25_INDEX)
    assert [one.index_id for one in place.keywords.batches] == [mine, first]
    place.index_id = second
    place.do(TaskType.BM25_INDEX)
    assert [one.index_id for one in place.keywords.batches] == [mine, first, second]


def test_a_second_attempt_keeps_to_its_own_log(place: Place) -> None:
    """What broke the first may have been of another index."""
    logged(place, "https://x/a")
    mine = logged(place, "https://x/b")
    place.do(TaskType.BM25_INDEX, attempts=2)
    assert {one.index_id for one in place.keywords.batches} == {mine}


def test_a_commit_is_shared_up_to_its_size(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyword_stage, "MOST_PER_READ", Weight(99, 1))
    logged(place, "https://x/a")
    mine = logged(place, "https://x/b")
    place.do(TaskType.BM25_INDEX)
    assert {one.index_id for one in place.keywords.batches} == {mine}


def test_an_index_that_is_refused_beside_another_waits_for_its_stage(place: Place) -> None:
    lost = logged(place, "https://x/a")
    place.do(TaskType.BM25_INDEX)
    place.source.commit, place.source.found = "c2", Scan(scanned("a.py", content="1"), (), 4, {})
    place.do(TaskType.SYNC)
    place.do(TaskType.EXTRACT)
    place.keywords.at.pop(lost)
    mine = logged(place, "https://x/b")
    place.do(TaskType.BM25_INDEX)
    assert place.keywords.at.keys() == {mine}
    waiting = "SELECT index_id, count(*) FROM keyword_changes GROUP BY index_id"
    assert place.sql(waiting) == [(lost, 2)]
    place.index_id = lost
    place.do(TaskType.BM25_INDEX)
    assert place.keywords.at.keys() == {mine, lost}
    assert place.sql(waiting) == []


def test_a_user_waits_for_no_index_that_none_asked_for(place: Place) -> None:
    """A run of the background does the work of all."""
    asked, scheduled, mine = (logged(place, f"https://x/{name}") for name in "abc")
    place.under_way(asked, QueuePriority.USER_INITIATED)
    place.under_way(scheduled)
    place.priority = QueuePriority.USER_INITIATED
    place.do(TaskType.BM25_INDEX)
    assert {one.index_id for one in place.keywords.batches} == {mine, asked}
