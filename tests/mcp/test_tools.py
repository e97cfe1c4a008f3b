"""The answers of each tool, and its answers to mistakes."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import replace
from typing import Any

import pytest
from tests.mcp.conftest import PRICES, Mode, Tools, text_of

from kodit.application.views.files import TextView
from kodit.domain.caller import Caller

HEAD = re.compile(r"^\S+:\d+-\d+(?: [a-z]+ \S.*)?$", re.MULTILINE)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_search_names_places_and_shows_code(tools: Tools, mode: Mode) -> None:
    """In the old handshake and in the new revision alike."""
    result = tools.call("search", mode=mode, query="round an amount of money to cents", limit=3)
    text = text_of(result)
    assert "shop/prices.py:26-29 function round_price" in text
    assert "    return cents / 100" in text
    assert text.endswith("just now") or "More: cursor=" in text
    assert "score" not in text


def test_the_places_of_all_results_come_before_their_code(tools: Tools) -> None:
    """A reader of the start knows all places."""
    text = tools.text("search", query="basket", limit=8)
    overview = text.split("\n\n")[0]
    assert len(HEAD.findall(overview)) == 8
    assert "    def __init__(self, currency):" in text.split("\n\n", 1)[1]


def test_cursors_lead_through_all_results_in_order(tools: Tools) -> None:
    """Each answer continues where the one before ended: nothing is missing, nothing is repeated."""
    whole = places(tools.text("search", query="basket", limit=500, budget=25_000))
    seen: list[str] = []
    answers = 0
    cursor: dict[str, Any] = {}
    while True:
        text = tools.text("search", query="basket", limit=5, budget=400, **cursor)
        answers += 1
        found = re.search(r"cursor=(\S+)$", text)
        if found is None:
            break
        cursor = {"cursor": found[1]}
        done = int(b64decode(found[1] + "==").split(b".")[1]) - len(seen)
        assert done > 0
        seen += places(text)[:done]
    assert seen + places(text) == whole
    assert answers > len(whole) // 5


def places(text: str) -> list[str]:
    """The places that an answer lists, each once."""
    return list(dict.fromkeys(match.group() for match in HEAD.finditer(text)))


def test_grep_shows_lines_below_their_file(tools: Tools) -> None:
    """Context is marked as ripgrep marks it."""
    text = tools.text("grep", pattern=r"def \w+_price", paths=["shop/*"], context=1)
    assert text.splitlines()[:5] == [
        "shop/prices.py",
        "19-",
        "20:    def total_price(self, with_tax=True):",
        '21-        """What everything costs together, rounded to cents."""',
        "--",
    ]


def test_symbols_shows_the_definition_and_its_uses(tools: Tools) -> None:
    """The code of the definition, and the lines that use it."""
    text = tools.text("symbols", name="round_price")
    assert text.startswith(
        "shop/prices.py:26-29 function round_price\n```\ndef round_price(amount):"
    )
    assert "\n".join(["```", *PRICES.splitlines()[25:29], "```"]) in text
    assert "Imported in:\nshop/orders.py\n3:from shop.prices import Basket, round_price" in text


def test_read_gives_lines_and_says_of_how_many(tools: Tools) -> None:
    """With all forms of a line range."""
    expected = "\n".join(["shop/prices.py:26-27 of 29", *PRICES.splitlines()[25:27]])
    for arguments in (
        {"path": "shop/prices.py", "lines": "26-27"},
        {"path": "shop/prices.py:26-27"},
        {"file_path": "shop/prices.py", "offset": 26, "limit": 2},
        {"filePath": "./shop/prices.py", "start_line": 26, "end_line": "27"},
        {"path": str(tools.folder / "shop/prices.py"), "lines": "26-27"},
    ):
        assert tools.text("read", **arguments) == expected


def test_lines_are_read_without_their_ends(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = tools.serving.application.answers
    read = answers.read

    async def read_from_windows(*asked: Any) -> TextView:
        view = await read(*asked)
        return replace(view, text=view.text.replace("\n", "\r\n"))

    expected = tools.text("read", path="shop/prices.py")
    monkeypatch.setattr(answers, "read", read_from_windows)
    assert tools.text("read", path="shop/prices.py") == expected


def test_an_outline_lists_what_a_file_defines(tools: Tools) -> None:
    """With lines, nested as in the file."""
    text = tools.text("read", path="shop/prices.py", outline=True)
    assert text.splitlines()[0] == "shop/prices.py: 29 lines, python"
    assert "\n  13-18 method add_item\n" in text
    assert text.endswith("\n26-29 function round_price")


def test_files_lists_paths_with_their_lines(tools: Tools) -> None:
    """Filtered by globs."""
    assert tools.text("files", paths=["shop/**"]).splitlines()[:2] == [
        "shop/orders.py 10",
        "shop/prices.py 29",
    ]


def test_related_shows_similar_code(tools: Tools) -> None:
    """Never the place itself."""
    text = tools.text("related", path="shop/prices.py", line=27, limit=2)
    assert "26-29" not in text.split("—")[0]
    assert HEAD.search(text)


def test_indexes_says_what_is_indexed(tools: Tools) -> None:
    """And what is left out, with the reasons."""
    text = tools.text("indexes")
    assert f"[1] {tools.folder}: " in text
    assert "left out: 1 binary" in text


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("search", {"querry": "x"}, "did you mean `query`?"),
        ("search", {}, "`search` needs `query`"),
        ("search", {"query": "x", "limit": "many"}, "takes a number"),
        ("search", {"query": "x", "limit": 0}, "takes a number of at least 1"),
        ("search", {"query": "x", "kinds": ["methood"]}, "did you mean method?"),
        ("search", {"query": "x", "languages": ["pyton"]}, "did you mean python?"),
        ("search", {"query": "x", "cursor": "nonsense"}, "without a cursor"),
        ("search", {"query": "x", "source": "/nowhere"}, "call indexes"),
        ("search", {"query": "x", "query_": None, "q": "y"}, "has no parameter `query_`"),
        ("grep", {"pattern": "("}, "escape what is meant literally"),
        ("symbols", {"name": "x", "uses": "readers"}, "callers, callees, implementations"),
        ("read", {"path": "prices.py"}, "'shop/prices.py'"),
        ("read", {"path": "shop/prices.py", "lines": "a-b"}, "30-60"),
        ("read", {"path": "shop/prices.py", "lines": "90-99"}, "has 29 lines"),
        ("read", {"path": "../../etc/passwd"}, "is not indexed"),
        ("read", {"path": "/etc/passwd"}, "not indexed"),
        ("related", {"path": "shop/prices.py", "line": 400}, "ends at line"),
        ("index", {"source": "1", "action": "remove"}, "sync, cancel, delete"),
        ("search", {"query": "x", "paths": "[" * 4_000}, "The path glob"),
        ("search", {"query": "x", "paths": "a" * 4_001}, "at most 4,000 are allowed"),
        ("search", {"query": "x", "paths": ["a"] * 101}, "at most 100 values"),
        ("search", {"query": "x" * 200_001}, "at most 200,000 are allowed"),
        ("search", {"query": "x", "limit": -(10**400)}, "takes a number of at least 1"),
        ("search", {"query": "x", "q" * 500_000: 1}, "has no parameter"),
    ],
)
def test_a_mistake_is_answered_with_what_would_be_right(
    tools: Tools, name: str, arguments: dict[str, Any], expected: str
) -> None:
    """The nearest name, the valid values, or the next call."""
    assert expected in tools.refused(name, **arguments)


def test_an_unknown_tool_is_answered_with_the_nearest(tools: Tools) -> None:
    """Where a model reads it."""
    assert "Did you mean search?" in tools.refused("serch", query="x")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("search", {"pattern": "round price", "maxResults": "2"}),
        ("search", {"question": "round price", "languages": "python, text", "top_k": 2.0}),
        ("search", {"query": "round price", "repo": ".", "paths": '["shop/**"]'}),
        ("grep", {"query": "round_price", "-i": True, "-C": 1, "glob": "shop/*"}),
        ("symbols", {"symbol": "round_price", "kind": "FUNCTION"}),
        ("symbols", {"query": "round_price", "repository": "1"}),
        ("files", {"path": "shop/*"}),
        ("related", {"file": "shop/prices.py", "line_number": "27"}),
        ("indexes", {"project": "1"}),
        ("search", {"query": "round price", "limit": 10**400}),
    ],
)
def test_other_names_and_forms_of_parameters_are_understood(
    tools: Tools, name: str, arguments: dict[str, Any]
) -> None:
    """Models use the names that they know."""
    assert "shop" in tools.text(name, **arguments)


def test_nothing_found_says_why(tools: Tools) -> None:
    """No such path, no such language, or nothing at all are different answers."""
    assert "No indexed file matches paths nowhere/**" in tools.text(
        "search", query="price", paths=["nowhere/**"]
    )
    assert "did you mean python?" in tools.refused("grep", pattern="x", languages=["phyton"])
    text = tools.text("symbols", name="no_such_name_anywhere")
    assert "Nothing found" in text
    assert "1 binary" in text


def test_a_caller_who_may_only_read_changes_nothing(tools: Tools) -> None:
    """Neither by a write, nor by naming an unindexed source."""
    reader = Caller(folder=None, may_write=False)
    result = tools.call("index", caller=reader, source="1", action="delete")
    assert result.is_error
    assert "can only read" in text_of(result)
    assert "[1]" in text_of(tools.call("indexes", caller=reader))


def test_the_callers_of_a_name_and_what_it_calls(tools: Tools) -> None:
    text = tools.text("symbols", name="round_price", uses="callers")
    assert "Called in:\n" in text
    assert "Imported in:" not in text
    assert re.search(r"^\d+:\[in Basket\.total_price\] .*round_price\(", text, re.MULTILINE)
    callees = tools.text("symbols", name="Basket.total_price", uses="callees")
    assert re.search(r"^\d+:\[shop/prices\.py:\d+\] .*round_price\(", callees, re.MULTILINE)


def test_uses_are_not_looked_for_by_a_name_with_a_star(tools: Tools) -> None:
    """The answer does not look as if there were none."""
    text = tools.text("symbols", name="round_pr*", uses="callers")
    assert "function round_price" in text
    assert "A name with * finds definitions alone" in text
    assert "with *" not in tools.text("symbols", name="round_price", uses="callers")


def test_the_map_of_a_repository(tools: Tools) -> None:
    text = tools.text("files", source="shop", map=True)
    assert "shop/prices.py\n" in text
    assert re.search(r"^\d+:def round_price\(", text, re.MULTILINE)
    assert re.search(r"The \d+ most important of \d+ files", text)
