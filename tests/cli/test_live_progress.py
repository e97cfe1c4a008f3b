"""Live progress while sources are indexed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from types import SimpleNamespace

import pytest
from tests.support.command import without_controls

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
from kodit.faces.cli.terminal import pace as pace_module
from kodit.faces.cli.terminal import progress_lines as lines_module
from kodit.faces.cli.terminal.live import LiveProgress, shortened
from kodit.faces.cli.terminal.pace import Pace, about, lasting
from kodit.faces.cli.terminal.progress_lines import ProgressLines

STAGES = ("SYNC", "EXTRACT", "BM25_INDEX", "CODE_EMBEDDINGS", "ENRICH")
WHOLE_BAR = "━" * 24
Draw = Callable[..., list[str]]


@pytest.fixture
def draw(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Draw:
    """The lines of a terminal after these updates: the last state is always drawn, earlier ones may
    be."""
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "120"}.items():
        monkeypatch.setenv(name, value)

    def draw(*told: Callable[[LiveProgress], None]) -> list[str]:
        with LiveProgress() as live:
            for tell in told:
                tell(live)
        drawn = without_controls(capsys.readouterr().err).rstrip()
        return [line.rstrip() for line in drawn.splitlines()]

    return draw


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


def test_the_sources_being_looked_up(draw: Draw) -> None:
    """Until there are runs, with control characters escaped."""
    lines = draw(lambda live: live.show_sources(["/a", "/b\x1b[2J"]))

    assert lines[-2:] == ["looking for /a", r"looking for /b\x1b[2J"]
    long = draw(lambda live: live.show_sources([f"/{'x' * 200}", f"/{'y' * 107}"]))
    assert long[-2:] == [f"looking for …{'x' * 107}", f"looking for /{'y' * 107}"]


def test_progress_is_erased_at_the_end(
    draw: Draw, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """So that the result stands alone; coloured if standard error is a terminal, wherever standard
    output goes."""
    with LiveProgress() as live:
        live.show_sources(["/a"])
        live.show_sources(["/b"])
    drawn = capsys.readouterr().err
    assert "\x1b[2K" in drawn[drawn.rindex("/b") :]
    monkeypatch.delenv("FORCE_COLOR")
    assert not LiveProgress()._console.no_color
    monkeypatch.setenv("NO_COLOR", "1")
    assert LiveProgress()._console.no_color


def test_the_tasks_of_a_single_source(draw: Draw) -> None:
    """Also before they start."""
    lines = draw(shown(run_in(RunState.QUEUED, TaskState.BLOCKED)))
    assert [line.split()[1] for line in lines[-6:]] == ["/source0", *STAGES]


def test_each_source_has_a_line_with_its_state(draw: Draw) -> None:
    """And its tasks below it while it runs."""
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


def test_the_tasks_of_a_source(draw: Draw) -> None:
    """Five lines below its name: the sign of the state, the stage, the state as a word or a bar,
    and the error."""
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

    assert lines[-6] == "▶ /source0"
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
    """The bar shows the completed share, and never more than all."""
    run, _task = extracting(progress)

    assert " ".join(draw(shown(run))[-4].split()) == f"▶ EXTRACT {expected}"


def test_a_task_that_has_ended_keeps_its_count(draw: Draw) -> None:
    """The stored count; the live one is outdated."""
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
    """Items per second since this attempt was first seen, after at least a second; each attempt is
    measured by itself."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(pace_module, "time", SimpleNamespace(monotonic=lambda: clock.now))
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


def timed(run: IndexRun, seconds: float) -> IndexRun:
    """The run, started so long ago."""
    run.started_at = datetime.now(UTC) - timedelta(seconds=seconds)
    return run


