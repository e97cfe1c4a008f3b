"""Indexes and results as text, word by word."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kodit.application.services.index_service import IndexStatus
from kodit.application.services.queue_overview import QueueOverview
from kodit.application.views.indexes import IndexView
from kodit.application.views.runs import RunView
from kodit.application.views.search import ResultView
from kodit.domain.claiming import ClaimRules
from kodit.domain.entities import (
    Index,
    IndexRun,
    IndexSummary,
    RefusedSnippets,
    SearchResult,
    StoredSnippet,
    WorkingCopy,
)
from kodit.domain.search import CopyPlace, SignalPoints
from kodit.domain.value_objects import QueuePriority, RunState, Source, SourceKind, TaskState
from kodit.faces.cli.terminal.indexing import show_indexed
from kodit.faces.cli.terminal.places import Places
from kodit.faces.cli.terminal.results import Layout, show_results
from kodit.faces.cli.terminal.runs import run_line
from kodit.faces.cli.terminal.tables import index_lines, show_indexes

NOW = datetime(2026, 1, 2, tzinfo=UTC)
IDLE = QueueOverview(NOW, ClaimRules(), paused_since=None, workers=[], running={}, waiting=[])
INDEX = Index(3, Source(SourceKind.FOLDER, "/evil\x1b[2J"), WorkingCopy(), NOW)
SNIPPET = StoredSnippet(
    id=9,
    index_id=3,
    file_id=4,
    source="/source\x07",
    path="a\n.py",
    start_line=5,
    end_line=7,
    language="python",
    symbol="swing",
    kind="method",
    scope="Lantern",
    text="def swing(self):\n\treturn '\x1b[2J'\n\n",
)
RESULT = SearchResult(
    SNIPPET, 1.23456, (SignalPoints("words", 2, 0.5, 1.0), SignalPoints("generated", 1, -1, -0.25))
)


def status_of(index: Index = INDEX, run: IndexRun | None = None, **summary: object) -> IndexView:
    counts = replace(IndexSummary(index, 1, 2), **summary)  # type: ignore[arg-type]
    return IndexView.of(IndexStatus(counts, run), IDLE)


def run_that(state: RunState, task: TaskState) -> IndexRun:
    """Run 7, whose SYNC has a state."""
    run = IndexRun.create(3, QueuePriority.USER_INITIATED, NOW)
    run.id, run.state, run.tasks[0].state = 7, state, task
    return run


def test_an_index_in_two_lines() -> None:
    """Its source and its size."""
    assert index_lines(status_of()) == [
        r"[3] /evil\x1b[2J",
        "    1 file, 2 snippets, not complete yet",
    ]
    for seconds, words in ((0, "never"), (7200, "every 2 hours")):
        lines = index_lines(status_of(replace(INDEX, sync_every=seconds)))
        assert lines[2:] == [f"    updated by a server: {words}"]
    long_ago = replace(INDEX, updated_at=datetime(1, 1, 1, tzinfo=UTC))
    assert " snippets, complete " in index_lines(status_of(long_ago))[1]
    assert index_lines(status_of(long_ago))[1].endswith(" d ago")


def test_further_facts_about_an_index() -> None:
    """How its files are selected, and the problems of files."""
    source = replace(INDEX.source, include=("*.py", "a\n"), exclude=("docs/",))
    copy = WorkingCopy(skipped={"too large": 1, "binary": 2})
    status = status_of(
        replace(INDEX, source=source, working_copy=copy),
        problems={"too deep": 3, "does not parse": 1},
        left_out={"binary": 1},
    )
    assert index_lines(status)[2:] == [
        r"    include: *.py, a\n",
        "    exclude: docs/",
        "    split by lines: does not parse (1), too deep (3)",
        "    left out: binary (3), too large (1)",
    ]


def test_the_run_of_an_index_is_told_unless_all_is_well(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With the reason why its tasks wait, unless that is shown elsewhere."""
    well = status_of(run=run_that(RunState.SUCCEEDED, TaskState.SUCCEEDED))
    assert len(index_lines(well)) == 2
    waiting = run_that(RunState.QUEUED, TaskState.READY)
    about = "        SYNC: no worker is running; `kodit worker` starts one"
    lines = index_lines(status_of(run=waiting))
    assert lines[2:] == [f"    {run_line(RunView.of(waiting))}", about]
    assert index_lines(status_of(run=waiting), with_errors=False) == lines[:-1]

    show_indexes([well, status_of(run=waiting)])
    assert capsys.readouterr().out.splitlines() == [*lines[:2], *lines]
    show_indexed([status_of(run=waiting)])
    assert capsys.readouterr().out.splitlines() == lines[:-1]
    show_indexes([status_of(run=waiting)], with_errors=False)
    assert capsys.readouterr().out.splitlines() == lines[:-1]


