"""Runs as a program sees and controls them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.sources import write_tree

from kodit import Kodit
from kodit.domain.errors import NotFoundError, UserError
from kodit.domain.value_objects import RunState


def test_runs_are_listed_cancelled_and_retried(tmp_path: Path) -> None:
    """Newest first, in the requested states, up to the limit."""
    for name in ("first", "second"):
        write_tree(tmp_path / name, files=1)
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tmp_path / "first", tmp_path / "second", wait=False)
        newest, oldest = (run.id for run in kodit.runs())
        assert newest > oldest
        assert [run.id for run in kodit.runs(limit=1)] == [newest]
        assert kodit.cancel(oldest).state is RunState.CANCELLED
        assert [run.id for run in kodit.runs(["cancelled"])] == [oldest]
        assert [run.id for run in kodit.runs([RunState.QUEUED])] == [newest]
        assert kodit.retry(oldest).state is RunState.QUEUED
        assert {run.id for run in kodit.runs([RunState.QUEUED])} == {newest, oldest}
        with pytest.raises(UserError, match="state"):
            kodit.runs(["asleep"])
        with pytest.raises(NotFoundError):
            kodit.cancel(newest + 1)
