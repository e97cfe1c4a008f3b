"""A source that cannot be brought up to date before a search, and the answer then."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from kodit.application.services.refresh_service import Refreshed, RefreshService, failure_of
from kodit.application.services.source_indexing_service import SourceIndexingService
from kodit.composition import Application
from kodit.domain.entities import IndexRun
from kodit.domain.errors import KoditError, NotFoundError, SourceError
from kodit.domain.value_objects import QueuePriority, RunState, Source, SourceKind
from kodit.infrastructure.memory import ManualClock
from kodit.infrastructure.watching.comparing import compare_folder
from kodit.settings import Settings

NOW = ManualClock().now()


class Scene:
    """An application without a worker, and an index of a folder."""

    def __init__(self, application: Application, folder: Path) -> None:
        self.application = application
        self.folder = folder
        self.index_id = self.add(Source(SourceKind.FOLDER, str(folder)))

    def add(self, source: Source) -> int:
        with self.application.database.write() as transaction:
            return transaction.indexes.add(source, NOW).id

    def complete(self) -> None:
        with self.application.database.write() as transaction:
            transaction.indexes.finish(self.index_id, NOW)

    def refresh(self, name: str | None = None) -> Refreshed:
        return asyncio.run(self.application.refreshing.refresh(name or str(self.folder)))

    def runs(self) -> list[IndexRun]:
        return asyncio.run(self.application.queue.list_runs())


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    folder = tmp_path / "folder"
    folder.mkdir()
    with Application(Settings(data_dir=tmp_path / "data")) as application:
        yield Scene(application, folder)


def test_while_the_queue_is_paused_what_was_indexed_answers(scene: Scene) -> None:
    """No run is requested that would wait as long as the pause; a source that was never complete
    has no answer."""
    asyncio.run(scene.application.queue.pause())
    with pytest.raises(KoditError, match="is not indexed: the queue is paused") as refused:
        scene.refresh()
    assert refused.value.code == "queue_paused"
    scene.complete()
    refreshed = scene.refresh()
    assert refreshed.index.id == scene.index_id
    assert refreshed.reason is not None
    assert refreshed.reason.code == "queue_paused"
    assert scene.runs() == []


def test_a_source_that_is_gone_answers_as_it_was(scene: Scene) -> None:
    """If it was complete before."""
    scene.complete()
    scene.folder.rmdir()
    refreshed = scene.refresh()
    assert refreshed.index.id == scene.index_id
    assert "does not exist" in str(refreshed.reason)


def test_a_source_that_is_gone_and_never_was_complete_answers_nothing(scene: Scene) -> None:
    scene.folder.rmdir()
    with pytest.raises(KoditError, match="does not exist"):
        scene.refresh()


def test_an_invalid_stored_source_is_not_refreshed(scene: Scene) -> None:
    """By any name."""
    hostile = scene.add(Source(SourceKind.GIT, "ext::sh -c touch% x"))
    with pytest.raises(SourceError):
        scene.refresh(str(hostile))
    assert scene.runs() == []


def test_an_index_that_is_deleted_while_it_is_made(scene: Scene) -> None:
    """Its runs have succeeded, but there is nothing left to answer from."""
    application = scene.application

    class Deleting:
        async def index(self, *_request: object, **_options: object) -> list[IndexRun]:
            await application.indexes.delete(scene.index_id)
            run = IndexRun.create(scene.index_id, QueuePriority.USER_INITIATED, NOW)
            run.state = RunState.SUCCEEDED
            return [run]

    service = RefreshService(
        database=application.database,
        sources=application.sources,
        locator=application.locator,
        queue=application.queue,
        indexing=cast(SourceIndexingService, Deleting()),
        compare=compare_folder,
    )
    with pytest.raises(NotFoundError, match="was deleted while it was being indexed"):
        asyncio.run(service.refresh(str(scene.folder)))


def test_the_error_of_a_run() -> None:
    run = IndexRun.create(1, QueuePriority.USER_INITIATED, NOW)
    run.id = 7
    stopped = failure_of(run)
    assert stopped is not None
    assert (str(stopped), stopped.code) == ("run 7 was stopped", "run_stopped")
    run.state = RunState.SUCCEEDED
    assert failure_of(run) is None
    run.state, run.tasks[0].error = RunState.FAILED, "no such thing"
    failed = failure_of(run)
    assert failed is not None
    assert str(failed) == "run 7 failed: SYNC: no such thing"
    assert failed.fields["run"] == 7