def test_an_index_with_snippets_that_a_model_refused() -> None:
    refused = RefusedSnippets(2, "no", ("a.py:1",))
    assert "the model gave no usable description of 2 snippets (no): a.py:1 and others" in (
        "\n".join(index_lines(status_of(refused=refused)))
    )


def test_a_result(capsys: pytest.CaptureFixture[str]) -> None:
    """Its place, its definition, its score, and the first lines of its text."""
    show_results(views(RESULT, replace(RESULT, score=-1)), layout(2))
    first = r" 1. a\n.py:5-7  method Lantern.swing  (1.2346)"
    text = ["    def swing(self):", "    \treturn '\\x1b[2J'", "    … 1 more line", ""]
    second = first.replace(" 1. ", " 2. ").replace("1.2346", "-1.0000")
    assert capsys.readouterr().out.splitlines() == [first, *text, second, *text]


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"scope": ""}, "  method swing"),
        ({"symbol": None, "kind": None}, ""),
        ({"symbol": None, "kind": None, "scope": ""}, ""),
    ],
)
def test_what_a_result_defines(
    changes: dict[str, str | None], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A scope alone is not a definition."""
    result = replace(RESULT, snippet=replace(SNIPPET, **changes))  # type: ignore[arg-type]
    show_results(views(result), layout(0, several=True))
    assert capsys.readouterr().out == rf" 1. /source\x07 a\n.py:5-7{name}  (1.2346)" + "\n"


def test_the_shown_lines_of_a_text(capsys: pytest.CaptureFixture[str]) -> None:
    """All of it without a note, none of it without an empty line; and a cut text is marked."""

    def below(lines: int, **changes: bool) -> list[str]:
        result = replace(RESULT, **changes)  # type: ignore[arg-type]
        show_results(views(result), layout(lines))
        return capsys.readouterr().out.splitlines()[1:]

    assert below(0) == []
    assert [line[:8] for line in below(3)] == ["    def ", "    \tret", "    ", ""]
    assert below(1)[-2:] == ["    … 2 more lines", ""]
    assert below(3, is_cut=True)[-2:] == ["    … cut by --budget", ""]
    assert below(0, is_cut=True) == ["    … cut by --budget"]


def test_other_places_of_a_text(capsys: pytest.CaptureFixture[str]) -> None:
    """The first ones in one line, and how many more there are."""

    def second(copies: int) -> str:
        also_in = tuple(CopyPlace(f"b{n}.py", "/\x07", n, n + 1, n) for n in range(copies))
        show_results(views(replace(RESULT, also_in=also_in)), layout(0, several=True))
        return capsys.readouterr().out.splitlines()[1]

    assert second(1) == r"    also in /\x07 b0.py:0-1"
    three = r"    also in /\x07 b0.py:0-1, /\x07 b1.py:1-2, /\x07 b2.py:2-3"
    assert second(3) == three
    assert second(4) == f"{three} and 1 more place"
    assert second(9) == f"{three} and 6 more places"


def test_the_parts_of_a_score(capsys: pytest.CaptureFixture[str]) -> None:
    """On request, if there are parts to show."""
    show_results(views(RESULT, explain=True), layout(0))
    assert capsys.readouterr().out.splitlines()[1:] == ["    = words +1.00, generated -0.25"]
    show_results(views(RESULT), layout(0))
    show_results(views(replace(RESULT, explanation=()), explain=True), layout(0))
    assert len(capsys.readouterr().out.splitlines()) == 2


def layout(lines: int, *, several: bool = False) -> Layout:
    return Layout(Places(None, several=several), lines)


def views(*results: SearchResult, explain: bool = False) -> list[ResultView]:
    """The results as they are printed."""
    return [ResultView.of(result, explain=explain, with_file=True) for result in results]
