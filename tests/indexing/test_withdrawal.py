"""Which failed runs delete their index, and deletions that cannot be finished."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.faults import DROP, Faults, FaultyApplication
from tests.support.serving import ServingKodit
from tests.support.snapshot import execute, read_rows
from tests.support.sources import write_tree

from kodit.domain.errors import SourceError, TransientError
from kodit.domain.value_objects import TaskType


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[ServingKodit]:
    with ServingKodit(tmp_path / "data", FaultyApplication) as serving:
        yield serving


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A small folder."""
    write_tree(tmp_path / "source", files=2)
    return tmp_path / "source"


@pytest.fixture
def faults(serving: ServingKodit) -> Faults:
    assert isinstance(serving.application, FaultyApplication)
    return serving.application.faults


def count(serving: ServingKodit) -> int:
    return len(read_rows(serving.data_dir, "SELECT id FROM indexes"))


def withdraw(serving: ServingKodit, source: Path) -> str | None:
    """Index a source and withdraw the run; returns the message."""
    run = serving.index(source)
    return serving.call(lambda application: application.indexes.withdraw(run))


def refuse() -> Exception:
    return SourceError("no such thing")


def test_a_new_index_whose_source_is_refused(
    serving: ServingKodit, faults: Faults, source: Path
) -> None:
    faults.fail(TaskType.SYNC, refuse)
    assert withdraw(serving, source) == "no such thing"
    assert count(serving) == 0


def test_a_new_index_whose_source_may_come_back(
    serving: ServingKodit, faults: Faults, source: Path
) -> None:
    """A server that was out of order for too long has not refused."""
    faults.fail(TaskType.SYNC, lambda: TransientError("out of order"))
    assert withdraw(serving, source) is None
    assert count(serving) == 1


def test_a_new_index_that_fails_later(serving: ServingKodit, faults: Faults, source: Path) -> None:
    """Its source is valid."""
    faults.fail(TaskType.EXTRACT, refuse)
    assert withdraw(serving, source) is None
    assert count(serving) == 1


def test_an_index_that_was_there_before(
    serving: ServingKodit, faults: Faults, source: Path
) -> None:
    serving.index(source)
    faults.fail(TaskType.SYNC, refuse)
    assert withdraw(serving, source) is None
    assert count(serving) == 1


def test_a_run_that_another_has_followed(
    serving: ServingKodit, faults: Faults, source: Path
) -> None:
    """A later request is not lost."""
    faults.fail(TaskType.SYNC, refuse)
    first = serving.index(source)
    second = serving.index(source)
    assert serving.call(lambda application: application.indexes.withdraw(first)) is None
    assert count(serving) == 1
    assert serving.call(lambda application: application.indexes.withdraw(second)) is not None


def test_a_deletion_that_cannot_be_finished_does_not_stop_the_next(
    serving: ServingKodit, faults: Faults, source: Path, tmp_path: Path
) -> None:
    """It is retried the next time."""
    other = tmp_path / "other"
    write_tree(other / "below", files=2)  # at other paths, so that nothing is shared
    serving.index(source)
    serving.index(other)
    execute(serving.data_dir, "UPDATE indexes SET deleted_at = 1")
    faults.fail(DROP, lambda: TransientError("out of order"), times=1)

    serving.call(lambda application: application.indexes.finish_deletions())
    assert read_rows(serving.data_dir, "SELECT id FROM indexes") == [(1,)]

    serving.call(lambda application: application.indexes.finish_deletions())
    assert count(serving) == 0
