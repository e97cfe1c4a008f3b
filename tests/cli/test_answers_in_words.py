"""The printed answers of the reading commands, word by word."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from kodit.application.views.files import (
    DefinitionView,
    FilesView,
    FileView,
    GrepView,
    MatchView,
    OutlineSymbolView,
    OutlineView,
    ReferenceView,
    SymbolsView,
    TextView,
)
from kodit.application.views.map import MappedDefinitionView, MappedFileView, MapView
from kodit.application.views.search import ResultView, SearchView
from kodit.application.views.standing import StandingView
from kodit.domain.questions import (
    FilesQuestion,
    GrepQuestion,
    MapQuestion,
    OutlineQuestion,
    ReadQuestion,
    SymbolsQuestion,
    Where,
)
from kodit.faces.cli.terminal import screen
from kodit.faces.cli.terminal.files import list_and_show, read_and_show, symbols_and_show
from kodit.faces.cli.terminal.grepping import GrepMode, grep_and_show
from kodit.faces.cli.terminal.notices import NOTHING_INDEXED
from kodit.faces.cli.terminal.searching import SearchOptions, Shown, search_and_show
from kodit.faces.cli.terminal.structure import map_and_show, outline_and_show
from kodit.settings import Settings

Captured = pytest.CaptureFixture[str]
STANDING = StandingView(1, "/s", "complete", None, "2026-01-02T03:04:05Z", None, 0, (), (), {}, ())
IMPLIED = replace(STANDING, is_implied=True)
OTHER = replace(STANDING, index_id=2, source="https://x/y")
WHERE = Where(("1",))
PLACE: dict[str, Any] = {"index_id": 1, "source": "/s", "file": None, "language": "python"}
ELSEWHERE: dict[str, Any] = {**PLACE, "index_id": 2, "source": "https://x/y"}


class Asked:
    """A session with prepared answers and a current folder."""

    remote = None
    is_served = True
    settings = Settings()

    def __init__(self, *answers: Any, folder: str | None = "/s/src") -> None:
        self._answers = list(answers)
        self.asked: list[Any] = []
        self.folder = folder

    def ask(self, question: object, view: type[object]) -> Any:
        self.asked.append(question)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, view)
        return answer

    def is_inside(self, source: str) -> bool:
        return source == "/s"


def printed(capsys: Captured, show: Any, answer: Any, *arguments: Any, **options: Any) -> Any:
    """The lines of data, and those of messages."""
    show(Asked(answer), *arguments, **{"as_json": False, **options})
    told = capsys.readouterr()
    return told.out.splitlines(), told.err.splitlines()


def test_an_outline(capsys: Captured) -> None:
    symbols = (
        OutlineSymbolView("Cart", "class", "", 1, 9, 2),
        OutlineSymbolView("a\x1bdd", "method", "Cart", 3, 5, 4),
        OutlineSymbolView("inner", "function", "Cart.a\x1bdd", 6, 7, 6),
    )
    view = OutlineView(path="src/a.py", lines=9, symbols=symbols, standing=(STANDING,), **PLACE)
    question = OutlineQuestion("a.py", WHERE)
    assert printed(capsys, outline_and_show, view, question) == (
        [
            *("a.py", "  class Cart, lines 2-9", "    method a\\x1bdd, lines 4-5"),
            "      function inner, lines 6-7",
        ],
        [],
    )
    empty = replace(view, symbols=(), standing=(IMPLIED,))
    out, err = printed(capsys, outline_and_show, empty, OutlineQuestion("a.py", Where()))
    assert (out, err) == (
        ["a.py"],
        ["In /s; --all searches every index.", "src/a.py defines no symbols."],
    )
    far = replace(empty, source="/other")
    assert printed(capsys, outline_and_show, far, OutlineQuestion("a.py", Where())) == (
        ["/other/src/a.py"],
        ["In /s.", "src/a.py defines no symbols."],
    )
    out, _err = printed(capsys, outline_and_show, view, question, as_json=True)
    assert json.loads("".join(out))["symbols"][1]["symbol"] == "a\x1bdd"


def test_a_map(capsys: Captured) -> None:
    defined = (MappedDefinitionView("Cart", "class", "", 12, "class Cart:\x1b"),)
    near = MappedFileView(path="src/a.py", importance=0.5, definitions=defined, **PLACE)
    far = MappedFileView(path="b.py", importance=0.5, definitions=(), **ELSEWHERE)
    view = MapView(400, (near, far), 30, (STANDING, OTHER), ("one is wrong.",))
    question = MapQuestion(Where(everywhere=True))
    assert printed(capsys, map_and_show, view, question) == (
        ["a.py", "    12  class Cart:\\x1b", "[2] b.py"],
        ["kodit: one is wrong", "2 of 30 files; --budget shows more or fewer."],
    )
    out, err = printed(capsys, map_and_show, view, question, as_json=True)
    assert (json.loads("".join(out))["total"], err) == (30, ["kodit: one is wrong"])
    for standing, said in (
        ((), NOTHING_INDEXED),
        ((STANDING,), "Nothing to show: no indexed file of code matches."),
    ):
        nothing = MapView(400, (), 0, standing)
        out, err = printed(capsys, map_and_show, nothing, question, as_json=True)
        assert (json.loads("".join(out))["files"], err) == ([], [])
        assert printed(capsys, map_and_show, nothing, question) == ([], [said])


def test_a_listing_and_a_text(capsys: Captured) -> None:
    near = FileView(path="src/a.py", size=1234, lines=56, snippets=7, **PLACE)
    far = FileView(path="b.py", size=1, lines=2, snippets=3, **ELSEWHERE)
    view = FilesView((near, far), (STANDING, OTHER), None, ("one is wrong",))
    question = FilesQuestion(WHERE)
    assert printed(capsys, list_and_show, view, question) == (
        [
            "    56     1234     7  python       a.py",
            "     2        1     3  python       [2] b.py",
        ],
        ["kodit: one is wrong"],
    )
    assert printed(capsys, list_and_show, view, question, only_paths=True)[0] == [
        "a.py",
        "[2] b.py",
    ]
    out, err = printed(capsys, list_and_show, view, question, as_json=True)
    assert (len(json.loads("".join(out))["files"]), err) == (2, ["kodit: one is wrong"])
    for standing, said in (
        ((), NOTHING_INDEXED),
        ((STANDING,), "Nothing found; no files are indexed."),
    ):
        assert printed(capsys, list_and_show, FilesView((), standing, None), question) == (
            [],
            [said],
        )

    text = TextView(
        path="src/a.py",
        start_line=1,
        end_line=2,
        lines=9,
        text="x\t\x1b\n",
        standing=(IMPLIED,),
        **PLACE,
    )
    reading = ReadQuestion("src/a.py", Where())
    assert printed(capsys, read_and_show, text, reading) == (
        ["x\t\\x1b", ""],
        ["In /s; --all searches every index."],
    )
    nothing = replace(text, start_line=1, end_line=0, source="/other")
    assert printed(capsys, read_and_show, nothing, reading) == ([], ["In /s."])
    assert json.loads("".join(printed(capsys, read_and_show, text, reading, as_json=True)[0]))[
        "text"
    ]


def matching(line: int, text: str, **changes: Any) -> MatchView:
    return MatchView(
        **{**PLACE, "path": "src/a.py", "line": line, "column": 1, "text": text, **changes}
    )


def grepped(*matches: MatchView, files: int = 3, complete: bool = True, **changes: Any) -> GrepView:
    view = GrepView("x", matches, files, complete, (), (STANDING,), None)
    return replace(view, **changes)


def test_matching_lines(capsys: Captured) -> None:
    question = GrepQuestion("x", WHERE)
    view = grepped(matching(3, "x = 3"), matching(9, "x\x1b"), matching(1, "x", path="b.py"))
    assert printed(capsys, grep_and_show, view, question, GrepMode.LINES)[0] == [
        *("a.py:3:x = 3", "a.py:9:x\\x1b", "../b.py:1:x"),
    ]
    assert printed(capsys, grep_and_show, view, question, GrepMode.COUNT)[0] == [
        *("a.py:2", "../b.py:1"),
    ]
    assert printed(capsys, grep_and_show, view, question, GrepMode.FILES)[0] == ["a.py", "../b.py"]
    only = GrepQuestion("x", WHERE, only_matching=True)
    assert printed(capsys, grep_and_show, view, only, GrepMode.LINES)[0][:2] == [
        *("a.py:3:x = 3", "a.py:9:x\\x1b"),
    ]
    around = GrepQuestion("x", WHERE, context=1)
    view = grepped(
        matching(3, "x = 3", before=("2",), after=("4",)),
        matching(4, "x = 4", before=("3",), after=("5",)),
        matching(9, "x = 9", before=("8",), after=()),
        matching(1, "x", path="b.py"),
    )
    assert printed(capsys, grep_and_show, view, around, GrepMode.LINES)[0] == [
        *("a.py-2-2", "a.py:3:x = 3", "a.py:4:x = 4", "a.py-5-5", "--", "a.py-8-8", "a.py:9:x = 9"),
        *("--", "../b.py:1:x"),
    ]


def test_notices_beside_lines(capsys: Captured) -> None:
    question = GrepQuestion("x", WHERE, limit=1)

    def said(view: GrepView, mode: GrepMode = GrepMode.LINES, limit: int = 1) -> list[str]:
        asked = replace(question, limit=limit)
        _out, err = printed(capsys, grep_and_show, view, asked, mode)
        return [line for line in err if "was indexed" not in line]

    one = matching(3, "x")
    assert said(grepped(one)) == []
    assert said(grepped(one, problems=("slow",))) == ["kodit: slow"]
    assert said(grepped(files=1)) == ["Nothing found in 1 file."]
    assert said(grepped(files=2)) == ["Nothing found in 2 files."]
    assert said(grepped(files=0)) == ["Nothing found; no files are indexed."]
    for where in (Where(paths=("*.c",)), Where(languages=("c",))):
        filtered = replace(question, where=where)
        _out, err = printed(capsys, grep_and_show, grepped(files=0), filtered, GrepMode.LINES)
        assert err[-1] == "No indexed file matches these filters."
    assert said(grepped(files=0, standing=())) == [NOTHING_INDEXED]
    more = "shown; --limit shows more."
    assert said(grepped(one, complete=False)) == [f"Only the first line is {more}"]
    assert said(grepped(one, complete=False), limit=2) == [f"Only the first 2 lines are {more}"]
    counted = said(grepped(one, complete=False), GrepMode.COUNT, 2)
    assert counted == [f"Only the first 2 counted lines are {more}"]
    assert said(grepped(one, complete=False), GrepMode.FILES) == [f"Only the first file is {more}"]


def test_where_a_name_is_defined_and_used(capsys: Captured) -> None:
    definition = DefinitionView(
        **{**PLACE, "path": "src/a.py", "start_line": 3, "end_line": 9, "line": 4},
        symbol="add",
        kind="method",
        scope="Cart",
        text="def add",
    )
    use = ReferenceView(
        **{**PLACE, "path": "src/b.py", "line": 7, "symbol": None, "kind": None, "scope": ""},
        text="cart.add()",
        use="call",
        within="sum",
        likely=True,
    )
    uses = (use, replace(use, use="text", within=""), replace(use, use="text", likely=False))
    view = SymbolsView("add", (definition,), uses, True, (STANDING,), None, (), ("wrong",))
    question = SymbolsQuestion("add", WHERE)
    out, err = printed(capsys, symbols_and_show, view, question)
    assert out == [
        *("definitions:", "  a.py:4: method Cart.add, lines 3-9"),
        *("called:", "  b.py:7: likely, in sum: cart.add()"),
        *("mentioned in comments, strings and documents:", "  b.py:7: cart.add()"),
        "  b.py:7: in sum: cart.add()",
    ]
    assert err == ["kodit: wrong"]
    called = (
        replace(use, name="price", target="src/c.py:4"),
        replace(use, name="tax", target="src/c.py:9", likely=False),
        replace(use, name="print"),
    )
    view = SymbolsView("add", (), called, True, (STANDING,), None)
    assert printed(capsys, symbols_and_show, view, question)[0] == [
        *("calls:", "  b.py:7: price, likely defined at src/c.py:4"),
        *("  b.py:7: tax, defined at src/c.py:9", "  b.py:7: print, not indexed"),
    ]
    near = replace(view, near=("adds",))
    assert printed(capsys, symbols_and_show, near, question)[1] == [
        "No definition of add is indexed. Did you mean 'adds'?"
    ]
    none = replace(near, references=())
    assert printed(capsys, symbols_and_show, none, question)[1] == [
        "Nothing found. Did you mean 'adds'?"
    ]
    pattern = SymbolsQuestion("Cart.a*", WHERE, uses="callers")
    matched = SymbolsView("Cart.a*", (definition,), (), True, (STANDING,), None)
    alone = "A name with a star finds definitions alone; ask for one of them to see its uses."
    assert printed(capsys, symbols_and_show, matched, pattern)[1] == [alone]
    sign = replace(definition, symbol="operator*")
    exact = replace(matched, name="operator*", definitions=(sign,))
    asked = replace(pattern, name="operator*")
    assert printed(capsys, symbols_and_show, exact, asked)[1] == ["No call of operator* was found."]
    cut = replace(view, complete=False)
    assert printed(capsys, symbols_and_show, cut, question)[1] == [
        "There may be more; --limit shows more, and --path or --language narrow it down."
    ]
    left_out = replace(view, standing=(replace(STANDING, left_out={"generated": 2, "binary": 9}),))
    assert printed(capsys, symbols_and_show, left_out, question)[1] == [
        "2 files are left out; see `kodit ls --left-out -s 1`."
    ]
    for asked, answer in (
        (replace(question, uses="callees"), left_out),
        (question, replace(left_out, definitions=(definition,))),
    ):
        assert printed(capsys, symbols_and_show, answer, asked)[1] == []


def test_what_of_a_name_fits_the_terminal(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lines of a definition only as a whole; of a use rather its text than what is around."""
    definition = DefinitionView(
        **{**PLACE, "path": "src/a.py", "start_line": 3, "end_line": 9, "line": 4},
        symbol="add",
        kind="method",
        scope="Cart",
        text="def add",
    )
    use = ReferenceView(
        **{**PLACE, "path": "src/b.py", "line": 7, "symbol": None, "kind": None, "scope": ""},
        text="\tadd()\t# yes",
        use="call",
        within="sum",
        likely=False,
    )
    view = SymbolsView("add", (definition,), (use,), True, (STANDING,), None)
    monkeypatch.setattr(screen, "is_terminal", lambda: True)
    monkeypatch.setattr(screen, "may_page", lambda: False)
    monkeypatch.setattr(screen, "has_color", lambda: False)

    def shown(columns: int) -> list[str]:
        monkeypatch.setattr(screen, "size", lambda: (columns, 24))
        out, _err = printed(capsys, symbols_and_show, view, SymbolsQuestion("add", WHERE))
        return [out[1], out[3]]

    assert shown(36) == ["  a.py:4: method Cart.add, lines 3-9", "  b.py:7: in sum: add()   # yes"]
    assert shown(35)[0] == "  a.py:4: method Cart.add"
    assert shown(31)[1] == "  b.py:7: in sum: add()   # yes"
    assert shown(30)[1] == "  b.py:7: add()   # yes"


