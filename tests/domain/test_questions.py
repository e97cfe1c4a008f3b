"""Questions: what they ask without options, and which of their pages belong together."""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import Any

import pytest

from kodit.domain.descriptions.kinds import DescriptionKind
from kodit.domain.errors import InvalidQueryError
from kodit.domain.grep import Expression, FoundLine, GrepRequest, LineShape
from kodit.domain.questions import (
    DescribeQuestion,
    ExplainQuestion,
    FilesQuestion,
    GrepQuestion,
    IndexesQuestion,
    LeftOutQuestion,
    MapQuestion,
    OutlineQuestion,
    Question,
    QueueQuestion,
    ReadQuestion,
    RelatedQuestion,
    RunsQuestion,
    SearchQuestion,
    StatusQuestion,
    SymbolsQuestion,
    Where,
    cursor_at,
    start_of,
)
from kodit.domain.search import EVERYTHING
from kodit.domain.value_objects import RunState, SearchMode, SymbolKind

ALL = ((), False, (), (), (), None, None)


@pytest.mark.parametrize(
    ("question", "fields"),
    [
        (Where(), ALL),
        (SearchQuestion("q"), ("q", ALL, SearchMode.HYBRID, (), 10, 0, None, None, False, 0.0)),
        (
            GrepQuestion("p"),
            ("p", ALL, False, False, False, False, (), 0, None, None, False, False, 100, None),
        ),
        (SymbolsQuestion("n"), ("n", ALL, (), 50, "", None)),
        (FilesQuestion(), (ALL, None, None)),
        (ReadQuestion("a.py"), ("a.py", ALL)),
        (OutlineQuestion("a.py"), ("a.py", ALL)),
        (MapQuestion(), (ALL, 1_500)),
        (
            DescribeQuestion(DescriptionKind.SCHEMA),
            (DescriptionKind.SCHEMA, "", ALL, 3_000),
        ),
        (RelatedQuestion("a.py:1"), ("a.py:1", ALL, False, 10)),
        (LeftOutQuestion(), (ALL,)),
        (ExplainQuestion("a.py"), ("a.py", ALL)),
        (RunsQuestion(), ((), (), 100, None)),
        (IndexesQuestion(), (500, None)),
        (StatusQuestion(), (None,)),
        (QueueQuestion(), (False, 50)),
        (Expression("p"), ("p", False, False, False, False, ())),
        (LineShape(), (0, 0, False, False)),
        (FoundLine(1, 1, "x"), (1, 1, "x", (), ())),
    ],
    ids=lambda one: type(one).__name__,
)
def test_what_a_question_asks_without_options(question: Any, fields: tuple[object, ...]) -> None:
    """All faces and programs that name no option get this."""
    assert astuple(question) == fields


def test_the_lines_of_a_request_without_options() -> None:
    request = GrepRequest(Expression("p"))
    assert request == GrepRequest(Expression("p"), EVERYTHING, LineShape(), 100, 0)


SEARCH = SearchQuestion("q")
GREP = GrepQuestion("p")


@pytest.mark.parametrize(
    ("question", "changes"),
    [
        (SEARCH, {"limit": 3}),
        (SEARCH, {"offset": 3}),
        (SEARCH, {"budget": 3}),
        (SEARCH, {"explain": True}),
        (SEARCH, {"wait": 3.0}),
        (GREP, {"limit": 3}),
        (SymbolsQuestion("n"), {"limit": 3}),
        (FilesQuestion(), {"limit": 3}),
        (RunsQuestion(), {"limit": 3}),
        (IndexesQuestion(), {"limit": 3}),
    ],
)
def test_a_page_may_be_continued_with_other_limits(
    question: Question, changes: dict[str, Any]
) -> None:
    cursor = cursor_at(question, 7)
    assert cursor_at(replace(question, **changes), 7) == cursor
    assert cursor_at(question, 8) != cursor
    assert start_of(replace(question, cursor=cursor, **changes)) == 7


@pytest.mark.parametrize(
    ("question", "changes"),
    [
        (SEARCH, {"query": "other"}),
        (SEARCH, {"mode": SearchMode.CODE}),
        (SEARCH, {"kinds": (SymbolKind.CLASS,)}),
        (SEARCH, {"where": Where(everywhere=True)}),
        (GREP, {"ignore_case": True}),
        (GREP, {"more_patterns": ("x",)}),
        (GREP, {"before": 0}),
        (SymbolsQuestion("n"), {"uses": "calls"}),
        (FilesQuestion(), {"where": Where(languages=("go",))}),
        (RunsQuestion(), {"states": (RunState.FAILED,)}),
    ],
)
def test_a_page_of_another_question_is_refused(question: Question, changes: dict[str, Any]) -> None:
    other = replace(question, cursor=cursor_at(question, 7), **changes)
    with pytest.raises(InvalidQueryError):
        start_of(other)


def test_an_answer_starts_at_the_offset_unless_a_cursor_says_otherwise() -> None:
    assert start_of(SEARCH) == start_of(GREP) == 0
    assert start_of(replace(SEARCH, offset=5)) == 5
    assert start_of(replace(SEARCH, offset=5, cursor=cursor_at(SEARCH, 7))) == 7
