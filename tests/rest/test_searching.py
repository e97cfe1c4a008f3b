"""`/search`, `/grep`, `/symbols` and `/related`: the effect of each parameter."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from tests.rest.conftest import Indexed
from tests.support.rest import REMOTE, Rest, code

from kodit.application.services.answers.answer_service import AnswerService
from kodit.application.views.search import SearchView
from kodit.application.views.serialization import to_json
from kodit.composition import Application
from kodit.domain.caller import LOCAL_CALLER
from kodit.domain.questions import SearchQuestion, Where
from kodit.domain.search import SearchMode
from kodit.domain.value_objects import SymbolKind

PRICES = ["shop/prices.py", "bank/money.py"]


def paths(answer: dict[str, Any]) -> list[str]:
    return [result["path"] for result in answer["results"]]


async def _search(question: SearchQuestion, application: Application) -> SearchView:
    return await application.answers.search(REMOTE, question)


def test_an_answer_is_exactly_the_view(rest: Rest) -> None:
    """Optional fields are present only on request."""
    for explain in (False, True):
        question = SearchQuestion("round_price", Where(), limit=3, explain=explain, wait=2.0)
        view = rest.serving.call(partial(_search, question))
        reply = rest.get("search", query="round_price", limit=3, explain=str(explain).lower())
        expected = json.dumps(to_json(view), separators=(",", ":")).encode("ascii")
        assert (reply.status, reply.body) == (200, expected)
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert ("explanation" in reply.json()["results"][0]) == explain


def test_a_query_string_and_a_body_ask_the_same(rest: Rest) -> None:
    asked: dict[str, Any] = {
        "query": "put an article into the cart",
        "sources": ["1"],
        "everywhere": True,
        "languages": ["python"],
        "paths": ["/shop/**", "/web/**"],
        "kinds": ["method", "class"],
        "mode": "keyword",
        "limit": 2,
        "offset": 1,
        "budget": 500,
        "explain": True,
        "wait": 0.5,
    }
    in_query = {**asked, "everywhere": "true", "explain": "true"}
    answer = rest.get("search", **in_query).json()
    assert answer == rest.post("search", **asked).json()
    assert len(answer["results"]) == 2
    assert answer["next"] is not None
    at_offset_0 = rest.post("search", **{**asked, "offset": 0}).json()
    assert paths(at_offset_0)[1:] == paths(answer)[:1]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"sources": ["1"]}, {"shop/prices.py"}),
        ({"sources": ["1", "2"]}, set(PRICES)),
        ({"languages": ["java"]}, set()),
        ({"languages": ["PYTHON"], "paths": ["/bank/**"]}, {"bank/money.py"}),
        ({"kinds": ["function"]}, set(PRICES)),
        ({"kinds": ["class"]}, set()),
        ({"authors": ["ADA"]}, {"bank/money.py"}),
        ({"authors": ["nobody"]}, set()),
        ({"created_after": "2000-01-01"}, {"bank/money.py"}),
        ({"created_after": "2999-12-31T23:59:59+02:00"}, set()),
        ({"created_before": "2999-12-31T23:59:59Z"}, {"bank/money.py"}),
        ({"created_before": "2000-01-01T00:00"}, set()),
        ({"limit": 1}, {"shop/prices.py"}),
        ({"mode": "code"}, set(PRICES)),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",  # a set has no order
)
def test_the_filters_of_a_search(rest: Rest, asked: dict[str, Any], found: set[str]) -> None:
    """In a query string as in a body."""
    by_query = paths(rest.get("search", query="round_price", **asked).json())
    assert set(by_query) & set(PRICES) == found
    assert paths(rest.post("search", query="round_price", **asked).json()) == by_query


def test_a_budget_cuts(rest: Rest) -> None:
    [result] = rest.get("search", query="round_price", budget=60).json()["results"]
    assert result["cut"]
    assert len(result["text"]) <= 4 * 60


def test_each_mode_is_asked(rest: Rest) -> None:
    """Each mode has its own scores."""
    scores = {
        mode.value: rest.get("search", query="round_price", mode=mode.value).json()["results"][0][
            "score"
        ]
        for mode in SearchMode
    }
    assert len(set(scores.values())) == len(SearchMode)


def test_pages_follow_each_other(rest: Rest) -> None:
    """Each result once, in the order of one long page, and the last page is marked."""
    whole = rest.get("search", query="price", limit=500).json()
    assert whole["next"] is None
    cursor: dict[str, str] = {}
    seen: list[Any] = []
    while True:
        page = rest.get("search", query="price", limit=4, **cursor).json()
        seen += page["results"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert seen == whole["results"]
    assert len(seen) > 4


def test_pages_end_whatever_the_budget(rest: Rest) -> None:
    """Also if no result fits it."""
    for budget in (1, 60, 200):
        cursor: dict[str, str] = {}
        cursors = set()
        while True:
            page = rest.get("search", query="price", limit=4, budget=budget, **cursor).json()
            if page["next"] is None:
                break
            assert page["next"] not in cursors
            cursors.add(page["next"])
            cursor = {"cursor": page["next"]}
        assert cursors


def test_a_search_may_wait_for_what_has_just_changed(
    indexed: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two seconds by default; not at all with 0."""
    asked: list[tuple[tuple[int, ...], float]] = []

    async def settle(index_ids: Sequence[int], seconds: float) -> bool:
        asked.append((tuple(index_ids), seconds))
        return False

    rest = indexed.rest
    application = rest.application
    answers = AnswerService(
        asked=application,
        scope=application.scoping,
        standing=application.standing,
        comparisons=application.comparisons,
        settle=settle,
    )
    monkeypatch.setattr(application, "answers", answers)
    rest.get("search", query="price", sources=["2"])
    rest.get("search", query="price", sources=["1"], wait=0.5)
    rest.post("search", query="price", wait=30)
    rest.post("search", query="price", wait=0)
    assert asked == [((2,), 2.0), ((1,), 0.5), ((), 30.0)]


