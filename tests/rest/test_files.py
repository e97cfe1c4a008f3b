"""The files of an index: listing, text, outline."""

from __future__ import annotations

from typing import Any

import pytest
from tests.browsing.conftest import SHOP
from tests.support.rest import Rest, code

from kodit.application.views.files import TextView
from kodit.faces.rest.accepting import prefers_plain_text

CART = "indexes/1/files/shop/cart.py"


def test_files_and_their_filters(rest: Rest) -> None:
    def listed(**asked: Any) -> list[str]:
        return [one["path"] for one in rest.get("indexes/1/files", **asked).json()["files"]]

    everything = listed()
    assert everything == sorted(everything)
    assert {"shop/cart.py", "docs/guide.md", ".gitignore"} < set(everything)
    assert not {"key.txt", "logo.bin", "ignored/secret_plan.py"} & set(everything)
    assert listed(languages=["javascript"]) == ["web/basket.js"]
    assert listed(paths=["/docs/**", "*.js"]) == ["docs/guide.md", "web/basket.js"]
    assert code(rest.get("indexes/99/files")) == (404, "index_not_found")
    first = rest.get("indexes/1/files", limit=3).json()
    rest_of_it = rest.get("indexes/1/files", limit=500, cursor=first["next"]).json()
    assert [one["path"] for one in (*first["files"], *rest_of_it["files"])] == everything
    assert rest_of_it["next"] is None
    assert [one["index_id"] for one in first["standing"]] == [1]


@pytest.mark.parametrize(
    ("lines", "start", "end"), [(None, 1, 40), ("30-32", 30, 32), ("38-", 38, 40), ("7", 7, 7)]
)
def test_the_text_of_a_file(rest: Rest, lines: str | None, start: int, end: int) -> None:
    """As JSON, or as plain text if the client prefers that."""
    text = str(SHOP["shop/cart.py"]).splitlines()[start - 1 : end]
    asked = {} if lines is None else {"lines": lines}
    answer = rest.get(CART, **asked)
    assert answer.headers["vary"] == "Accept"
    view = answer.json()
    assert (view["start_line"], view["end_line"], view["lines"]) == (start, end, 40)
    assert view["text"] == "\n".join(text)
    plain = rest.ask("GET", CART, query=asked, headers={"accept": "text/plain"})
    assert plain.headers["content-type"] == "text/plain; charset=utf-8"
    assert plain.headers["x-content-type-options"] == "nosniff"
    assert (plain.headers["cache-control"], plain.headers["vary"]) == ("no-store", "Accept")
    assert plain.body.decode() == "".join(f"{line}\n" for line in text)


