"""After the whole keyword index was lost or damaged, every index gets its part back."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from tests.support.serving import ServingKodit
from tests.support.sources import python_function, write_file

from kodit.application.services.code_indexing_application_service import (
    CodeIndexingApplicationService,
)
from kodit.application.services.keyword_rebuilds import PAUSE_AFTER_A_RUN, KeywordRebuilds
from kodit.composition import Application
from kodit.domain.entities import IndexRun
from kodit.domain.ports.database import Database
from kodit.domain.value_objects import QueuePriority, RunState

NAMES = ("amber", "beryl", "coral")


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[ServingKodit]:
    """Three indexes, each with a word of its own."""
    with ServingKodit(tmp_path / "data") as serving:
        for name in NAMES:
            write_file(tmp_path / name / f"{name}.py", python_function(name, ["x", "y", "z"]))
            serving.index(tmp_path / name)
        yield serving


def lose(folder: Path) -> None:
    shutil.rmtree(folder)


def damage(folder: Path) -> None:
    for path in folder.iterdir():
        path.write_bytes(b"garbage")


@pytest.mark.parametrize("harm", [lose, damage], ids=["lost", "damaged"])
def test_all_of_them(serving: ServingKodit, harm: Callable[[Path], None]) -> None:
    """One run repairs its own index and no other; the chore queues the others, each once."""
    [folder] = [path.parent for path in serving.data_dir.glob("keyword/*/meta.json")]
    harm(folder)
    rebuilds = make_rebuilds(serving.application)

    def rebuild() -> list[int]:
        """The runs of the next pieces, when they have ended."""
        known = latest(serving)

        async def queue(_application: Application) -> None:
            while await rebuilds.queue_some():
                pass

        serving.call(queue)
        new = sorted(set(latest(serving)) - set(known))
        return [serving.wait_for(run_id).index_id or 0 for run_id in new]

    assert rebuild() == [1, 2, 3]
    for index_id, name in enumerate(NAMES, 1):
        found = serving.search(name, mode="keyword", index_ids=[index_id])
        assert [snippet.symbol for snippet in found] == [name]
    assert rebuild() == []


def test_an_index_that_a_run_cannot_repair_is_left_alone(
    serving: ServingKodit, tmp_path: Path
) -> None:
    """An index whose source is gone is not requested again and again, nor by the next worker."""
    [folder] = [path.parent for path in serving.data_dir.glob("keyword/*/meta.json")]
    lose(folder)
    shutil.rmtree(tmp_path / "beryl")

    async def queue(application: Application) -> list[bool]:
        return [await make_rebuilds(application).queue_some() for _ in range(2)]

    assert serving.call(queue) == [False, False]
    runs = {serving.wait_for(run_id).index_id: run_id for run_id in latest(serving)}
    assert serving.call(queue) == [False, False]
    assert {serving.wait_for(run_id).index_id: run_id for run_id in latest(serving)} == runs
    states = [status.run.state for status in serving.status() if status.run is not None]
    assert states == ["succeeded", "failed", "succeeded"]


def make_rebuilds(application: Application) -> KeywordRebuilds:
    return KeywordRebuilds(
        database=application.database, indexing=application.indexing, clock=application.clock
    )


def latest(serving: ServingKodit) -> list[int]:
    """The latest run of each index."""
    return [status.run.id for status in serving.status() if status.run is not None]


class Lacking:
    """One index that stays without its keyword index whatever is requested, and a clock."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)
        self.asked = 0
        self.run: IndexRun | None = None
        self.is_complete = True

    def now(self) -> datetime:
        return self.time

    @contextmanager
    def read(self) -> Iterator[Lacking]:
        yield self

    @property
    def indexes(self) -> Lacking:
        return self

    tasks = indexes

    def updated(self) -> dict[int, datetime | None]:
        return {7: self.time if self.is_complete else None}

    def latest_runs(self, _index_ids: object) -> dict[int, IndexRun]:
        return {} if self.run is None else {7: self.run}

    async def without_keyword_index(self) -> list[int]:
        return [7]

    async def queue_index_tasks(self, _index_id: int, *, is_user_initiated: bool) -> None:
        assert not is_user_initiated
        self.asked += 1

    def ended(self, state: RunState) -> None:
        """Its latest run has ended just now."""
        self.run = IndexRun.create(7, QueuePriority.BACKGROUND, self.time)
        self.run.state, self.run.finished_at = state, self.time


def test_how_long_an_index_is_left_alone() -> None:
    """After a request, and after a run that did not help."""
    lacking = Lacking()
    rebuilds = KeywordRebuilds(
        database=cast("Database", lacking),
        indexing=cast("CodeIndexingApplicationService", lacking),
        clock=lacking,
    )

    def asks() -> bool:
        before = lacking.asked
        asyncio.run(rebuilds.queue_some())
        return lacking.asked > before

    lacking.is_complete = False
    assert not asks()
    lacking.is_complete = True
    assert asks()
    lacking.time += PAUSE_AFTER_A_RUN - timedelta(seconds=1)
    assert not asks()
    lacking.time += timedelta(seconds=1)
    assert asks()
    lacking.time += PAUSE_AFTER_A_RUN
    for state, is_asked in ((RunState.FAILED, False), (RunState.RUNNING, False)):
        lacking.ended(state)
        assert asks() is is_asked
    lacking.ended(RunState.SUCCEEDED)
    assert asks()
    lacking.ended(RunState.FAILED)
    lacking.time += PAUSE_AFTER_A_RUN
    assert asks()
