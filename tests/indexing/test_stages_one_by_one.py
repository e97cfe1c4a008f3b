"""Each stage of indexing by itself: what it stores, in which pieces, and what it asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

import pytest
from tests.database.content import NOW
from tests.indexing.one_stage import ADA, NAMES, Place, scanned
from tests.queue.databases import sqlite_database
from tests.support.files import of_files

from kodit.application.services import code_indexing_application_service as stages
from kodit.application.services import keyword_stage
from kodit.application.services.stage import Stage, StageOutcome
from kodit.domain.entities import IndexRun, ProgressTracker, Task
from kodit.domain.errors import SourceError, TaskCancelled
from kodit.domain.keyword import KeywordBatch
from kodit.domain.ports.index_files import Extraction
from kodit.domain.source import SourceHistory
from kodit.domain.value_objects import (
    QueuePriority,
    Scan,
    TaskOperation,
    TaskProgress,
    TaskType,
    VectorKind,
)

pytestmark = pytest.mark.every_store


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr(keyword_stage, "CHANGES_PER_BATCH", 2)
    for name in ("FILES_PER_SCAN_BATCH", "ROWS_PER_PURGE"):
        monkeypatch.setattr(stages, name, 2)
    with sqlite_database(tmp_path) as database:
        yield Place(database)


def test_a_scan_is_stored_in_pieces(place: Place) -> None:
    """What is shown begins with what is unchanged, and ends with everything."""
    place.source.found = Scan(scanned(*NAMES), ("old.py",), 4, {"binary": 2}, "c1", 77)
    assert not place.do(TaskType.SYNC).nothing_to_do
    assert place.files() == [(name, "added", 1) for name in NAMES]
    copy = place.index().working_copy
    assert (copy.commit, copy.scanned_at_ns, copy.skipped) == ("c1", 77, {"binary": 2})
    shown = [one[1:3] for one in place.shown if one[0] == "REFRESH_WORKING_COPY"]
    assert (3, 9) in shown
    stored = [current for current, total in shown if total == 10]
    assert sorted(set(stored)) == [3, 4, 5, 7, 9, 10]
    assert stored[-1] == 10


def test_a_commit_that_is_known_is_not_read_again(place: Place) -> None:
    """A folder has none, and is always compared."""
    place.do_all()
    assert place.do(TaskType.SYNC).nothing_to_do
    assert len(place.source.scans) == 1
    assert place.shown[-1][3] == "skipped"
    assert place.index().working_copy.skipped == {"binary": 2}
    place.source.commit, place.source.found = "c2", Scan((), (), 5, {}, "c2", 78)
    assert place.do(TaskType.SYNC).nothing_to_do
    assert place.index().working_copy.commit == "c2"
    assert place.source.scans[1].keys() == set(NAMES)
    place.source.commit, place.source.found = None, Scan((), (), 5)
    place.do(TaskType.SYNC)
    place.do(TaskType.SYNC)
    assert len(place.source.scans) == 4


def test_there_is_something_to_do_where_searches_are_not_prepared(place: Place) -> None:
    place.do_all()
    place.vectors.prepared = {VectorKind.CODE}
    assert not place.do(TaskType.SYNC).nothing_to_do


def test_files_that_are_gone(place: Place) -> None:
    """What nothing was extracted from is forgotten at once; the others have snippets to go."""
    place.source.found = Scan(scanned(*NAMES[:2]), (), 0, {}, "c1", 77)
    place.do_all()
    place.source.commit = "c2"
    place.source.found = Scan(scanned("new.py"), (), 2, {}, "c2", 78)
    place.do(TaskType.SYNC)
    place.source.commit = "c3"
    gone = ("a.py", "b.py", "new.py")
    place.source.found = Scan(scanned("d.py"), gone, 0, {}, "c3", 79)
    place.do(TaskType.SYNC)
    assert place.files() == [("a.py", "deleted", 1), ("b.py", "deleted", 1), ("d.py", "added", 1)]
    for stage in list(TaskType)[1:]:
        place.do(stage)
    assert place.files() == [("d.py", "clean", 0)]
    assert place.texts() == ["d.py 0"]
    assert list(place.keywords.held.values()) == ["d.py 0"]
    assert place.sql("SELECT count(*) FROM snippets") == [(1,)]


def test_what_a_scan_has_made_goes_with_an_index_that_is_deleted(place: Place) -> None:
    """Meanwhile; after an error that has another cause, it stays."""

    def fail() -> None:
        raise SourceError("the source is gone")

    def delete() -> None:
        place.sql("UPDATE indexes SET deleted_at = 5")
        fail()

    place.source.before_scan = fail
    with pytest.raises(SourceError, match="the source is gone"):
        place.do(TaskType.SYNC)
    assert place.source.discarded == []
    place.source.before_scan = delete
    with pytest.raises(SourceError, match="the source is gone"):
        place.do(TaskType.SYNC)
    assert place.source.discarded == [place.index_id]


def test_what_the_history_says(place: Place) -> None:
    """It is asked for what no earlier answer told, and one that is whole tells of all files."""
    place.source.told = SourceHistory("m1", dict.fromkeys(NAMES[:3], ADA))
    place.do(TaskType.SYNC)
    assert place.index().working_copy.history_commit == "m1"

    def authors() -> list[str | None]:
        return [row[0] for row in place.sql(of_files("SELECT author FROM FILES ORDER BY path"))]

    ada, grace, none_known, nobody = "Ada <ada@x>", "Grace <ada@x>", None, ""
    assert authors() == [ada, ada, ada, none_known, none_known]
    later = {"a.py": ADA._replace(author_name="Grace", changed_at=9)}
    place.source.told = SourceHistory("m2", {"d.py": ADA}, later)
    place.do(TaskType.SYNC)
    assert place.source.asked_history == [("c1", list(NAMES)), ("c1", list(NAMES[3:]))]
    assert authors() == [grace, ada, ada, ada, none_known]
    place.source.told = SourceHistory("m3", {"a.py": ADA}, is_whole=True)
    place.do(TaskType.SYNC)
    assert authors() == [ada, nobody, nobody, nobody, nobody]
    place.source.told = None
    place.do(TaskType.SYNC)
    assert place.source.asked_history[-1] == ("c1", [])
    assert place.index().working_copy.history_commit == "m3"


@pytest.mark.parametrize(("files", "later"), [(0, 1), (3, 0), (2, 3), (3, 2), (1, 4), (4, 4)])
@pytest.mark.parametrize("size", [1, 2, 3, 9])
def test_only_the_last_part_of_a_history_says_up_to_where_it_goes(
    files: int, later: int, size: int
) -> None:
    """What replaces comes before what is added, and everything comes once."""
    whole = SourceHistory(
        "m",
        {f"file {number}": ADA for number in range(files)},
        {f"later {number}": ADA for number in range(later)},
    )
    parts = list(stages._parts(whole, size))
    assert [part.mark for part in parts] == [None] * (len(parts) - 1) + ["m"]
    assert all(len(part.files) + len(part.later) == size for part in parts[:-1])
    assert [path for part in parts for path in part.files] == list(whole.files)
    assert [path for part in parts for path in part.later] == list(whole.later)


def test_files_that_a_former_extractor_has_read(place: Place) -> None:
    """All of them, however many pieces that takes; and no others."""
    place.do_all()
    place.sql("UPDATE versions SET extractor_version = 'v0' WHERE path <> 'c.py'")
    place.source.outdated = {Extraction("python", "v0")}
    assert not place.do(TaskType.SYNC).nothing_to_do
    assert place.files() == [(name, "clean", int(name != "c.py")) for name in NAMES]


def test_extraction_counts_what_it_stores(place: Place) -> None:
    """Whatever a reader hands over at once."""
    place.source.at_once = 3
    place.do(TaskType.SYNC)
    place.do(TaskType.EXTRACT)
    assert place.texts() == [f"{name} 0" for name in NAMES]
    shown = [one[1:3] for one in place.shown if one[0] == "EXTRACT_SNIPPETS"]
    assert {total for _current, total in shown[1:]} == {5}
    assert list(dict.fromkeys(current for current, _total in shown)) == [0, 1, 3, 4, 5]
    assert place.stored.work == {
        "files_parsed": 5,
        "files_reused": 0,
        "snippets_written": 5,
        "snippets_removed": 0,
    }
    assert place.stored.progress == TaskProgress("EXTRACT_SNIPPETS", 5, 5)

    place.source.commit = "c2"
    changed = scanned("a.py", content="1")
    place.source.found = Scan(changed, ("b.py", "c.py"), 2, {}, "c2", 78)
    place.do(TaskType.SYNC)
    place.do(TaskType.EXTRACT)
    assert place.texts() == ["a.py 1", "d.py 0", "e.py 0"]
    assert place.stored.work == {
        "files_parsed": 1,
        "files_reused": 0,
        "snippets_written": 1,
        "snippets_removed": 3,
    }
    assert place.index().working_copy.skipped == {}


def test_files_that_have_vanished_since_the_scan(place: Place) -> None:
    """Those of all batches are counted, beside what the scan has left out; files that it found to
    be gone are not."""
    place.do_all()
    place.source.commit, place.source.at_once = "c2", 1
    changed = scanned("a.py", "b.py", "c.py", content="1")
    place.source.found = Scan(changed, ("d.py",), 1, {"binary": 3}, "c2", 78)
    place.source.vanished = {"a.py", "b.py"}
    place.do(TaskType.SYNC)
    place.do(TaskType.EXTRACT)
    assert place.index().working_copy.skipped == {"binary": 3, "vanished": 2}
    assert place.texts() == ["c.py 1", "e.py 0"]


def test_the_keyword_index_follows_in_batches(place: Place) -> None:
    """And all that is logged is acknowledged and counted."""
    place.do(TaskType.SYNC)
    place.do(TaskType.EXTRACT)
    place.keywords.batches.clear()
    place.do(TaskType.BM25_INDEX)
    assert sorted(place.keywords.held.values()) == place.texts()
    assert place.sql("SELECT count(*) FROM keyword_changes") == [(0,)]
    assert len(place.keywords.batches) == 3
    shown = [one[1:3] for one in place.shown if one[0] == "CREATE_BM25_INDEX"]
    assert list(dict.fromkeys(shown[1:])) == [(0, 5), (2, 5), (4, 5), (5, 5)]
    assert place.stored.work == {"keywords_indexed": 5}
    place.do(TaskType.BM25_INDEX)
    assert len(place.keywords.batches) == 3


@pytest.mark.parametrize("stage", [TaskType.SYNC, TaskType.BM25_INDEX])
def test_a_keyword_index_that_was_lost_is_filled_again(place: Place, stage: TaskType) -> None:
    """By the stage that follows the log, and one that finds out earlier has it all logged."""
    place.do_all()
    place.keywords.at.clear()
    place.keywords.held.clear()
    place.do(stage)
    if stage is TaskType.SYNC:
        assert place.sql("SELECT count(*) FROM keyword_changes") == [(5,)]
        place.do(TaskType.BM25_INDEX)
    assert sorted(place.keywords.held.values()) == place.texts()
    assert place.sql("SELECT count(*) FROM keyword_changes") == [(0,)]


def test_a_keyword_index_that_is_lost_meanwhile(place: Place) -> None:
    """It refuses what does not continue what it holds, and is given everything."""
    place.do(TaskType.SYNC)
    place.do(TaskType.EXTRACT)
    apply = place.keywords.apply

    async def lose(batches: Sequence[KeywordBatch]) -> list[bool]:
        if len(place.keywords.batches) == 2:
            place.keywords.at.clear()
            place.keywords.held.clear()
            place.keywords.apply = apply  # type: ignore[method-assign]
        return await apply(batches)

    place.keywords.apply = lose  # type: ignore[method-assign]
    place.do(TaskType.BM25_INDEX)
    assert sorted(place.keywords.held.values()) == place.texts()
    assert place.sql("SELECT count(*) FROM keyword_changes") == [(0,)]


def test_another_model_does_everything_again(place: Place) -> None:
    """Its own stage, and no other; and once."""
    place.do_all()
    place.enricher.model = "f"
    assert not place.do(TaskType.SYNC).nothing_to_do
    pending = "SELECT stage, count(*) FROM pending_snippets GROUP BY stage"
    assert place.sql(pending) == [("ENRICH", 5)]
    place.do(TaskType.ENRICH)
    assert place.do(TaskType.SYNC).nothing_to_do
    assert place.sql(pending) == []


def test_the_last_stage_completes_the_index(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was superseded is removed, all statuses are cleared, and then it has its timestamp."""
    place.do_all()
    assert place.files() == [(name, "clean", 0) for name in NAMES]
    assert place.index().updated_at == NOW
    place.source.commit = "c2"
    place.source.found = Scan(scanned(*NAMES, content="1"), (), 0, {}, "c2", 78)
    for stage in TaskType:
        if stage is TaskType.ENRICH:
            assert place.sql("SELECT count(*) FROM snippets WHERE state <> 'live'") == [(5,)]
        place.do(stage)
    assert place.sql("SELECT DISTINCT state FROM snippets") == [("live",)]
    purged = [one[1] for one in place.shown if one[0] == "DELETE_OLD_SNIPPETS"]
    assert max(purged) == purged[-1] == 5
    operations = {one[0] for one in place.shown if one[3] == "completed"}
    assert operations >= {"UPDATE_INDEX_TIMESTAMP", "CLEAR_FILE_PROCESSING_STATUSES"}