def test_bytes_that_are_no_text_do_not_keep_a_file_from_being_read(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = TextView(1, "/shop", "a.py", None, "python", 1, 1, 1, "caf\udce9", ())

    async def read(*_: object) -> TextView:
        return view

    monkeypatch.setattr(rest.application.answers, "read", read)
    plain = rest.ask("GET", CART, headers={"accept": "text/plain"})
    assert (plain.status, plain.body) == (200, b"caf?\n")


def test_an_empty_file(rest: Rest) -> None:
    plain = rest.ask("GET", "indexes/1/files/empty.py", headers={"accept": "text/plain"})
    assert (plain.status, plain.body) == (200, b"")


@pytest.mark.parametrize(
    ("accept", "is_plain"),
    [
        ("", False),
        ("*/*", False),
        ("text/html,application/xhtml+xml,*/*;q=0.8", False),
        ("application/json", False),
        ("text/plain", True),
        ("TEXT/PLAIN; charset=utf-8, application/json;q=0.9", True),
        ("text/*, application/json;q=0.5", True),
        ("*/*;q=0.1, text/*", True),
        ("application/json;q=0.5, text/plain;q =0.4", False),
        ("text/plain, application/json", False),
        ("text/plain;q=0.5, */*", False),
        ("text/plain;q=0, application/*;q=0", False),
        ("text/plain;q=much", False),
    ],
)
def test_who_prefers_plain_text(accept: str, is_plain: bool) -> None:
    assert prefers_plain_text(accept) is is_plain


@pytest.mark.parametrize(
    ("path", "query", "problem"),
    [
        (CART, {"lines": "0"}, (422, "request_invalid")),
        (CART, {"lines": "a-b"}, (422, "request_invalid")),
        (CART, {"lines": "9-8"}, (409, "lines_invalid")),
        (CART, {"lines": "41"}, (404, "line_not_found")),
        (CART, {"line": "4"}, (422, "request_invalid")),
        ("indexes/1/files/cart.py", {}, (404, "file_misnamed")),
        ("indexes/1/files/shop/cart.py:3", {}, (404, "file_misnamed")),
        ("indexes/1/files/nothing.py", {}, (404, "file_not_found")),
        ("indexes/1/files/key.txt", {}, (404, "file_left_out")),
        ("indexes/1/files/logo.bin", {}, (404, "file_left_out")),
        ("indexes/1/files/ignored/secret_plan.py", {}, (404, "file_not_found")),
        ("indexes/1/files/../bank/bank/money.py", {}, (404, "file_not_found")),
        ("indexes/1/files//etc/passwd", {}, (404, "file_not_found")),
        ("indexes/1/files/shop/../shop/cart.py", {}, (404, "file_misnamed")),
        ("indexes/1/files/a\x00b", {}, (404, "file_not_found")),
        ("indexes/1/outline/../../etc/passwd", {}, (404, "file_not_found")),
        ("indexes/1/outline/nothing.py", {}, (404, "file_not_found")),
        ("indexes/9/outline/nothing.py", {}, (404, "index_not_found")),
        ("indexes/9/files/shop/cart.py", {}, (404, "index_not_found")),
        ("indexes/9/map", {}, (404, "index_not_found")),
        ("indexes/1/map", {"budget": "99"}, (422, "request_invalid")),
    ],
    ids=str,
)
def test_paths_that_are_not_files(
    rest: Rest, path: str, query: dict[str, str], problem: tuple[int, str]
) -> None:
    assert code(rest.get(path, **query)) == problem


def test_the_map_of_an_index(rest: Rest) -> None:
    """The file whose function the others call comes first, with the line that defines it."""
    drawn = rest.get("indexes/1/map", budget="400").json()
    assert drawn["budget"] == 400
    assert drawn["files"][0]["path"] == "shop/prices.py"
    assert "def round_price" in drawn["files"][0]["definitions"][0]["text"]
    assert drawn["total"] > len(drawn["files"])
    script = rest.get("indexes/1/map", languages="JavaScript").json()
    assert [file["path"] for file in script["files"]] == ["web/basket.js"]
    only = rest.get("indexes/1/map", paths="web/**").json()
    assert {file["path"].partition("/")[0] for file in only["files"]} == {"web"}


def test_the_outline_of_a_file(rest: Rest) -> None:
    """From the first line to the last, outer definitions before inner ones."""
    outline = rest.get("indexes/1/outline/shop/cart.py").json()
    assert (outline["path"], outline["language"], outline["lines"]) == (
        "shop/cart.py",
        "python",
        40,
    )
    symbols = [(one["symbol"], one["scope"], one["kind"]) for one in outline["symbols"]]
    assert symbols == [
        ("TAX_RATE", "", "constant"),
        ("Cart", "", "class"),
        ("__init__", "Cart", "method"),
        ("add", "Cart", "method"),
        ("total", "Cart", "method"),
        ("Line", "", "class"),
        ("__init__", "Line", "method"),
        ("is_empty", "Line", "method"),
        ("doubled", "Line", "method"),
    ]
    lines = str(SHOP["shop/cart.py"]).splitlines()
    for one in outline["symbols"]:
        assert one["symbol"] in lines[one["line"] - 1]
        assert one["start_line"] <= one["line"] <= one["end_line"]
    assert [one["index_id"] for one in outline["standing"]] == [1]
