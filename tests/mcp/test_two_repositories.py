"""The tools over two small repositories: the selected indexes, omitted results, and continuation in
little space."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.mcp.conftest import Tools
from tests.support.serving import ServingKodit
from tests.support.sources import write_file

from kodit.application.views.files import OutlineSymbolView, OutlineView
from kodit.application.views.map import MappedFileView, MapView
from kodit.application.views.standing import StandingView
from kodit.domain.caller import Caller
from kodit.domain.policy import CallerPolicy
from kodit.domain.questions import (
    FilesQuestion,
    GrepQuestion,
    SearchQuestion,
    SymbolsQuestion,
    Where,
    cursor_at,
)
from kodit.faces.mcp.tools import indexing
from kodit.infrastructure.savings_file import SavingsFile

NONE = Where(paths=("*.none",))
DEEP = "/".join(["deep" * 10] * 6) + "/ledger.py"
SHOP = {
    "cart.py": '''"""The cart."""


class Cart:
    class Line:
        def double_price(self):
            return self.price * 2

    def double_price(self, lines):
        return sum(line.double_price() for line in lines)
''',
    "a b.py": "def triple_price(price):\n    return price * 3\n",
    "notes.txt": "Nothing is defined here.\n",
    "wide.py": f"WIDE = '{'w' * 3_000}'\r\nDONE = 'w'\r\n",
    "none.py": "",
    "data.bin": "\0" * 100,
}
BANK = {
    "bank/money.py": "def double_amount(amount):\n    return amount * 2\n",
    "bank/rates.py": "from bank.money import double_amount\n\nRATE = double_amount(1)\n",
    DEEP: "def book_the_ledger(entry):\n    return entry\n",
    "web/pay.js": "function payNow(amount) {\n  return amount\n}\n",
    "picture.bin": "\0" * 100,
}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tools]:
    """The shop is index 1, the bank index 2; the caller's folder is in neither."""
    root = tmp_path_factory.mktemp("both").resolve()
    for name, files in (("shop", SHOP), ("bank", BANK)):
        for path, text in files.items():
            write_file(root / name / path, text.encode())
    with ServingKodit(root / "data") as serving:
        for name in ("shop", "bank"):
            serving.index(root / name)
        yield Everywhere(serving, root)


class Everywhere(Tools):
    """Asks without a current folder."""

    def call(self, name: str, /, **arguments: Any) -> Any:
        return super().call(name, **{"caller": Caller(), **arguments})

    def counted(self, name: str) -> int:
        """How many bytes the files have that answers of a tool have named."""
        cost = SavingsFile(self.serving.data_dir).load().by_tool.get(name)
        return 0 if cost is None else cost.file_bytes


def based_on(text: str) -> list[str]:
    """The names of the folders that an answer ends with."""
    return re.findall(r"/(\w+), indexed", text.splitlines()[-1])


def size(*files: str) -> int:
    return sum(len((SHOP | BANK)[file]) for file in files)


def test_an_answer_ends_with_what_something_was_found_in(both: Everywhere) -> None:
    """And places have the number of their index."""
    calls: dict[str, dict[str, Any]] = {
        "search": {"query": "double_amount", "paths": ["money.py"]},
        "grep": {"pattern": "RATE"},
        "symbols": {"name": "double_amount", "uses": "imports"},
        "related": {"path": "bank/money.py", "line": 1, "source": "2"},
    }
    for name, arguments in calls.items():
        text = both.text(name, **arguments)
        assert based_on(text) == ["bank"], name
        assert ("[2] bank/" in text) == (name != "related"), name
    assert based_on(both.text("symbols", name="double_amount")) == ["bank"]
    assert based_on(both.text("files")) == ["shop", "bank"]
    assert both.text("files").startswith('[1] "a b.py" 2\n[1] cart.py 10\n')
    assert "[2] bank/money.py\n1:def double_amount(amount):" in both.text("files", map=True)


