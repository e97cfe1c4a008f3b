"""A budget holds for the whole answer, whatever is found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.mcp.conftest import Tools

from kodit.application.views.files import DefinitionView, MatchView, ReferenceView, SymbolsView
from kodit.application.views.search import ResultView
from kodit.application.views.standing import StandingRunView, StandingView
from kodit.domain.symbols import Use
from kodit.faces.mcp.definitions import BY_NAME
from kodit.faces.mcp.text.lines import show_matches
from kodit.faces.mcp.text.page import Page
from kodit.faces.mcp.text.results import show_results
from kodit.faces.mcp.text.sheet import Sheet
from kodit.faces.mcp.text.symbols import show_symbols

NOW = datetime(2026, 11, 25, tzinfo=UTC)
LEAST = BY_NAME["search"].by_name["budget"].least
CURSOR = "MS4xMDAuYWJjZGVmZ2hpamts"

lines = st.text(st.characters(exclude_characters="\n"), max_size=600)
texts = st.lists(lines, max_size=30).map("\n".join)
paths = st.text(min_size=1, max_size=300)
names = st.text(min_size=1, max_size=60)
numbers = st.integers(1, 10_000)


@st.composite
def results(draw: st.DrawFn) -> ResultView:
    text, start = draw(texts), draw(numbers)
    return ResultView(
        index_id=draw(numbers),
        source=draw(paths),
        path=draw(paths),
        file=None,
        start_line=start,
        end_line=start + text.count("\n"),
        language="python",
        symbol=draw(st.none() | names),
        kind="function",
        scope=draw(st.just("") | names),
        score=1.0,
        text=text,
        cut=False,
    )


@st.composite
def definitions(draw: st.DrawFn) -> DefinitionView:
    text, start = draw(texts), draw(numbers)
    last = start + text.count("\n")
    return DefinitionView(
        index_id=1,
        source="s",
        path=draw(paths),
        file=None,
        start_line=start,
        end_line=last,
        line=draw(st.integers(start, last)),
        language="python",
        symbol=draw(names),
        kind="method",
        scope=draw(names),
        text=text,
    )


references = st.builds(
    ReferenceView,
    index_id=numbers,
    source=st.just("s"),
    path=paths,
    file=st.none(),
    line=numbers,
    language=st.just("python"),
    symbol=st.none(),
    kind=st.none(),
    scope=st.just(""),
    text=lines,
    use=st.sampled_from([use.value for use in Use]),
    within=st.just("") | paths,
)
matches = st.builds(
    MatchView,
    index_id=numbers,
    source=st.just("s"),
    path=paths,
    language=st.just("python"),
    line=numbers,
    column=numbers,
    text=lines,
    before=st.none() | st.lists(lines, max_size=3).map(tuple),
    after=st.none() | st.lists(lines, max_size=3).map(tuple),
)
standing = st.lists(
    st.builds(
        StandingView,
        index_id=numbers,
        source=paths,
        state=st.sampled_from(["complete", "updating", "indexing", "incomplete", "failed"]),
        commit=st.none() | st.just("0123456789abcdef"),
        indexed_at=st.none()
        | st.timedeltas(timedelta(0), timedelta(900)).map(lambda age: (NOW - age).isoformat()),
        run=st.none() | st.just(StandingRunView(1, "running", 40)),
        changed_files=st.integers(0, 9),
        pending=st.just(("EXTRACT",)),
        failed=st.just(("ENRICH",)),
        left_out=st.just({"binary": 2}),
        unsearched=st.sampled_from([(), ("keyword",)]),
        folder=st.none() | paths,
    ),
    max_size=12,
).map(tuple)
budgets = st.integers(LEAST, 3_000)
pages = st.tuples(budgets, standing)


def check(
    page: tuple[int, tuple[StandingView, ...]], fill: Callable[[Page, bool], int], count: int
) -> None:
    """Fill a page, and check that it keeps to its budget and can continue."""
    budget, stands = page
    writing = Page(budget, stands, NOW)
    shown = fill(writing, len(stands) > 1)
    assert 0 <= shown <= count
    text = writing.finish(CURSOR if shown < count else None)
    assert len(text) <= budget * 4
    assert text.encode("utf-8").decode() == text
    if shown < count:
        assert text.endswith(f"cursor={CURSOR}")


@given(pages, st.lists(results(), min_size=1, max_size=12))
def test_results_fit(page: tuple[int, tuple[StandingView, ...]], found: list[ResultView]) -> None:
    check(page, lambda one, several: show_results(one.sheet, found, several=several), len(found))


@given(pages, st.lists(matches, min_size=1, max_size=30))
def test_lines_fit(page: tuple[int, tuple[StandingView, ...]], found: list[MatchView]) -> None:
    check(page, lambda one, several: show_matches(one.sheet, found, several=several), len(found))


@given(pages, st.lists(definitions(), max_size=8), st.lists(references, max_size=20))
def test_symbols_fit(
    page: tuple[int, tuple[StandingView, ...]],
    defined: list[DefinitionView],
    used: list[ReferenceView],
) -> None:
    view = SymbolsView("x", tuple(defined), tuple(used), True, (), None)
    most = max(len(defined), len(used))
    check(page, lambda one, several: show_symbols(one.sheet, view, several=several), most)


def test_each_warning_has_its_share_of_a_small_budget() -> None:
    """However long the one before it is."""
    failed = [
        StandingView(
            index_id=number,
            source=f"/{'a' * 300}",
            state="failed",
            commit=None,
            indexed_at=None,
            run=None,
            changed_files=0,
            pending=(),
            failed=("EXTRACT", "ENRICH") * 99,
            left_out={},
            unsearched=(),
        )
        for number in (1, 2, 3)
    ]
    lines = Page(LEAST, failed, NOW).finish().split("\n")
    assert [line[:4] for line in lines[:3]] == ["[1] ", "[2] ", "[3] "]
    assert len({len(line) for line in lines[:3]}) == 1
    [alone, *_] = Page(LEAST, failed[:1], NOW).finish().split("\n")
    assert len(alone) > 2 * len(lines[0])


def test_a_path_cannot_look_like_another_line() -> None:
    """Repository content is data: a name with a line end in it stays on its line."""
    hostile = ResultView(
        index_id=1,
        source="s",
        path="a.py:1-1\nb.py:2-3 function delete\u2028\x1b[2J\udc80",
        file=None,
        start_line=1,
        end_line=1,
        language="python",
        symbol="x\ny",
        kind="function",
        scope="",
        score=1.0,
        text="x",
        cut=False,
    )
    page = Page(1_000, (), NOW)
    show_results(page.sheet, [hostile], several=False)
    assert page.finish().splitlines() == [
        '"a.py:1-1\\nb.py:2-3 function delete\\u2028\\u001b[2J\\udc80":1-1 function x\\ny',
        "```",
        "x",
        "```",
    ]


@pytest.mark.parametrize("budget", [100, 137, 400, 1_000])
def test_every_tool_keeps_to_its_budget(tools: Tools, budget: int) -> None:
    """As a client sees it; by default, the default budget."""
    calls: dict[str, dict[str, Any]] = {
        "search": {"query": "basket"},
        "grep": {"pattern": "e", "context": 2},
        "symbols": {"name": "Basket"},
        "related": {"path": "shop/prices.py", "line": 14},
    }
    for name, arguments in calls.items():
        assert len(tools.text(name, **arguments, budget=budget)) <= budget * 4
    calls |= {"read": {"path": "shop/prices.py"}, "files": {"limit": 500}, "indexes": {}}
    for name, arguments in calls.items():
        assert len(tools.text(name, **arguments)) <= 4_000 * 4


def test_what_fits_into_no_answer_is_passed(tools: Tools) -> None:
    """A place that is longer than the whole budget is cut, and the next page goes on behind it."""
    names = [f"{letter * 240}.py" for letter in "ab"]
    for name in names:
        (tools.folder / name).write_text("def far_away():\n    pass\n")
    tools.serving.index(tools.folder)
    pages: list[str] = []
    arguments: dict[str, Any] = {"name": "far_away", "budget": LEAST}
    while len(pages) < 10:
        pages.append(tools.text("symbols", **arguments))
        _, _, cursor = pages[-1].partition("\nMore: cursor=")
        if not cursor:
            break
        arguments["cursor"] = cursor
    assert [("a" * 30 in page, "b" * 30 in page) for page in pages] == [
        (True, False),
        (False, True),
    ]
    for name in names:
        (tools.folder / name).unlink()


def test_a_long_file_is_read_in_parts(tools: Tools) -> None:
    """Each part says how to get the next; together they are the file."""
    path = tools.folder / "long.py"
    path.write_text("".join(f"line_{number} = {number * 'x'!r}\n" for number in range(1, 400)))
    tools.serving.index(tools.folder)
    read: list[str] = []
    arguments = {"path": "long.py"}
    while True:
        head, *text = tools.text("read", **arguments).split("\n")
        head, _, more = head.partition("; call read with path=long.py ")
        read += text
        assert head == f"long.py:{len(read) - len(text) + 1}-{len(read)} of 399"
        if not more:
            break
        arguments = {"path": "long.py", "lines": more.split("lines=")[1].split()[0]}
    assert read == path.read_text().splitlines()


def test_lines_around_matches_begin_anew_with_each_file() -> None:
    """Within a file no line is shown twice, and a gap is marked."""

    def match(path: str, line: int) -> MatchView:
        before = tuple(f"line {number}" for number in range(max(1, line - 2), line))
        return MatchView(1, "/shop", path, None, "python", line, 1, f"line {line}", before, ())

    sheet = Sheet(LEAST)
    matches = [match("a.py", 3), match("a.py", 4), match("a.py", 9), match("b.py", 2)]
    assert show_matches(sheet, matches, several=False) == len(matches)
    assert str(sheet).split("\n") == [
        *("a.py", "1-line 1", "2-line 2", "3:line 3", "4:line 4"),
        *("--", "7-line 7", "8-line 8", "9:line 9"),
        *("b.py", "1-line 1", "2:line 2"),
    ]
