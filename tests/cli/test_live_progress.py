"""What somebody sees who looks on while sources are indexed."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.support.command import PATIENCE_SECONDS, KoditCommand
from tests.support.sources import commit_all, write_tree

from kodit.domain.entities import IndexRun, ProgressTracker, Task
from kodit.domain.value_objects import (
    QueuePriority,
    RunState,
    Source,
    SourceKind,
    TaskOperation,
    TaskProgress,
    TaskState,
)
from kodit.faces.cli.terminal import live as live_module
from kodit.faces.cli.terminal.live import LiveProgress

STAGES = ("SYNC", "EXTRACT", "BM25_INDEX", "CODE_EMBEDDINGS", "ENRICH")
WHOLE_BAR = "━" * 24
Draw = Callable[..., list[str]]


@pytest.fixture
def draw(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Draw:
    """What a terminal shows, line by line, after all that was told: the last state is always
    drawn, those before it may be."""
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "120"}.items():
        monkeypatch.setenv(name, value)

    def draw(*told: Callable[[LiveProgress], None]) -> list[str]:
        with LiveProgress() as live:
            for tell in told:
                tell(live)
        drawn = without_controls(capsys.readouterr().err).rstrip()
        return [line.rstrip() for line in drawn.splitlines()]

    return draw


def without_controls(drawn: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn)


_numbers = count(1)


def run_in(state: RunState, *states: TaskState) -> IndexRun:
    """A run, whose tasks have these states, the last of them again for the rest."""
    run = IndexRun.create(1, QueuePriority.USER_INITIATED, datetime(2026, 1, 2, tzinfo=UTC))
    run.state, run.id = state, next(_numbers)
    run.index_id = run.id
    for place, task in enumerate(run.tasks):
        task.id = next(_numbers)
        task.state = states[min(place, len(states) - 1)]
    return run


def shown(*runs: IndexRun) -> Callable[[LiveProgress], None]:
    sources = {
        run.id: Source(SourceKind.FOLDER, f"/source{place}") for place, run in enumerate(runs)
    }
    return lambda live: live.show(list(runs), sources)


def extracting(progress: TaskProgress | None) -> tuple[IndexRun, Task]:
    """A run that is at its second task."""
    run = run_in(RunState.RUNNING, TaskState.SUCCEEDED, TaskState.RUNNING, TaskState.BLOCKED)
    run.tasks[1].progress = progress
    return run, run.tasks[1]


def test_what_is_looked_for(draw: Draw) -> None:
    """Until there are runs, and with nothing that would steer the terminal."""
    lines = draw(lambda live: live.look_for(["/a", "/b\x1b[2J"]))

    assert lines[-2:] == ["looking for /a", r"looking for /b\x1b[2J"]


def test_each_source_has_a_line_with_its_state(draw: Draw) -> None:
    """And its tasks below it while it is under way."""
    states = [
        RunState.QUEUED,
        RunState.RUNNING,
        RunState.SUCCEEDED,
        RunState.FAILED,
        RunState.CANCELLED,
    ]
    lines = draw(shown(*(run_in(state, TaskState.BLOCKED) for state in states)))

    assert [line for line in lines if "/source" in line] == [
        "· /source0",
        "▶ /source1",
        "✓ /source2",
        "✗ /source3",
        "⊘ /source4",
    ]
    below = lines[lines.index("▶ /source1") + 1 : lines.index("✓ /source2")]
    assert [line.split()[:2] for line in below] == [["·", stage] for stage in STAGES]
    assert all(line.startswith("  ·") for line in below)


def test_a_run_whose_source_is_gone_still_has_its_line(draw: Draw) -> None:
    """It was deleted meanwhile."""
    runs = [run_in(RunState.SUCCEEDED, TaskState.SUCCEEDED) for _ in range(2)]

    lines = draw(lambda live: live.show(runs, {runs[0].id: Source(SourceKind.FOLDER, "/a")}))

    assert lines[-2:] == ["✓ /a", "✓"]


def test_one_source_needs_no_name(draw: Draw) -> None:
    """Its five lines stand alone: the sign of the state, the stage, the state as a word or a bar,
    and what went wrong."""
    run = run_in(
        RunState.RUNNING,
        TaskState.SUCCEEDED,
        TaskState.RUNNING,
        TaskState.READY,
        TaskState.FAILED,
        TaskState.CANCELLED,
    )
    for task in run.tasks[1:4]:
        task.error = "the disk\nis full"

    lines = draw(shown(run))

    assert [line.split(maxsplit=3) for line in lines[-5:]] == [
        ["✓", "SYNC", WHOLE_BAR],
        ["▶", "EXTRACT", "…"],
        ["○", "BM25_INDEX", "ready", r"the disk\nis full"],
        ["✗", "CODE_EMBEDDINGS", "failed", r"the disk\nis full"],
        ["⊘", "ENRICH", "cancelled"],
    ]


@pytest.mark.parametrize(
    ("progress", "expected"),
    [
        (None, "…"),
        (TaskProgress("EXTRACT_SNIPPETS", 0, None), "…"),
        (TaskProgress("EXTRACT_SNIPPETS", 7, None), "… 7"),
        (TaskProgress("EXTRACT_SNIPPETS", 0, 48), "0/48"),
        (TaskProgress("EXTRACT_SNIPPETS", 12, 48), "━━━━━━ 12/48"),
        (TaskProgress("EXTRACT_SNIPPETS", 60, 48), f"{WHOLE_BAR} 60/48"),
    ],
)
def test_the_bar_and_the_count_of_a_task(
    progress: TaskProgress | None, expected: str, draw: Draw
) -> None:
    """The bar is as long as what is done, and no longer than all of it."""
    run, _task = extracting(progress)

    assert " ".join(draw(shown(run))[-4].split()) == f"▶ EXTRACT {expected}"


def test_a_task_that_has_ended_keeps_its_count(draw: Draw) -> None:
    """The stored one: what was told while it ran is no longer true."""
    run, task = extracting(TaskProgress("EXTRACT_SNIPPETS", 48, 48))
    operation = ProgressTracker(TaskOperation.EXTRACT_SNIPPETS)
    operation.set_total(48)
    operation.set_current(24)

    def told(live: LiveProgress) -> None:
        live.show_operation(task, operation)

    assert " ".join(draw(told, shown(run))[-4].split()) == f"▶ EXTRACT {'━' * 12} 24/48"

    task.state = TaskState.SUCCEEDED

    assert " ".join(draw(told, shown(run))[-4].split()) == f"✓ EXTRACT {WHOLE_BAR} 48/48"


def test_how_fast_a_task_is(draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    """In whole things a second since this attempt was first seen, once there is a second to go
    by; another attempt is measured from its own beginning."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(live_module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    run, task = extracting(TaskProgress("EXTRACT_SNIPPETS", 10, 48))

    def seen(seconds: float, current: int) -> Callable[[LiveProgress], None]:
        def tell(live: LiveProgress) -> None:
            clock.now += seconds
            task.progress = TaskProgress("EXTRACT_SNIPPETS", current, 48)
            live.show([run], {})

        return tell

    def again(_live: LiveProgress) -> None:
        task.claim_no += 1

    assert draw(seen(0, 10), seen(1, 20))[-4].endswith("20/48")
    assert draw(seen(0, 10), seen(2, 10))[-4].endswith("10/48")
    assert draw(seen(0, 10), seen(1, 14), seen(1, 30))[-4].endswith("30/48  10/s")
    assert draw(seen(0, 10), seen(4, 40), again, seen(0, 40), seen(2, 44))[-4].endswith(
        "44/48  2/s"
    )