def test_a_mistake_in_one_of_several_sources_is_told_beside_the_answer(both: Everywhere) -> None:
    wrong = "There is no index or folder 'nothing'."
    asked: dict[str, Any] = {"source": ["2", "nothing"]}
    calls: dict[str, dict[str, Any]] = {
        "search": {"query": "double"},
        "grep": {"pattern": "RATE"},
        "symbols": {"name": "double_amount"},
        "files": {},
    }
    nothing: dict[str, dict[str, Any]] = {
        "search": {"query": "double", "paths": ["*.none"]},
        "grep": {"pattern": "no such line"},
        "symbols": {"name": "no_such_name"},
        "files": {"paths": ["*.none"]},
    }
    for given in (calls, nothing, {"files": {"map": True}}):
        for name, arguments in given.items():
            text = both.text(name, **asked, **arguments)
            assert text.splitlines()[0].startswith(wrong), (name, text)


def test_each_filter_and_limit_has_its_effect(both: Everywhere) -> None:
    assert "class Cart" in both.text("search", query="Cart")
    assert "class Cart" not in both.text("search", query="Cart", kinds=["function"])
    for limit in (1, 2):
        related = both.text("related", path='"a b.py"', line=1, limit=limit)
        assert len(re.findall(r"^\S+:\d+-\d+ \w+ \w+", related, re.MULTILINE)) == limit
    assert "DONE" not in both.text("grep", pattern="done")
    assert "DONE" in both.text("grep", pattern="done", ignore_case=True)
    uses = both.text("symbols", name="double_amount", uses="imports")
    assert "\nImported in:\n[2] bank/rates.py\n1:from" in uses
    assert "Called in:" not in uses
    unknown = both.text("symbols", name="sum")
    assert unknown.startswith("No definition of sum is indexed.\nCalled in:\n[1] cart.py\n10:")
    first = both.text("symbols", name="price", limit=1)
    assert first.startswith("No definition of price is indexed.\n")
    cursor = first.rpartition("cursor=")[2]
    second = both.text("symbols", name="price", limit=1, cursor=cursor)
    assert "price" in second
    assert "No definition" not in second
    kinds = both.text("symbols", name="double_price", kinds=["function"])
    assert kinds.startswith("No definition of double_price is indexed.")
    assert "wide.py" not in both.text("files", languages=["JavaScript"])
    assert both.text("files", limit=1, source="2").splitlines()[2].startswith("More: cursor=")


def test_near_names_are_told_where_nothing_defines_a_name(both: Everywhere) -> None:
    text = both.text("symbols", name="double_amuont")
    assert text.startswith("Nothing found. Did you mean 'double_amount'?\n")
    assert "Files left out of the index: 2 binary." in text


def test_files_count_that_an_answer_names(both: Everywhere) -> None:
    """Only the files that fit into the answer."""
    expected: list[tuple[str, dict[str, Any], int]] = [
        ("search", {"query": "RATE", "paths": ["rates.py"]}, size("bank/rates.py")),
        ("grep", {"pattern": "RATE"}, size("bank/rates.py")),
        ("grep", {"pattern": "'w", "paths": ["wide.py"], "budget": 100}, size("wide.py")),
        ("grep", {"pattern": "WIDE|double", "budget": 100}, size("cart.py")),
        ("symbols", {"name": "double_amount"}, size("bank/money.py", "bank/rates.py")),
        ("read", {"path": "bank/rates.py"}, size("bank/rates.py")),
        ("read", {"path": "cart.py", "outline": True}, size("cart.py")),
        (
            "related",
            {"path": "cart.py", "line": 6, "limit": 1, "paths": ["a b.py"]},
            size("a b.py"),
        ),
        ("files", {"map": True, "source": "1", "paths": ["cart.py"]}, size("cart.py")),
        ("indexes", {}, 0),
        ("files", {}, 0),
    ]
    for name, arguments, count in expected:
        before = both.counted(name)
        both.text(name, **arguments)
        assert both.counted(name) - before == count, (name, arguments)
    assert "indexes" not in SavingsFile(both.serving.data_dir).load().by_tool


