"""The standing of an answer, and its space: letter by letter, without an index."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from kodit.application.views.standing import StandingRunView, StandingView
from kodit.composition import Application
from kodit.domain.caller import LOCAL_CALLER
from kodit.faces.mcp.calls import Call, ReportProgress
from kodit.faces.mcp.definitions import BY_NAME
from kodit.faces.mcp.text.page import Page
from kodit.faces.mcp.text.sheet import Sheet, one_line, shortened
from kodit.faces.mcp.text.standing import ago, index_lines, missing_in, standing_lines
from kodit.faces.mcp.tools.nothing import nothing_found

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
COMPLETE = StandingView(
    index_id=1,
    source="/shop",
    state="complete",
    commit="0123456789abcdef",
    indexed_at=(NOW - timedelta(hours=2)).isoformat(),
    run=None,
    changed_files=0,
    pending=(),
    failed=(),
    left_out={},
    unsearched=(),
)


def standing(**changes: Any) -> StandingView:
    return replace(COMPLETE, **changes)


def run(percent: int | None) -> StandingRunView:
    return StandingRunView(7, "running", percent)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"state": "indexing"}, "still indexing; ask again later for more"),
        ({"state": "indexing", "run": run(None)}, "still indexing; ask again later for more"),
        ({"state": "indexing", "run": run(0)}, "still indexing, 0 %; ask again later for more"),
        (
            {"state": "updating", "run": run(40), "changed_files": 3},
            "being updated, 40 %; this is the state before the update",
        ),
        ({"state": "failed"}, "its last run failed; call index to retry"),
        (
            {"state": "failed", "failed": ("EMBED", "ENRICH"), "changed_files": 1},
            "its last run failed (EMBED, ENRICH); call index to retry; "
            "1 file has changed since and is not included yet",
        ),
        (
            {"state": "incomplete"},
            "not completely indexed, and no run is in progress; call index",
        ),
        ({"changed_files": 2}, "2 files have changed since and are not included yet"),
        (
            {"is_searchable_nowhere": True},
            "its last changes are searchable nowhere yet, because no node that searches is running",
        ),
        ({"behind": 1}, "1 change is not searched on this machine yet; ask again"),
        ({"behind": 2}, "2 changes are not searched on this machine yet; ask again"),
        ({"unsearched": ("keyword",)}, "searched without the keyword index"),
        ({"unsearched": ("keyword", "vector")}, "searched without the keyword and vector index"),
    ],
)
def test_what_an_index_is_missing(changes: Mapping[str, Any], expected: str | None) -> None:
    assert missing_in(standing(**changes)) == expected


def test_an_answer_says_what_it_is_based_on() -> None:
    """With its number if there are several, and only of those with results."""
    assert standing_lines([], NOW) == ([], [])
    alone = "— /shop at 01234567, indexed 2 hours ago"
    assert standing_lines([COMPLETE], NOW) == ([], [alone])
    others = [standing(index_id=number, source=f"/{number}", commit=None) for number in range(2, 8)]
    named = [f"[{number}] /{number}, indexed 2 hours ago" for number in range(2, 8)]
    assert standing_lines(others[:4], NOW) == ([], ["— " + "; ".join(named[:4])])
    more = f"— {'; '.join(named[:4])}; and 2 more indexes"
    assert standing_lines(others, NOW) == ([], [more])
    assert standing_lines(others, NOW, {3}) == ([], [f"— {named[1]}"])
    assert standing_lines(others, NOW, {99}) == ([], [])
    never = standing(indexed_at=None)
    assert standing_lines([never], NOW) == ([], ["— /shop at 01234567"])


def test_some_incomplete_indexes_are_named_and_the_others_counted() -> None:
    broken = [standing(index_id=number, state="incomplete") for number in range(1, 7)]
    problem = "not completely indexed, and no run is in progress; call index."
    warnings, _sources = standing_lines(broken[:4], NOW)
    assert warnings == [f"[{number}] /shop: {problem}" for number in range(1, 5)]
    warnings, _sources = standing_lines(broken, NOW)
    assert warnings[3:] == [f"[4] /shop: {problem}", "2 more indexes are incomplete; call indexes."]
    assert standing_lines(broken[:1], NOW)[0] == [f"/shop: {problem}"]


def test_of_a_long_source_the_end_is_shown_and_the_folder_that_was_asked() -> None:
    long = standing(source="/start/" + "x" * 90 + "/end\n", folder="src", commit=None)
    [line] = standing_lines([long], NOW)[1]
    label, _, rest = line.removeprefix("— ").partition(" (")
    assert label == "…" + ("x" * 90 + "/end\\n")[-80:]
    assert rest == "only src/), indexed 2 hours ago"
    [line] = standing_lines([standing(folder="y" * 100)], NOW)[1]
    assert f"(only {'y' * 79}…)" in line


def test_an_index_in_a_list() -> None:
    assert index_lines(COMPLETE, 1, NOW) == ["[1] /shop: 1 file at 01234567, indexed 2 hours ago"]
    one = standing(
        folder="src dir", state="incomplete", commit=None, left_out={"binary": 2, "too_large": 1}
    )
    assert index_lines(one, 1_234, NOW) == [
        '[1] /shop (only "src dir/"): 1,234 files, indexed 2 hours ago',
        "  not completely indexed, and no run is in progress; call index",
        "  left out: 2 binary, 1 too_large",
    ]
    assert index_lines(standing(source="/a\x1b[2J"), 0, NOW)[0].startswith(
        "[1] /a\\x1b[2J: 0 files"
    )


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-3_700, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (3_599, "59 minutes ago"),
        (3_600, "1 hour ago"),
        (7_200, "2 hours ago"),
        (86_400, "1 day ago"),
        (172_800, "2 days ago"),
    ],
)
def test_how_long_ago(seconds: int, expected: str) -> None:
    assert ago(NOW, NOW - timedelta(seconds=seconds)) == expected


def test_what_is_missing_takes_a_quarter_of_a_small_answer() -> None:
    """All warnings together; each line at the end as well, and the cursor has space too."""
    broken = [
        standing(index_id=number, source="s" * 80, state="incomplete") for number in range(1, 4)
    ]
    page = Page(100, broken, NOW)
    warnings = str(page.sheet).split("\n")
    assert [len(line) for line in warnings] == [33, 33, 33]
    assert all(line.endswith("…") for line in warnings)
    while page.sheet.add("x"):
        pass
    text = page.finish("c" * 85)
    assert text.endswith(f"\nMore: cursor={'c' * 85}")
    [source] = [line for line in text.split("\n") if line.startswith("— ")]
    assert len(source) == 100
    assert len(text) <= 400
    wide = Page(4_000, broken, NOW)
    assert str(wide.sheet).count("call index.") == 3
    room = wide.sheet.left
    assert wide.finish("c", more="Next").endswith("\nNext: cursor=c")
    assert wide.sheet.left == room + 160 - len("Next: cursor=c")


def test_a_note_stays_on_its_line_and_is_cut() -> None:
    page = Page(100, (), NOW)
    page.note("first\nsecond")
    assert str(page.sheet) == "first\\nsecond"
    page.note("x" * 1_000)
    assert page.sheet.left == 0
    assert str(page.sheet).endswith("x…")


def test_a_sheet_takes_what_fits_to_the_character() -> None:
    sheet = Sheet(25)
    assert sheet.left == 100
    sheet.reserve(9)
    assert sheet.left == 90
    assert not sheet.has_lines
    assert not sheet.add("a" * 44, "b" * 45)
    assert sheet.left == 90
    assert sheet.add("a" * 44, "b" * 44)
    assert sheet.has_lines
    assert not sheet.add("")
    sheet.release()
    assert sheet.left == 10
    sheet.force("0123456")
    assert str(sheet).endswith("\n0123456")
    sheet.force("more")
    assert sheet.left == 0
    assert str(sheet).endswith("\n0123456\n…")
    sheet.reserve(50)
    assert sheet.left == 0


@pytest.mark.parametrize(
    ("text", "longest", "expected"),
    [("abcd", 4, "abcd"), ("abcde", 4, "abc…"), ("ab", 1, "…"), ("ab", 0, "…")],
)
def test_a_text_is_shortened_where_it_is_too_long(text: str, longest: int, expected: str) -> None:
    assert shortened(text, longest) == expected


def test_control_characters_are_written_out() -> None:
    """Undecodable bytes stay, since JSON replaces them in the end."""
    assert one_line("a\tb\x00\u2028\udc80") == "a\\tb\\x00\\u2028\udc80"
    assert one_line("größe") == "größe"


def nothing(tool: str, *views: StandingView, start: int = 0, **told: Any) -> list[str]:
    """The lines of an answer to a call that found nothing, and asked for no paths or languages."""
    application = cast(Application, SimpleNamespace(clock=SimpleNamespace(now=lambda: NOW)))
    call = Call(application, LOCAL_CALLER, BY_NAME[tool], {}, cast(ReportProgress, None))
    return asyncio.run(nothing_found(call, views, start, **told)).split("\n")


def test_answers_without_results() -> None:
    """The advice depends on the tool, and on the indexes."""
    other = standing(index_id=2, source="/bank", left_out={"binary": 1, "secret": 4})
    never = standing(index_id=2, source="/bank", indexed_at=None)
    instead = {
        "search": "Rephrase the query, or call grep for literal text.",
        "grep": "Try ignore_case, a shorter pattern, or call search with a description.",
        "symbols": "Call search with the name to find other spellings.",
        "related": "Leave paths out, or call search.",
        "files": "Call files without paths and languages.",
    }
    for tool, sentence in instead.items():
        assert nothing(tool, COMPLETE)[0] == f"Nothing found. {sentence}"
    told = nothing("grep", standing(left_out={"binary": 2}), other, problems=["a\nb is wrong"])
    assert told[0] == "a\\nb is wrong."
    assert told[2] == "Files left out of the index: 4 secret, 3 binary."
    assert nothing("symbols", COMPLETE, near=["add", "adds"])[0] == (
        "Nothing found. Did you mean 'add' or 'adds'?"
    )
    assert nothing("grep", COMPLETE, never)[0] == "Nothing found so far."
    assert nothing("grep", never, start=3)[0] == "There are no more results."
    assert nothing("grep", start=3) == [
        "Nothing is indexed yet. Call index with a folder or git URL as its source."
    ]