class Clock:
    """The clock of the observers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        for module in (pace_module, lines_module):
            monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.now))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.mark.parametrize(
    ("seconds", "done", "total", "left"),
    [
        (10, 50, 100, 10.0),
        (1.5, 50, 100, None),  # not watched for long enough
        (10, 4, 100, None),  # too little done
        (10, 0, 100, None),
        (10, 50, None, None),
        (10, 120, 100, 0.0),
    ],
)
def test_how_long_a_task_will_take(
    seconds: float, done: int, total: int | None, left: float | None, clock: Clock
) -> None:
    """If there is enough data for an estimate."""
    pace = Pace()
    _run, task = extracting(TaskProgress("EXTRACT_SNIPPETS", 0, total))
    assert pace.seconds_left(task) is None
    clock.now += seconds
    task.progress = TaskProgress("EXTRACT_SNIPPETS", done, total)
    assert pace.seconds_left(task) == left


def test_times_in_words() -> None:
    """With the precision that they have."""
    assert [lasting(seconds) for seconds in (0.04, 9.94, 9.96, 59.4, 59.6, 200, 3599.6, 7500)] == [
        *("0.0 s", "9.9 s", "10 s", "59 s", "1 min 0 s", "3 min 20 s", "1 h 0 min", "2 h 5 min")
    ]
    assert [about(seconds) for seconds in (3, 9.9, 10, 31, 203)] == [
        *("<10 s left", "<10 s left", "~10 s left", "~31 s left", "~3 min 20 s left")
    ]


def test_earlier_work_does_not_count_for_a_rate(clock: Clock) -> None:
    """Nor does the work of an earlier attempt."""
    pace = Pace()
    _run, task = extracting(TaskProgress("EXTRACT_SNIPPETS", 50, 100))
    assert pace.rate(task) == 0
    clock.now += 1
    assert pace.rate(task) == 0
    clock.now += 9
    task.progress = TaskProgress("EXTRACT_SNIPPETS", 54, 100)
    assert (pace.rate(task), pace.seconds_left(task)) == (0.4, None)
    task.progress = TaskProgress("EXTRACT_SNIPPETS", 60, 100)
    assert (pace.rate(task), pace.seconds_left(task)) == (1.0, 40.0)
    task.claim_no += 1
    assert pace.rate(task) == 0
    task.state = TaskState.FAILED
    assert (pace.rate(task), pace.seconds_left(task)) == (0, None)


def test_of_two_stages_the_longer_one_is_told(draw: Draw, clock: Clock) -> None:
    """They run at the same time."""
    run = run_in(RunState.RUNNING, TaskState.SUCCEEDED, TaskState.RUNNING)
    for task in run.tasks[2:4]:
        task.progress = TaskProgress("CREATE_BM25_INDEX", 0, 100)

    def later(live: LiveProgress) -> None:
        live.show([run], {})
        clock.now += 10
        for task, done in zip(run.tasks[2:4], (50, 25), strict=True):
            task.progress = TaskProgress("CREATE_BM25_INDEX", done, 100)
        live.show([run], {})

    assert "stage ~30 s left" in draw(later)[-6]


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_line_is_no_longer_than_the_terminal(
    width: int, draw: Draw, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each run has one line: a long name loses its start, a bar its length."""
    monkeypatch.setenv("COLUMNS", str(width))
    run, task = extracting(TaskProgress("EXTRACT_SNIPPETS", 0, 99_999))
    long = Source(SourceKind.FOLDER, f"/{'long/' * 20}end")

    def later(live: LiveProgress) -> None:
        live.show([run], {run.id: long})
        clock.now += 10
        task.progress = TaskProgress("EXTRACT_SNIPPETS", 24_000, 99_999)
        live.show([timed(run, 10)], {run.id: long})

    lines = draw(later)[-6:]

    assert max(map(len, lines)) <= width
    assert re.fullmatch(r"▶ ….*/end  10 s, stage ~32 s left", lines[0])
    assert "24000/99999" in lines[2]
    assert ("/s" in lines[2]) is (width == 80)
    assert [shortened(name, 4) for name in ("abcdef", "abcd", "abc")] == ["…def", "abcd", "abc"]


def test_lines_for_a_log(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """Starts, ends, and the progress every ten seconds."""
    run, task = extracting(TaskProgress("EXTRACT_SNIPPETS", 0, 400))
    source = {run.id: Source(SourceKind.FOLDER, "/a\x1b[2J")}
    lines, sync = ProgressLines(), run.tasks[0]
    sync.started_at = datetime(2026, 1, 2, tzinfo=UTC)
    sync.finished_at = sync.started_at + timedelta(seconds=3)
    sync.progress = TaskProgress("REFRESH_WORKING_COPY", 7, 7)

    def said(seconds: float, current: int) -> list[str]:
        clock.now += seconds
        task.progress = TaskProgress("EXTRACT_SNIPPETS", current, 400)
        lines.show([timed(run, 30)], source)
        return capsys.readouterr().err.splitlines()

    assert said(0, 0) == [
        f"[{run.index_id}] indexing /a\\x1b[2J",
        f"[{run.index_id}] SYNC done, 7, 3.0 s",
    ]
    assert said(9, 90) == []
    assert said(1, 100) == [f"[{run.index_id}] EXTRACT 100 of 400, 30 s, ~30 s left"]
    assert said(5, 200) == []
    task.state, task.started_at = TaskState.FAILED, sync.started_at
    task.finished_at = task.started_at + timedelta(seconds=70)
    assert said(0, 399) == [f"[{run.index_id}] EXTRACT failed, 399 of 400, 1 min 10 s"]
    assert said(99, 399) == []
    sync.claim_no += 1
    assert said(0, 399) == [f"[{run.index_id}] SYNC done, 7, 3.0 s"]
    sync.state, sync.started_at, sync.claim_no = TaskState.CANCELLED, None, 9
    assert said(0, 399) == []


def test_a_source_that_waits_is_not_announced(capsys: pytest.CaptureFixture[str]) -> None:
    """It is announced once, when it starts."""
    run, lines = run_in(RunState.QUEUED, TaskState.BLOCKED), ProgressLines()
    source = {run.id: Source(SourceKind.FOLDER, "/a")}
    lines.show([run], source)
    assert capsys.readouterr().err == ""
    run.started_at = datetime(2026, 1, 2, tzinfo=UTC)
    for _ in range(2):
        lines.show([run], source)
    assert capsys.readouterr().err == f"[{run.index_id}] indexing /a\n"


def test_lines_of_a_search_that_refreshes(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """None, unless it takes long."""
    run, task = extracting(TaskProgress("EXTRACT_SNIPPETS", 5, None))
    lines = ProgressLines(only_long=True)
    lines.show([timed(run, 1)], {run.id: Source(SourceKind.FOLDER, "/a")})
    assert capsys.readouterr().err == ""
    clock.now += 10
    lines.show([run], {})
    assert capsys.readouterr().err == f"[{run.index_id}] EXTRACT 5, 1.0 s\n"
    task.progress = TaskProgress("EXTRACT_SNIPPETS", 0, 0)
    clock.now += 10
    lines.show([run], {})
    assert capsys.readouterr().err == f"[{run.index_id}] EXTRACT 1.0 s\n"
