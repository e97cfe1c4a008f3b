"""The operations of the stages, as reported to a subscriber."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.support.sources import write_file, write_tree

from kodit.application.services.source_service import IndexRequest
from kodit.application.services.worker_host import RunObserver
from kodit.composition import Application
from kodit.domain.entities import ProgressTracker, Task
from kodit.domain.value_objects import OperationState, TrackableType
from kodit.settings import Settings

OPERATIONS = {
    "REFRESH_WORKING_COPY",
    "DELETE_OLD_SNIPPETS",
    "EXTRACT_SNIPPETS",
    "CREATE_BM25_INDEX",
    "CREATE_CODE_EMBEDDINGS",
    "ENRICH_SNIPPETS",
    "CREATE_TEXT_EMBEDDINGS",
    "UPDATE_INDEX_TIMESTAMP",
    "CLEAR_FILE_PROCESSING_STATUSES",
}


def operations_of(data_dir: Path, source: Path) -> dict[str, ProgressTracker]:
    """Index the source; returns the reported operations by name."""
    seen: dict[str, ProgressTracker] = {}

    def see(_task: Task, operation: ProgressTracker) -> None:
        seen[operation.operation.name] = operation

    # What is replaced is removed at once.
    settings = Settings(data_dir=data_dir, keep_unused_days=0.0)
    with Application(settings) as application:
        request = IndexRequest([str(source)])
        observer = RunObserver(lambda _runs, _sources: None, see)
        asyncio.run(application.source_indexing.index(request, observer=observer))
    return seen


def test_every_operation_is_reported_to_its_end(tmp_path: Path) -> None:
    """With its total: as many texts embedded as snippets enriched."""
    paths = write_tree(tmp_path / "source", files=8)

    seen = operations_of(tmp_path / "data", tmp_path / "source")

    assert seen.keys() >= OPERATIONS
    assert {seen[name].state for name in OPERATIONS} == {OperationState.COMPLETED}
    enriched, embedded = seen["ENRICH_SNIPPETS"], seen["CREATE_TEXT_EMBEDDINGS"]
    assert embedded.current == embedded.total == enriched.current == enriched.total
    assert enriched.total

    about = {(one.trackable_type, one.trackable_id) for one in seen.values()}
    assert about == {(TrackableType.INDEX, 1)}

    write_file(tmp_path / "source" / paths[0], "quartz = 1\n")
    seen = operations_of(tmp_path / "data", tmp_path / "source")

    assert seen["DELETE_OLD_SNIPPETS"].current