def test_an_answer_goes_on_however_little_room_it_has(both: Everywhere) -> None:
    """Whatever does not fit is cut, and never blocks the rest."""
    for name, asked, pattern in (
        ("grep", {"pattern": "'w"}, r"\b(WIDE|DONE)\b"),
        ("symbols", {"name": "book_the_ledger"}, r"(book_the_ledger|ledger\.py|deep)"),
        ("search", {"query": "book the ledger", "paths": ["ledger.py"]}, r"(deepdeep)"),
    ):
        arguments: dict[str, Any] = dict(asked)
        found: list[str] = []
        for _ in range(4):
            text = both.text(name, **arguments, budget=100)
            assert len(text) <= 400
            found += re.findall(pattern, text, re.MULTILINE)[:1]
            more = re.search(r"^More: cursor=(\S+)$", text, re.MULTILINE)
            if more is None:
                break
            arguments["cursor"] = more[1]
        assert more is None, name
        assert found, name
        if name == "grep":
            assert found == ["WIDE", "DONE"]


def test_omitted_results_are_counted_without_a_cursor(both: Everywhere) -> None:
    text = both.text("related", path="cart.py", line=6, budget=100, source="1")
    assert re.search(r"^\d more did not fit; raise the budget or lower the limit\.$", text, re.M)


def test_after_the_last_results_there_are_no_more(both: Everywhere) -> None:
    """Which says nothing about the rest of the index."""
    for name, asked, question in (
        ("search", {"query": "RATE", "paths": ["*.none"]}, SearchQuestion("RATE", NONE)),
        ("grep", {"pattern": "no such line"}, GrepQuestion("no such line", Where())),
        ("symbols", {"name": "no_such_name"}, SymbolsQuestion("no_such_name", Where())),
        ("files", {"paths": ["*.none"]}, FilesQuestion(NONE)),
    ):
        arguments: dict[str, Any] = dict(asked)
        text = both.text(name, **arguments, cursor=cursor_at(question, 7))
        assert text.splitlines()[0] == "There are no more results.", name


def test_why_nothing_was_found(both: Everywhere) -> None:
    """The filters or the query; and advice."""
    for name, asked, said in (
        ("search", {"query": "zz"}, "Rephrase the query, or call grep for literal text."),
        ("grep", {"pattern": "zz"}, "Try ignore_case, a shorter pattern, or call search with a "),
        ("symbols", {"name": "zzz"}, "Call search with the name to find other spellings."),
    ):
        given: dict[str, Any] = {"languages": ["js"], **asked}
        text = both.text(name, **given)
        if name != "search":
            assert text.startswith(f"Nothing found. {said}"), name
    text = both.text("grep", pattern="x", languages=["js"], paths=["*.py"])
    assert text.startswith(
        "No indexed file matches paths *.py. Globs are relative to the source, as in **/*.py; its "
        f"top folders are bank/, {DEEP.partition('/')[0]}/, web/."
    )
    text = both.text("files", paths=["*.none", "*.no"], source="1")
    assert text.startswith("No indexed file matches paths *.none, *.no.")
    assert "its top folders are none." in text
    inside = Caller(folder=str(both.folder / "shop"))
    text = both.text("grep", pattern="zz", paths=["*.js"], caller=inside, source="all")
    assert text.startswith("Nothing found.")
    everything: dict[str, Any] = {"languages": ["js"], "paths": ["*.py"], "source": "*"}
    text = both.text("grep", pattern="x", caller=inside, **everything)
    assert text.startswith("No indexed file matches paths *.py.")
    part = str(both.folder / "bank/bank")
    text = both.text("grep", pattern="x", languages=["js"], source=part)
    assert text.startswith("No indexed file is in language 'javascript'. There are python.\n")