def test_a_cursor_of_something_else(rest: Rest) -> None:
    """Of another question, of another kind of question, or invalid."""
    cursor = rest.get("search", query="price", limit=1).json()["next"]
    assert rest.get("search", query="price", limit=2, cursor=cursor).status == 200
    for reply in (
        rest.get("search", query="prices", cursor=cursor),
        rest.post("search", query="price", languages=["python"], cursor=cursor),
        rest.post("grep", pattern="price", cursor=cursor),
        rest.get("symbols", name="price", cursor=cursor),
        rest.get("indexes", cursor=cursor),
        rest.get("indexes/1/files", cursor=cursor),
        rest.get("runs", cursor=cursor),
        rest.get("search", query="price", cursor="garbage"),
        rest.get("search", query="price", cursor=""),
    ):
        assert code(reply) == (400, "cursor_invalid")


def test_only_callers_of_this_machine_are_told_absolute_paths(indexed: Indexed) -> None:
    """And none for git URLs."""
    rest = indexed.rest
    for caller, file in ((REMOTE, None), (LOCAL_CALLER, str(indexed.shop / "shop/prices.py"))):
        for reply in (
            rest.get("search", caller, query="round_price", sources=["1"]),
            rest.get("related", caller, source="1", path="shop/cart.py", line=15, limit=100),
        ):
            files = {one["path"]: one["file"] for one in reply.json()["results"]}
            assert files["shop/prices.py"] == file
    bank = rest.get("search", LOCAL_CALLER, query="round_price", sources=["2"]).json()
    assert {one["file"] for one in bank["results"]} == {None}


def test_the_callers_folder(indexed: Indexed) -> None:
    """The index that holds the folder of a local caller, unless all are selected."""
    standing = replace(LOCAL_CALLER, folder=str(indexed.shop / "web"))
    implied = indexed.rest.get("search", standing, query="article").json()
    assert {path.split("/")[0] for path in paths(implied)} == {"web"}
    assert [one["is_implied"] for one in implied["standing"]] == [True]
    everywhere = indexed.rest.get("search", standing, query="round_price", everywhere="true")
    assert set(PRICES) <= set(paths(everywhere.json()))
    assert len(everywhere.json()["standing"]) == 2


def test_grep_and_its_parameters(rest: Rest) -> None:
    def lines(**asked: Any) -> list[tuple[str, int]]:
        reply = rest.post("grep", **asked)
        assert reply.status == 200
        return [(one["path"], one["line"]) for one in reply.json()["matches"]]

    assert lines(pattern="^def parse_") == [("shop/prices.py", 10)]
    assert lines(pattern="DEF PARSE_") == []
    assert lines(pattern="DEF PARSE_", ignore_case=True) == [("shop/prices.py", 10)]
    assert lines(pattern="round_price(amount)", fixed_strings=True, sources=["2"]) == [
        ("bank/money.py", 4)
    ]
    assert lines(pattern="round_price", languages=["markdown"]) == [("docs/guide.md", 3)]
    assert lines(pattern="def", paths=["/bank/**"]) == [("bank/money.py", 4)]
    first, second = lines(pattern="def round_price", everywhere=True)
    assert (first, second) == (("shop/prices.py", 4), ("bank/money.py", 4))
    page = rest.post("grep", pattern="def round_price", limit=1).json()
    assert not page["complete"]
    following = rest.post("grep", pattern="def round_price", limit=1, cursor=page["next"]).json()
    assert [one["path"] for one in following["matches"]] == ["bank/money.py"]
    assert (following["complete"], following["next"]) == (True, None)
    [match] = rest.post("grep", pattern="^def parse_", context=1).json()["matches"]
    assert (match["before"], len(match["after"])) == ([""], 1)


