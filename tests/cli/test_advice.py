"""What an error says to do next."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.sources import write_tree

from kodit import Kodit
from kodit.application.services.refresh_service import failure_of
from kodit.domain.entities import IndexRun
from kodit.domain.errors import SourceError
from kodit.domain.value_objects import QueuePriority, RunState
from kodit.faces.cli.advice import with_advice


@pytest.mark.parametrize(
    "source", ["https://git.example.org/x@main", "/a folder/it's", "https://x/$(touch sprung)`x`"]
)
def test_a_command_that_can_be_copied(source: str) -> None:
    """Means the source as one word, whatever characters are in it: it may come from somebody
    else's database."""
    error = SourceError("not indexed", code="source_not_indexed", source=source)
    (command,) = re.findall("`(kodit .*)` adds it", with_advice(error))
    assert shlex.split(command) == ["kodit", "index", source]


def test_one_sentence_goes_into_the_other() -> None:
    """Without a full stop between, and where there is nothing to do as it is."""
    refused = SourceError("It refuses access.", code="access_refused")
    assert with_advice(refused).startswith("It refuses access; --credentials env:NAME names")
    assert with_advice(refused, "Said otherwise.").startswith("Said otherwise; --credentials")
    assert with_advice(SourceError("It is gone.")) == "It is gone."
    assert with_advice(SourceError("It is gone.", code="unheard_of")) == "It is gone."


def test_a_run_that_was_stopped_goes_on_with_the_same_command(tmp_path: Path) -> None:
    write_tree(tmp_path / "source", files=1)
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tmp_path / "source", wait=False)
        (run,) = kodit.runs()
    stopped = failure_of(run)
    assert stopped is not None
    assert "run the same command again to continue" in with_advice(stopped)


def test_what_became_of_a_run() -> None:
    """Each stage with its error; nothing of one that has succeeded."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    run = IndexRun.create(3, QueuePriority.USER_INITIATED, now)
    run.id = 7
    stopped = failure_of(run)
    assert stopped is not None
    assert (str(stopped), stopped.code, stopped.fields) == (
        "run 7 was stopped",
        "run_stopped",
        {"run": 7},
    )
    run.tasks[1].error, run.tasks[2].error = "no such file", "no space"
    run.state = RunState.FAILED
    failed = failure_of(run)
    assert failed is not None
    assert str(failed) == "run 7 failed: EXTRACT: no such file: BM25_INDEX: no space"
    assert failed.fields == {"run": 7}
    run.state = RunState.CANCELLED
    assert str(failure_of(run)).startswith("run 7 cancelled: ")
    run.state = RunState.SUCCEEDED
    assert failure_of(run) is None