def test_a_search_that_finds_nothing(capsys: Captured) -> None:
    """Says why: the page, the files there are, or how far their index is."""
    empty = SearchView("x", (), (STANDING,), None)
    result = ResultView(
        *(1, "/s", "src/a.py", None, 1, 2, "python", None, None, "", 0.5, "x", False)
    )
    file = FilesView(
        (FileView(path="src/a.py", size=1, lines=1, snippets=1, **PLACE),), (STANDING,), None
    )
    none = FilesView((), (STANDING,), None)

    def said(*answers: Any, as_json: bool = False, **options: Any) -> tuple[list[str], Any]:
        session: Any = Asked(*answers)
        typed = SearchOptions(["x"], **{"sources": ["a b"], **options})
        search_and_show(session, typed, Shown(as_json=as_json), explain=False)
        told = capsys.readouterr()
        assert bool(told.out) is as_json
        return told.err.splitlines(), session.asked[-1]

    assert said(empty, as_json=True)[0] == []
    assert said(empty, file)[0] == ["Nothing found."]
    sentences, asked = said(empty, replace(empty, results=(result,)), offset=3, limit=2)
    assert sentences == ["There are no more results: --offset 3 is past the last of 1."]
    assert (asked.offset, asked.limit, asked.budget, asked.wait) == (0, 5, None, 0.0)
    assert said(empty, replace(empty, results=(result,)), budget=1)[0] == [
        "A budget of 1 token is too small for the first result, src/a.py:1-2."
    ]
    sentences, asked = said(empty, none, file, everywhere=True, sources=(), paths=["*.c"])
    assert sentences == ["No indexed file matches these filters."]
    assert asked.where == Where(everywhere=True)
    within = replace(empty, standing=(replace(STANDING, folder="a b"),))
    assert said(within, none, none)[0] == [
        "Nothing found; no file in a b is indexed. `kodit explain 'a b'` says why."
    ]
    assert said(empty, none, none)[0] == ["Nothing found; no files are indexed."]
    new, newer = (replace(one, indexed_at=None, state="indexing") for one in (STANDING, OTHER))
    [sentence] = said(replace(empty, standing=(STANDING, newer)))[0]
    assert sentence.endswith("; see `kodit status`.")
    assert said(replace(empty, standing=(STANDING, new, newer)))[0] == [
        "Nothing found; indexes 1 and 2 are not complete yet, see `kodit status`."
    ]
