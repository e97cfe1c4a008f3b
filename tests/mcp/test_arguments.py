"""Parsing the arguments of a call, before any work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pytest

from kodit.composition import Application
from kodit.domain.caller import LOCAL_CALLER
from kodit.domain.errors import InvalidQueryError, KoditError, UserError
from kodit.domain.questions import Where
from kodit.faces.mcp.advice import ADVICE, sentence_of
from kodit.faces.mcp.arguments import (
    ALIASES,
    LARGEST_NUMBER,
    LONGEST_VALUE,
    MOST_VALUES,
    understand,
)
from kodit.faces.mcp.arguments import unknown_tool as about_unknown
from kodit.faces.mcp.calls import Call
from kodit.faces.mcp.definitions import BY_NAME, LONGEST_WAIT_SECONDS
from kodit.faces.mcp.dispatch import SECONDS_OF_A_CALL
from kodit.faces.mcp.tools.finding import LONGEST_WAIT_OF_A_SEARCH
from kodit.faces.mcp.tools.on_demand_indexing import (
    FIRST_WAIT_SECONDS,
    LONGEST_LATER_WAIT_SECONDS,
)
from kodit.server.limits import Limits


@pytest.mark.parametrize(
    ("tool", "given", "expected"),
    [
        ("search", {"query": "x", "limit": None, "cursor": None}, {"query": "x"}),
        ("search", {"query": 7}, {"query": "7"}),
        ("search", {"query": ["x"]}, {"query": "x"}),
        ("search", {"--query": "x", "Max-Results": "3"}, {"query": "x", "limit": 3}),
        ("search", {"query": "x", "kinds": "METHOD, function,"}, {"kinds": ("method", "function")}),
        ("search", {"query": "x", "kinds": ["Class"]}, {"kinds": ("class",)}),
        ("search", {"query": "x", "paths": "a,b"}, {"paths": ("a,b",)}),
        ("search", {"query": "x", "paths": "[ab].py"}, {"paths": ("[ab].py",)}),
        ("search", {"query": "x", "paths": '["a", "b"]'}, {"paths": ("a", "b")}),
        ("search", {"query": "x", "paths": "[" * 4_000}, {"paths": ("[" * 4_000,)}),
        ("search", {"query": "x", "paths": ["a"] * MOST_VALUES}, {"paths": ("a",) * MOST_VALUES}),
        ("search", {"query": "x", "paths": "a" * LONGEST_VALUE}, {"paths": ("a" * LONGEST_VALUE,)}),
        ("search", {"query": "x", "wait": "2.5"}, {"wait": 2.5}),
        ("search", {"query": "x", "wait": 0}, {"wait": 0}),
        ("search", {"query": "x", "wait": 51}, {"wait": 50}),
        ("search", {"query": "x", "limit": 2.9}, {"limit": 2}),
        ("search", {"query": "x", "limit": 10**400}, {"limit": 500}),
        ("search", {"query": "x", "budget": 100}, {"budget": 100}),
        ("search", {"query": "x", "budget": 10**9}, {"budget": 25_000}),
        ("grep", {"pattern": "x", "ignore_case": "Yes"}, {"ignore_case": True}),
        ("grep", {"pattern": "x", "ignore_case": "OFF"}, {"ignore_case": False}),
        ("grep", {"pattern": "x", "ignore_case": ""}, {"ignore_case": False}),
        ("grep", {"pattern": "x", "ignore_case": 1}, {"ignore_case": True}),
        ("grep", {"pattern": "x", "path": "a"}, {"paths": ("a",)}),
        ("grep", {"query": "x", "-A": 3}, None),
        ("symbols", {"name": "x", "uses": "Callers"}, {"uses": "callers"}),
        ("index", {"source": 3, "action": "DELETE"}, {"source": "3", "action": "delete"}),
        ("read", {"path": "a", "offset": 26, "limit": 2}, {"lines": "26-27"}),
        ("read", {"path": "a", "offset": 0, "limit": 0}, {"lines": "1-1"}),
        ("read", {"path": "a", "offset": "3"}, {"lines": "3-"}),
        ("read", {"path": "a", "start": 3, "end": 9, "limit": 4}, {"lines": "3-9"}),
        ("read", {"path": "a", "startLine": 3, "endLine": "9"}, {"lines": "3-9"}),
        ("read", {"path": "a", "numLines": 5}, {"lines": "1-5"}),
        ("read", {"path": "a", "end": 5}, {"lines": "1-5"}),
        ("read", {"path": "a", "line": "7"}, {"lines": "7"}),
        ("related", {"path": "a", "lines": 7}, {"line": 7}),
        ("related", {"path": "a:12.py:7"}, {"path": "a:12.py", "line": 7}),
        ("related", {"path": "a\nb:30-60"}, {"path": "a\nb", "line": 30}),
        ("related", {"path": "a:30:5"}, {"path": "a", "line": 30}),
        ("related", {"path": "a#L30-L60"}, {"path": "a", "line": 30}),
        ("related", {"path": "a:3", "line": 7}, {"path": "a:3", "line": 7}),
        ("related", {"path": "a", "start_line": 7, "k": 2}, {"line": 7, "limit": 2}),
    ],
    ids=range(42),
)
def test_unambiguous_arguments_are_accepted(
    tool: str, given: Mapping[str, Any], expected: Mapping[str, Any] | None
) -> None:
    """Required arguments are added, unless the case is about the whole call."""
    if expected is None:
        with pytest.raises(InvalidQueryError):
            understand(BY_NAME[tool], given)
        return
    understood = understand(BY_NAME[tool], given)
    for name, value in expected.items():
        assert understood[name] == value
        assert type(understood[name]) is type(value)
    required = {one.name for one in BY_NAME[tool].parameters if one.is_required}
    assert set(understood) == set(expected) | required


@pytest.mark.parametrize(
    ("tool", "given", "code", "sentence"),
    [
        (
            "search",
            {"query": "x", "max": 1, "top_k": 2},
            "argument_invalid",
            "`search` was given `limit` twice under two names; give it once",
        ),
        (
            "index",
            {"source": None},
            "argument_missing",
            "`index` needs `source`. It takes `source` (required), `action`, `wait`.",
        ),
        (
            "index",
            {"source": "1", "actoin": "sync"},
            "argument_unknown",
            "`index` has no parameter `actoin`; did you mean `action`? It takes `source` "
            "(required), `action`, `wait`.",
        ),
        (
            "index",
            {"source": "1", "action": "sync", "actoin": "sync"},
            "argument_unknown",
            "`index` has no parameter `actoin`. It takes `source` (required), `action`, `wait`.",
        ),
        (
            "index",
            {"source": "1", "repo": "2"},
            "argument_unknown",
            "`index` has no parameter `repo`. It takes `source` (required), `action`, `wait`.",
        ),
        (
            "index",
            {"source": "1", "n" * 70: 1},
            "argument_unknown",
            f"`index` has no parameter `{'n' * 60}`. It takes `source` (required), `action`, "
            "`wait`.",
        ),
        (
            "index",
            {"source": "1", "wait": -1},
            "argument_invalid",
            "`wait` of index takes a number of at least 0, not -1",
        ),
        (
            "search",
            {"query": "x", "budget": 99},
            "argument_invalid",
            "`budget` of search takes a number of at least 100, not 99",
        ),
        (
            "search",
            {"query": "x", "limit": True},
            "argument_invalid",
            '`limit` of search takes a number, not "True"',
        ),
        (
            "search",
            {"query": "x", "limit": "inf"},
            "argument_invalid",
            '`limit` of search takes a number, not "inf"',
        ),
        (
            "search",
            {"query": "x", "limit": "-inf"},
            "argument_invalid",
            '`limit` of search takes a number, not "-inf"',
        ),
        (
            "search",
            {"query": "x", "limit": -(10**400)},
            "argument_invalid",
            f"`limit` of search takes a number of at least 1, not -{LARGEST_NUMBER}",
        ),
        (
            "search",
            {"query": "x", "limit": "ten" * 40},
            "argument_invalid",
            f'`limit` of search takes a number, not "{("ten" * 40)[:79]}…',
        ),
        ("search", {"query": True}, "argument_invalid", "`query` of search takes text, not true"),
        (
            "search",
            {"query": ["x", "y"]},
            "argument_invalid",
            '`query` of search takes text, not ["x", "y"]',
        ),
        (
            "search",
            {"query": "x", "paths": [["a", "b"]]},
            "argument_invalid",
            '`paths` of search takes text, not ["a", "b"]',
        ),
        (
            "grep",
            {"pattern": "x", "ignore_case": "maybe"},
            "argument_invalid",
            '`ignore_case` of grep takes true or false, not "maybe"',
        ),
        (
            "index",
            {"source": "1", "action": "x" * 70},
            "argument_invalid",
            f"`action` of index must be one of sync, cancel, delete, not '{'x' * 60}'",
        ),
        (
            "index",
            {"source": "1", "action": "delet"},
            "argument_invalid",
            "`action` of index must be one of sync, cancel, delete, not 'delet'; did you mean "
            "delete?",
        ),
        (
            "search",
            {"query": "x", "paths": ["a"] * (MOST_VALUES + 1)},
            "argument_invalid",
            "`paths` of search takes at most 100 values, not 101",
        ),
        (
            "search",
            {"query": "x", "paths": "a" * (LONGEST_VALUE + 1)},
            "argument_invalid",
            "`paths` has 4,001 characters; at most 4,000 are allowed",
        ),
        (
            "related",
            {"path": "a.py:9-3"},
            "lines_invalid",
            "invalid line range 9-3: lines are numbered from 1, and the first must not come after "
            "the last",
        ),
        (
            "related",
            {"path": "https://example.org/a.py#L3"},
            "argument_missing",
            "`related` needs `line`. It takes `path` (required), `line` (required), `source`, "
            "`paths`, `limit`, `budget`.",
        ),
    ],
    ids=range(23),
)
def test_invalid_arguments_get_a_correct_example(
    tool: str, given: Mapping[str, Any], code: str, sentence: str
) -> None:
    with pytest.raises(InvalidQueryError) as caught:
        understand(BY_NAME[tool], given)
    assert (caught.value.code, str(caught.value)) == (code, sentence)


def test_a_parameter_that_is_kept_for_later() -> None:
    """Is offered nowhere, and refused with what there is instead."""
    symbols = BY_NAME["symbols"]
    reserved = [replace(one, is_reserved=one.name == "uses") for one in symbols.parameters]
    tool = replace(symbols, parameters=tuple(reserved))
    assert "uses" not in tool.input_schema["properties"]
    assert understand(tool, {"name": "x", "uses": None}) == {"name": "x"}
    with pytest.raises(InvalidQueryError, match="`uses` of symbols is reserved") as caught:
        understand(tool, {"name": "x", "uses": "callers"})
    assert caught.value.code == "argument_reserved"
    with pytest.raises(InvalidQueryError) as caught:
        understand(tool, {"nothing": "x"})
    assert "`uses`" not in str(caught.value)


async def _silent(progress: float, total: float | None = None, message: str | None = None) -> None:
    """Nobody wants to know."""


def called(tool: str, **given: Any) -> Call:
    application = cast(Application, None)
    return Call(application, LOCAL_CALLER, BY_NAME[tool], given, _silent)


def test_what_a_call_asks_for_unless_it_says_so() -> None:
    """A caller who waits is answered before the call is cancelled, and the call before its
    request."""
    assert (called("search").budget, called("search", budget=100).budget) == (4_000, 100)
    limits = {"search": 10, "grep": 100, "symbols": 50, "files": 200, "related": 10}
    assert {name: called(name).limit for name in limits} == limits
    assert called("search", limit=3).limit == 3
    assert [called(name).wait for name in ("search", "index")] == [2, 0]
    assert called("index", wait=0.5).wait == 0.5
    longest = called("index", wait=50).wait
    assert longest == 42
    looking = FIRST_WAIT_SECONDS + LONGEST_LATER_WAIT_SECONDS
    assert FIRST_WAIT_SECONDS < 5
    assert looking + LONGEST_WAIT_OF_A_SEARCH < longest + 1
    assert longest + 1 < SECONDS_OF_A_CALL < Limits().request_seconds < LONGEST_WAIT_SECONDS


@pytest.mark.parametrize(
    ("given", "sources", "everywhere"),
    [
        ({}, (), False),
        ({"source": "all"}, (), True),
        ({"source": "*"}, (), True),
        ({"source": ("shop", "*")}, (), True),
        ({"source": "hall"}, ("hall",), False),
        ({"source": ("1", "2")}, ("1", "2"), False),
    ],
)
def test_which_indexes_are_meant(
    given: dict[str, Any], sources: tuple[str, ...], everywhere: bool
) -> None:
    where = called("search", **given, languages=("Python", "GO"), paths=("*.PY",)).where
    assert where == Where(sources, everywhere, ("python", "go"), ("*.PY",))


OTHER_NAMES = {
    "search query": "q question text search search_query prompt pattern name",
    "grep pattern": "query regex regexp expression search text q",
    "symbols name": "symbol symbol_name identifier function function_name query",
    "read path": "file_path file filename file_name filepath relative_path uri",
    "indexes source": "sources repo repository repos repositories repo_path index index_id project "
    "project_path root folder directory url",
    "search paths": "path glob globs include path_glob file_glob file_pattern",
    "search languages": "language lang type file_type",
    "search kinds": "kind symbol_kind symbol_kinds",
    "search limit": "max_results num_results top_k k n count head_limit max",
    "search budget": "max_tokens tokens token_budget",
    "search cursor": "next next_cursor page_token after",
    "read lines": "line range line_range line_numbers",
    "related line": "line_number lineno row start_line lines",
    "grep ignore_case": "case_insensitive i insensitive",
    "grep context": "context_lines c lines",
    "read outline": "symbols structure",
    "index action": "operation command mode",
    "search wait": "timeout wait_seconds",
    "symbols uses": "use",
}


@pytest.mark.parametrize("meant", OTHER_NAMES)
def test_every_other_name_of_a_parameter_is_known(meant: str) -> None:
    """Models use the names that they know from other tools."""
    tool, name = meant.split()
    values: dict[str, Any] = {"budget": 100, "kinds": "class", "action": "sync", "uses": "callers"}
    value = values.get(name, "1")
    required = {one.name: "x" for one in BY_NAME[tool].parameters if one.is_required}
    required.pop(name, None)
    right = understand(BY_NAME[tool], {**required, name: value})
    for other in OTHER_NAMES[meant].split():
        assert understand(BY_NAME[tool], {**required, other: value}) == right, other
    assert set(ALIASES[name]) == set(OTHER_NAMES[meant].split())


def test_every_parameter_with_other_names_is_tried() -> None:
    assert {meant.split()[1] for meant in OTHER_NAMES} == set(ALIASES)


def test_an_unknown_tool() -> None:
    names = "search, grep, symbols, read, files, related, indexes, index"
    assert about_unknown("serch") == (
        f"There is no tool 'serch'. Did you mean search? The tools are {names}."
    )
    assert about_unknown("x" * 200) == f"There is no tool '{'x' * 100}'. The tools are {names}."


def test_an_error_says_what_to_call_next() -> None:
    """As one sentence, whatever its ending; with the nearest choice if there are choices."""
    error = UserError("the queue is paused.", code="queue_paused")
    assert sentence_of(error) == (
        "The queue is paused; the user can resume it with `kodit queue resume`."
    )
    assert sentence_of(KoditError("something else.", code="nothing_known")) == "Something else."
    for address in ("https://x.org/a", "git@x.org:a", "main.py", "/shop", "'quoted'"):
        assert sentence_of(KoditError(f"{address} is gone")) == f"{address} is gone."
    folder = KoditError("that is a folder", code="file_not_found", folder="src/db")
    assert sentence_of(folder) == ("That is a folder; call files with paths src/db/** to list it.")
    assert sentence_of(KoditError("did you mean x?", code="queue_paused")) == "Did you mean x?"
    choices = {"value": "metod", "choices": "method, function"}
    wrong = InvalidQueryError("no kind 'metod'", code="choice_invalid", **choices)
    assert sentence_of(wrong) == "No kind 'metod'; did you mean method?"
    far = InvalidQueryError("no kind 'q'", code="choice_invalid", **choices | {"value": "q"})
    assert sentence_of(far) == "No kind 'q'."


def test_for_which_errors_something_can_be_done() -> None:
    """An error missing here would leave a model without a next step."""
    assert set(ADVICE) == set(
        "access_refused choice_invalid clone_behind clone_damaged clone_unreadable commit_gone "
        "credentials_missing credentials_not_given cursor_invalid expression_invalid "
        "file_misnamed file_not_found file_not_indexed_yet file_unreadable folder_missing "
        "git_failed grep_too_slow index_incomplete index_not_found keyword_index_unreadable "
        "line_not_found lines_invalid queue_paused run_has_ended run_has_succeeded "
        "source_ambiguous source_broad source_is_part source_not_indexed source_on_another_host "
        "source_unreachable unavailable".split()
    )
    assert all(advice[0].islower() and advice[-1] != "." for advice in ADVICE.values())
