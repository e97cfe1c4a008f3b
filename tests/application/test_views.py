"""Views, where they are more than copies."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from kodit.application.views.doctor import ProblemView
from kodit.application.views.files import MatchView
from kodit.application.views.runs import RunView, TaskView, WorkView
from kodit.application.views.savings import SavingsView
from kodit.application.views.search import ResultView
from kodit.application.views.serialization import to_json
from kodit.domain.diagnosis import Area, Problem
from kodit.domain.entities import IndexRun
from kodit.domain.grep import FoundLine, GrepMatch
from kodit.domain.savings import Cost, Savings
from kodit.domain.search import SearchResult, StoredSnippet
from kodit.domain.value_objects import QueuePriority

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "after"), [((), ()), (("a",), ()), ((), ("b",)), (("a",), ("b",))]
)
def test_context_is_there_where_there_is_any(
    before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    """On either side; then both fields are present."""
    found = FoundLine(3, 1, "x", before, after)
    told = to_json(MatchView.of(GrepMatch(1, "/s", "a.py", "python", found), with_file=True))
    shown = {"before": list(before), "after": list(after)} if before or after else {}
    assert {key: told[key] for key in ("before", "after") if key in told} == shown


def test_a_task_that_may_begin_at_once_waits_for_no_time() -> None:
    run = IndexRun.create(1, QueuePriority.BACKGROUND, NOW)
    assert TaskView.of(run.tasks[0]).available_at is None
    run.tasks[0].available_at = NOW
    assert TaskView.of(run.tasks[0]).available_at == "2026-01-01T00:00:00Z"


def test_every_task_of_a_whole_run_has_its_history() -> None:
    """Including one that was never claimed; runs in a list have no history."""
    run = IndexRun.create(1, QueuePriority.BACKGROUND, NOW)
    assert [task.history for task in RunView.of(run, attempts={}).tasks] == [()] * 5
    assert [task.history for task in RunView.of(run).tasks] == [None] * 5


def test_work_of_a_newer_program_is_left_out() -> None:
    assert WorkView.of({"files_parsed": 3, "dreams_dreamt": 7}) == WorkView(files_parsed=3)


@pytest.mark.parametrize(
    ("source", "file"),
    [("/a/b", "/a/b/c/d.py"), ("/", "/c/d.py"), ("https://x/y", None), ("git@x:y", None)],
)
def test_the_file_of_a_result_is_for_callers_on_this_machine(source: str, file: str | None) -> None:
    snippet = StoredSnippet(1, 1, 1, source, "c/d.py", 1, 2, "python", None, None, "", "x")
    result = SearchResult(snippet, 1.0)
    assert ResultView.of(result, with_file=True).file == file
    assert ResultView.of(result, with_file=False).file is None


def test_a_problem_has_a_repair_or_advice() -> None:
    async def repair() -> None:
        """Never called."""

    problem = Problem(Area.QUEUE, "what", "remedy", repair=repair)
    view = ProblemView.of(problem)
    assert (view.repair, view.advice) == ("remedy", None)
    view = ProblemView.of(Problem(Area.QUEUE, "what", "remedy"))
    assert (view.repair, view.advice) == (None, "remedy")


def test_savings_are_told_in_tokens_and_in_the_order_of_tools() -> None:
    assert SavingsView.of(Savings()).since is None
    costs = {"search": Cost(1, 7, 400), "grep": Cost(2, 8, 40)}
    view = SavingsView.of(Savings(date(2026, 1, 1), costs))
    assert view.since == "2026-01-01"
    told = [(one.tool, one.answers, one.answer_tokens, one.file_tokens) for one in view.tools]
    assert told == [("grep", 2, 2, 10), ("search", 1, 1, 100)]
    assert (view.total.answers, view.total.answer_tokens, view.total.file_tokens) == (3, 3, 110)