def test_who_asks_for_a_run(place: Place) -> None:
    """A user unless it is said otherwise."""
    user, background = QueuePriority.USER_INITIATED, QueuePriority.BACKGROUND
    asked_by: dict[QueuePriority, list[tuple[bool, ...]]]
    asked_by = {user: [(), (True,)], background: [(False,)]}
    for base, ways in asked_by.items():
        for asked in ways:
            run = asyncio.run(place.indexing.queue_index_tasks(place.index_id, *asked))
            assert run.tasks[0].priority == IndexRun.create(1, base, NOW).tasks[0].priority
            place.sql("DELETE FROM tasks")
            place.sql("DELETE FROM index_runs")


def test_a_task_that_is_of_no_index_has_no_stage(place: Place) -> None:
    task = Task.create(TaskType.SYNC, 0, {})
    with pytest.raises(ValueError, match="names no index in its payload"):
        Stage(place.database, task, ProgressTracker()).index_id  # noqa: B018 - it is asked for


@pytest.mark.parametrize(
    ("counts", "reached", "failures"),
    [({}, None, 2), ({"files": 0}, None, 2), ({"files": 1}, None, 0), ({}, 4, 0), ({}, 3, 2)],
)
@pytest.mark.parametrize("is_cancelled", [False, True])
def test_a_commit_that_gets_anywhere_restores_the_retry_budget(
    place: Place, counts: dict[str, int], reached: int | None, failures: int, *, is_cancelled: bool
) -> None:
    """And is stored, although the user has asked the task to stop."""

    async def work(task: Task, tracker: ProgressTracker | None) -> StageOutcome:
        place.sql(f"UPDATE tasks SET failures = 2, cancel_requested = {int(is_cancelled)}")  # noqa: S608 - ours
        assert tracker is not None
        with tracker.create_child(TaskOperation.EXTRACT_SNIPPETS) as step:
            step.set_current(3)
            stage = Stage(place.database, task, tracker)
            await stage.commit(lambda _transaction: (None, counts), step, reached)
        return StageOutcome()

    with pytest.raises(TaskCancelled) if is_cancelled else nullcontext():
        place.claimed(work)
    assert place.stored.failures == failures
    assert place.stored.progress == TaskProgress("EXTRACT_SNIPPETS", reached or 3, None)
    assert place.stored.work == counts
