"""Output that is not shown: progress without work, and styles without colours."""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path

import pytest
from tests.cli.test_live_progress import STAGES, extracting, run_in, shown
from tests.support.command import without_controls

from kodit.domain.entities import IndexRun
from kodit.domain.value_objects import ErrorAbout, RunState, TaskState
from kodit.faces.cli.terminal.indexing import watching
from kodit.faces.cli.terminal.live import LiveProgress
from kodit.faces.cli.terminal.progress_lines import ProgressLines


def test_without_colours_nothing_is_bold_or_dim_either(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    styled = re.compile(r"\x1b\[[0-9;]*m")
    for forced, is_styled in (("1", True), ("0", False)):
        monkeypatch.setenv("FORCE_COLOR", forced)
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        with LiveProgress() as live:
            live.show_sources(["/a"])
            shown(extracting(None)[0])(live)
        drawn = capsys.readouterr().err
        assert "EXTRACT" in drawn
        assert bool(styled.search(drawn)) is is_styled


def test_a_task_has_one_line_however_narrow_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "20"}.items():
        monkeypatch.setenv(name, value)
    with LiveProgress() as live:
        shown(run_in(RunState.RUNNING, TaskState.FAILED))(live)
    lines = without_controls(capsys.readouterr().err).rstrip().splitlines()[-len(STAGES) :]
    assert [line.split()[0] for line in lines] == ["✗"] * len(STAGES)
    assert [stage[:5] for stage in STAGES] == [line.split()[1][:5].rstrip("…") for line in lines]


def test_nothing_is_drawn_without_changes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not even a hidden cursor; work is shown at once, and so is a long scan."""
    monkeypatch.setenv("FORCE_COLOR", "1")

    def drawn(run: IndexRun, unseen_seconds: float) -> str:
        with LiveProgress(unseen_seconds) as live:
            shown(run)(live)
        return capsys.readouterr().err

    looking = run_in(RunState.RUNNING, TaskState.RUNNING, TaskState.BLOCKED)
    unchanged = run_in(RunState.SUCCEEDED, TaskState.SUCCEEDED, TaskState.SKIPPED)
    assert drawn(looking, math.inf) == drawn(unchanged, math.inf) == ""
    assert "SYNC" in drawn(looking, 0.0)
    assert "EXTRACT" in drawn(extracting(None)[0], math.inf)


def test_a_folder_that_is_there_is_not_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before a search; a network source is shown as being looked up, which may take long."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with watching([str(tmp_path)]):
        pass
    assert capsys.readouterr().err == ""
    with watching([str(tmp_path), "https://example.org/r"]):
        pass
    assert "looking for https://example.org/r" in capsys.readouterr().err
    with watching([str(tmp_path)], says_all=True):
        pass
    assert "looking for" in capsys.readouterr().err


def test_lines_say_once_what_a_task_waits_for(capsys: pytest.CaptureFixture[str]) -> None:
    """Once for each attempt, however often the run is looked at."""
    run, task = extracting(None)
    lines = ProgressLines()
    task.error, task.error_about = "waits until tomorrow", ErrorAbout("budget_spent")
    task.state = TaskState.READY
    for _ in range(2):
        lines.show([run], {})
    task.claim_no += 1
    lines.show([run], {})
    said = capsys.readouterr().err.splitlines()
    assert said == [f"[{run.index_id}] EXTRACT waits until tomorrow"] * 2
