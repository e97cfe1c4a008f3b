"""What services remember of runs, claims and folders, and what they forget of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from tests.database.content import change
from tests.queue.requests import NOW

from kodit.application.services import endpoint_gate
from kodit.application.services.endpoint_gate import EndpointGate
from kodit.application.services.events import run_watch
from kodit.application.services.events.run_watch import RunWatch
from kodit.application.services.folder_comparisons import FolderComparisons
from kodit.composition import Application
from kodit.domain.endpoints import Endpoint, Payer, Purpose
from kodit.domain.entities import IndexRun
from kodit.domain.errors import PermanentError
from kodit.domain.this_host import ThisHost
from kodit.domain.value_objects import QueuePriority, RunState, Source, SourceKind
from kodit.infrastructure.memory.clock import ManualClock
from kodit.settings import Settings

NOTHING = cast(Any, None)
SCANNED = "UPDATE indexes SET scanned_at_ns = ?"


def run_of(number: int, state: RunState, index_id: int = 1) -> IndexRun:
    run = IndexRun.create(index_id, QueuePriority.BACKGROUND, NOW)
    run.id, run.state = number, state
    return run


def remembered(runs: Iterable[IndexRun]) -> list[int]:
    watch = RunWatch(database=NOTHING, standing=NOTHING)
    for run in runs:
        watch._tell_runs([run], {})
    return list(watch._seen)


def test_only_changes_of_a_run_are_told() -> None:
    watch = RunWatch(database=NOTHING, standing=NOTHING)
    run = run_of(7, RunState.QUEUED)
    told = [(one.kind, one.identity) for one in watch._tell_runs([run], {})]
    assert told[0] == ("run", 7)
    assert len(told) == 1 + len(run.tasks)
    assert watch._tell_runs([run], {}) == []
    run.state = RunState.RUNNING
    assert [one.kind for one in watch._tell_runs([run], {})] == ["run"]
    run.tasks[1].failures = 1
    assert [(one.kind, one.identity) for one in watch._tell_runs([run], {})] == [
        ("task", run.tasks[1].id)
    ]


def test_runs_that_have_ended_are_forgotten_but_for_the_last_failure_of_an_index() -> None:
    """Which another run may supersede."""
    ended = (RunState.SUCCEEDED, RunState.CANCELLED)
    assert remembered(run_of(1, state) for state in (RunState.RUNNING, *ended)) == []
    failed = RunState.FAILED
    assert remembered([run_of(1, failed), run_of(2, failed), run_of(3, failed, index_id=2)]) == [
        2,
        3,
    ]


def test_of_too_many_runs_the_oldest_that_wait_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run_watch, "MOST_SEEN", 20)
    running = [run_of(1, RunState.RUNNING)]
    waiting = [run_of(number, RunState.QUEUED, number) for number in range(2, 21)]
    assert len(remembered([*running, *waiting])) == 20
    one_more = run_of(21, RunState.QUEUED, 21)
    assert remembered([*running, *waiting, one_more]) == [1, *range(4, 22)]


def test_the_time_of_a_claim_at_an_endpoint_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is known of the latest claims only."""
    monkeypatch.setattr(endpoint_gate, "MOST_CLAIMS", 2)
    clock = ManualClock(NOW)
    longest = timedelta(seconds=8)
    endpoint = Endpoint(Purpose.EMBEDDING, "http://a", "m", longest_stage=longest)
    gate = EndpointGate(endpoint, NOTHING, clock)
    one, again, other = Payer(1, 1, 1), Payer(1, 2, 1), Payer(2, 1, 2)
    gate._check_time(one)
    clock.advance(8)
    gate._check_time(one)
    gate._check_time(again)
    clock.advance(1)
    gate._check_time(again)
    with pytest.raises(PermanentError):
        gate._check_time(one)
    gate._check_time(other)  # and the first is forgotten
    clock.advance(8)
    gate._check_time(one)
    gate._check_time(other)


class Comparer:
    """Is not to be asked."""

    def __call__(self, *_asked: object, **_how: object) -> Any:
        raise AssertionError


@pytest.mark.parametrize(
    ("host", "is_scanned"), [("ada", True), ("ada", False), ("bob", False), ("bob", True)]
)
def test_no_folder_is_compared_that_cannot_be_looked_at(
    tmp_path: Path, host: str, is_scanned: bool
) -> None:
    """Because nobody compares, it is on another machine, never was scanned, or is gone."""
    with Application(Settings(data_dir=tmp_path)) as application:
        with application.database.write() as transaction:
            source = Source(SourceKind.FOLDER, "/shop", host="bob")
            index = transaction.indexes.add(source, NOW)
            change(transaction, SCANNED, int(is_scanned))
        without = FolderComparisons(database=NOTHING, comparer=None)
        assert not without.is_outdated(index)
        assert without.existing(["a.py"], lambda path: (index.id, path)) == ["a.py"]
        comparisons = FolderComparisons(
            database=application.reading, comparer=Comparer, host=ThisHost(host)
        )
        assert comparisons.existing(["a.py"], lambda path: (99, path)) == ["a.py"]
        if is_scanned and host == "bob":
            with pytest.raises(AssertionError):
                comparisons.check_place(index.id, "a.py")
        else:
            comparisons.check_place(index.id, "a.py")
            assert not comparisons.is_outdated(replace(index, updated_at=NOW))