def test_what_grep_returns_of_lines(rest: Rest) -> None:
    """The lines and their number: each parameter by itself."""

    def lines(**asked: Any) -> list[dict[str, Any]]:
        place = {"pattern": "price", "sources": ["1"], "paths": ["/shop/prices.py"]}
        found: list[dict[str, Any]] = rest.post("grep", **{**place, **asked}).json()["matches"]
        return found

    usual = lines()
    assert len(usual) > 1
    assert lines(one_per_file=True) == usual[:1]
    whole = [one["text"] for one in lines(whole_words=True)]
    assert 0 < len(whole) < len(usual)
    assert all(re.search(r"\bprice\b", text) for text in whole)
    others = {one["line"] for one in lines(inverted=True)}
    assert not others & {one["line"] for one in usual}
    assert len(others) > 1
    more = lines(pattern="no such words", more_patterns=["def parse_", "def round_"])
    assert [one["text"].split("(")[0] for one in more] == ["def round_price", "def parse_price"]
    assert {one["text"] for one in lines(only_matching=True)} == {"price"}
    [parse] = lines(pattern="^def parse_", context=2, before=1, after=0)
    assert (parse["before"], parse["after"]) == ([""], [])
    [parse] = lines(pattern="^def parse_", after=2)
    assert (parse["before"], len(parse["after"])) == ([], 2)


def test_symbols_and_their_parameters(rest: Rest) -> None:
    def defined(**asked: Any) -> list[str]:
        return [one["path"] for one in rest.get("symbols", **asked).json()["definitions"]]

    assert set(defined(name="round_price")) == set(PRICES)
    assert defined(name="round_price", sources=["2"]) == ["bank/money.py"]
    assert defined(name="add", kinds=["method"], languages=["javascript"]) == ["web/basket.js"]
    assert defined(name="add", paths=["/shop/**"]) == ["shop/cart.py"]
    assert defined(name="add", kinds=["class"]) == []
    assert defined(name="Cart.add", everywhere="true") == ["shop/cart.py"]
    page = rest.get("symbols", name="round_price", limit=1).json()
    following = rest.get("symbols", name="round_price", limit=1, cursor=page["next"]).json()
    found = [one["path"] for one in (*page["definitions"], *following["definitions"])]
    assert sorted(found) == sorted(PRICES)


def test_related_and_its_parameters(rest: Rest) -> None:
    def like(**asked: Any) -> list[str]:
        place = {"source": "1", "path": "shop/cart.py", "line": 16, **asked}
        return paths(rest.get("related", **place).json())

    assert like()[0] == "web/wishlist.py"
    assert like(limit=1) == ["web/wishlist.py"]
    assert set(like(paths=["/web/*.js"])) == {"web/basket.js"}
    assert set(like(languages=["javascript"])) == {"web/basket.js"}
    assert "bank/Account.java" in like(everywhere="true", limit=100)
    assert "bank/Account.java" not in like(limit=100)
    assert like(line=32) != like()
    assert paths(rest.get("related", path="shop/cart.py", line=16).json()) == like()
    assert code(rest.get("related", path="nothing.py")) == (404, "file_in_no_index")
    assert code(rest.get("related", source="1", path="shop/cart.py:16")) == (404, "file_misnamed")


def test_kinds_are_those_of_the_domain(rest: Rest) -> None:
    for kind in SymbolKind:
        assert rest.get("search", query="x", kinds=[kind.value], limit=1).status == 200


def test_only_the_callers_of_a_name(rest: Rest) -> None:
    answer = rest.get("symbols", name="round_price", uses="callers").json()
    assert {one["use"] for one in answer["references"]} == {"call"}
    assert any(one["within"] == "Cart.total" for one in answer["references"])
    callees = rest.get("symbols", name="Cart.total", uses="callees").json()["references"]
    assert ("round_price", False) in [(one["name"], one["likely"]) for one in callees]
    assert code(rest.get("symbols", name="x", uses="readers")) == (422, "request_invalid")