def test_indexing_on_a_terminal(kodit: KoditCommand, tmp_path: Path) -> None:
    """Each source ends with the sign of success, and their summary stays."""
    write_tree(tmp_path / "folder", files=12)
    write_tree(tmp_path / "repository", files=4)
    commit_all(tmp_path / "repository")
    url = (tmp_path / "repository").as_uri()

    code, drawn = seen_on_a_terminal(kodit, "index", tmp_path / "folder", url)

    assert code == 0, drawn
    lines = [line.strip() for line in drawn.splitlines()]
    assert f"✓ {tmp_path / 'folder'}" in lines
    assert f"✓ {url}" in lines
    assert re.search(r"\[1\] .*folder", drawn)
    assert "12 files" in drawn


def test_indexing_one_source_on_a_terminal(kodit: KoditCommand, tmp_path: Path) -> None:
    """Each stage that is done keeps its count."""
    write_tree(tmp_path / "folder", files=40)

    code, drawn = seen_on_a_terminal(kodit, "index", tmp_path / "folder")

    assert code == 0, drawn
    assert "✓ /" not in drawn
    for stage in STAGES[1:]:
        counts = re.findall(rf"✓ {stage} .*?(\d+)/(\d+)", drawn)
        assert any(done == total != "0" for done, total in counts), stage


def seen_on_a_terminal(kodit: KoditCommand, *arguments: str | Path) -> tuple[int, str]:
    """Run the command on a terminal of its own; how it ended, and all that was drawn."""
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "kodit", *map(str, arguments)],
        stdin=its,
        stdout=its,
        stderr=its,
        env={**kodit.environment, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"},
    )
    os.close(its)
    drawn = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # how Linux says that nobody has the terminal any more
            break
        if not piece:
            break
        drawn += piece
    os.close(ours)
    return process.wait(PATIENCE_SECONDS), without_controls(drawn.decode())


def test_a_stage_that_is_done_keeps_its_count(kodit: KoditCommand, tmp_path: Path) -> None:
    """The last stage too, though it ends with other things than enriching."""
    write_tree(tmp_path / "folder", files=9)
    kodit.succeed("index", tmp_path / "folder")

    tasks = {task["type"]: task for task in kodit.status()["run"]["tasks"]}

    done = tasks["ENRICH"]["progress"]
    assert done["operation"] == "ENRICH_SNIPPETS"
    assert done["current"] == done["total"] == kodit.status()["snippets"]