def test_reading_odd_arguments(both: Everywhere) -> None:
    place = both.folder / "shop/wide.py"
    wide = f"WIDE = '{'w' * 1_991}…"
    for path in ("wide.py", str(place), place.as_uri()):
        assert both.text("read", path=path) == f"wide.py:1-2 of 2\n{wide}\nDONE = 'w'"
    assert both.text("read", path="none.py") == "none.py:1-0 of 0\n"
    assert both.text("read", path="notes.txt", outline=True).splitlines() == [
        "notes.txt: 1 lines, text",
        "It defines no symbols.",
    ]
    assert both.text("read", path="cart.py", outline=True).splitlines() == [
        "cart.py: 10 lines, python",
        *("4-10 class Cart", "  5-7 class Line", "    6-7 method double_price"),
        "  9-10 method double_price",
    ]
    assert both.text("read", path='"a b.py"', lines="2").startswith('"a b.py":2-2 of 2\n    return')


def test_a_caller_far_away_names_no_place_of_this_machine(both: Everywhere) -> None:
    """An absolute path is resolved in the named source, and not on the disk."""
    remote = Caller(CallerPolicy(), folder=None)
    inside = str(both.folder / "bank/bank/money.py")
    for path in (inside, f"file://{inside}"):
        assert both.call("read", path=path, source="1", caller=remote).is_error
        assert not both.call("read", path=path, source="1").is_error


def test_indexes_that_are_named_are_the_only_ones(both: Everywhere) -> None:
    text = both.text("indexes", source="2")
    assert f"[2] {both.folder}/bank: 4 files" in text
    assert "[1]" not in text
    assert text.splitlines()[1] == "  left out: 1 binary"
    assert re.findall(r": (\d) files", both.text("indexes")) == ["5", "4"]


def test_of_many_indexes_the_first_are_listed_and_the_others_counted(
    both: Everywhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = StandingView(1, "s" * 800, "complete", None, None, None, 0, (), (), {}, ())

    async def look(*_: object) -> tuple[tuple[StandingView, ...], dict[int, int]]:
        return (view,) * 30, {1: 2}

    monkeypatch.setattr(indexing, "_look_at", look)
    lines = both.text("indexes").splitlines()
    assert lines[-1] == f"… {30 - len(lines) + 1} more indexes; name a source to see one."
    assert len(lines) == 20


def test_what_is_too_long_says_how_it_goes_on(
    both: Everywhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    symbol = OutlineSymbolView("f" * 60, "function", "Cart", 7, 9, 8)
    place: dict[str, Any] = {"index_id": 1, "source": "/s", "path": "a.py", "file": None}
    outline = OutlineView(
        **place, language="python", lines=900, symbols=(symbol,) * 300, standing=()
    )
    mapped = MappedFileView(**place, language="python", importance=0.5, definitions=())
    drawn = MapView(400, (mapped, mapped), 30, ())

    async def look(*_: object) -> OutlineView:
        return outline

    async def draw(*_: object) -> MapView:
        return drawn

    monkeypatch.setattr(both.serving.application.answers, "outline", look)
    monkeypatch.setattr(both.serving.application.answers, "map", draw)
    lines = both.text("read", path="a.py", outline=True).splitlines()
    assert lines[1] == f"  7-9 function {'f' * 60}"
    assert lines[-1] == "… call read with path=a.py lines=7-900 for the rest"
    assert 15_000 < sum(map(len, lines)) < 16_000
    told = both.text("files", map=True).splitlines()
    assert told[2:] == ["The 2 most important of 30 files; read with outline shows one."]


def test_a_part_of_an_index_cannot_be_deleted(both: Everywhere) -> None:
    said = both.refused("index", source=str(both.folder / "bank/web"), action="delete")
    assert said.endswith("; call again with that source.")
    said = both.text("index", source="2", action="cancel")
    assert said == f"No run of {both.folder}/bank is in progress."
