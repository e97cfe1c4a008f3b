"""The lines of answers, letter by letter, without an index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from kodit.application.views.files import DefinitionView, MatchView, ReferenceView, SymbolsView
from kodit.application.views.search import CopyView, ResultView
from kodit.domain.symbols import Use
from kodit.domain.text import LONGEST_LINE
from kodit.faces.mcp.text.lines import show_matches
from kodit.faces.mcp.text.results import (
    LONGEST_TELLING_LINE,
    head,
    most_informative_line,
    show_results,
)
from kodit.faces.mcp.text.sheet import (
    TITLES_OF_USES,
    Sheet,
    code_line,
    code_lines,
    fenced,
    parse_shown_path,
    shown_path,
)
from kodit.faces.mcp.text.symbols import show_symbols

RESULT = ResultView(
    index_id=1,
    source="/shop",
    path="shop/prices.py",
    file=None,
    start_line=11,
    end_line=14,
    language="python",
    symbol="total",
    kind="method",
    scope="Basket",
    score=1.0,
    text="def total(self):\n    found = 0\n    found += 1\n    return found",
    cut=False,
)
DEFINITION = DefinitionView(
    index_id=1,
    source="/shop",
    path="shop/prices.py",
    file=None,
    start_line=11,
    end_line=14,
    line=11,
    language="python",
    symbol="total",
    kind="method",
    scope="Basket",
    text=RESULT.text,
)
REFERENCE = ReferenceView(
    index_id=1,
    source="/shop",
    path="shop/orders.py",
    file=None,
    line=7,
    language="python",
    symbol=None,
    kind=None,
    scope="",
    text="    basket.total()",
    use="call",
    within="place_order",
    likely=False,
)
MATCH = MatchView(1, "/shop", "a.py", None, "python", 5, 1, "x = 5")


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("a/b.py", "a/b.py"),
        ("12-a.py", '"12-a.py"'),
        ("a b.py", '"a b.py"'),
        ("größe 1.py", '"größe 1.py"'),
        ("a\u2028.py", '"a\\u2028.py"'),
        ('"', '"\\""'),
    ],
)
def test_a_path_that_says_more_is_quoted(path: str, shown: str) -> None:
    assert shown_path(path) == shown
    assert parse_shown_path(shown) == path


def test_a_path_that_looks_quoted_is_taken_literally() -> None:
    assert parse_shown_path('"a') == '"a'
    assert parse_shown_path('"') == '"'
    assert parse_shown_path('"a"b"') == '"a"b"'


def test_code_keeps_its_lines_and_its_fence() -> None:
    assert code_lines("\n  a  \r\nb\n\n \n") == ["", "  a", "b"]
    assert code_lines("x" * (LONGEST_LINE + 1)) == ["x" * (LONGEST_LINE - 1) + "…"]
    assert code_line("a\rb\x85c\u2028d\u2029e  ") == "ab\\x85c\\u2028d\\u2029e"
    assert fenced(["a"]) == ["```", "a", "```"]
    assert fenced(["```x", "y ````` z"]) == ["``````", "```x", "y ````` z", "``````"]
    assert fenced(["````"])[0] == "`````"


def test_every_use_has_a_title() -> None:
    assert TITLES_OF_USES == {
        Use.CALL: "Called in:",
        Use.IMPORT: "Imported in:",
        Use.INHERITS: "Inherited or implemented in:",
        Use.TYPE: "Used as a type in:",
        Use.WRITE: "Written in:",
        Use.READ: "Read in:",
        Use.TEXT: "Mentioned in:",
    }
    assert set(TITLES_OF_USES) == {use.value for use in Use}


def shown_matches(*matches: MatchView, several: bool = False, budget: int = 1_000) -> list[str]:
    sheet = Sheet(budget)
    show_matches(sheet, matches, several=several)
    return str(sheet).split("\n")


def test_matches_are_below_the_path_of_their_file() -> None:
    """The same path in another index is another file."""
    twice = (MATCH, replace(MATCH, line=8, text="y = 8"), replace(MATCH, index_id=2))
    assert shown_matches(*twice) == ["a.py", "5:x = 5", "8:y = 8", "a.py", "5:x = 5"]
    assert shown_matches(*twice, several=True)[::3] == ["[1] a.py", "[2] a.py"]
    sheet = Sheet(6)
    assert show_matches(sheet, [MATCH, replace(MATCH, text="z" * 9)], several=False) == 1
    assert str(sheet) == "a.py\n5:x = 5"


def test_lines_around_matches_come_once_and_a_gap_is_marked() -> None:
    first = replace(MATCH, before=("4",), after=("6", "7"))
    near = replace(MATCH, line=9, text="x = 9", before=("7", "8"), after=())
    assert shown_matches(first, near) == [
        *("a.py", "4-4", "5:x = 5", "6-6", "7-7"),
        *("8-8", "9:x = 9"),
    ]
    next_line = replace(near, line=8, before=())
    assert shown_matches(first, next_line)[4:] == ["7-7", "8:x = 9"]
    far = replace(near, line=11, text="x = 11", before=("9", "10"))
    assert shown_matches(first, far)[5:] == ["--", "9-9", "10-10", "11:x = 11"]
    other = replace(far, path="b.py")
    assert shown_matches(first, other)[5:] == ["b.py", "9-9", "10-10", "11:x = 11"]


def shown_results(
    *results: ResultView, several: bool = False, budget: int = 1_000
) -> tuple[int, list[str]]:
    sheet = Sheet(budget)
    done = show_results(sheet, results, several=several)
    return done, str(sheet).split("\n")


def test_the_head_of_a_result() -> None:
    assert head(RESULT, several=False) == "shop/prices.py:11-14 method Basket.total"
    assert head(RESULT, several=True) == "[1] shop/prices.py:11-14 method Basket.total"
    plain = replace(RESULT, scope="", symbol="a\nb")
    assert head(plain, several=False) == "shop/prices.py:11-14 method a\\nb"
    assert head(replace(RESULT, symbol=None), several=True) == "[1] shop/prices.py:11-14"


def test_the_head_names_a_few_other_definitions() -> None:
    start = "shop/prices.py:11-14 method Basket.total, a, b\\n, c"
    three = replace(RESULT, also_defines=("a", "b\n", "c"))
    assert head(three, several=False) == start
    four = replace(RESULT, also_defines=("a", "b\n", "c", "d"))
    assert head(four, several=False) == f"{start}, …"
    assert head(replace(three, symbol=None), several=False) == "shop/prices.py:11-14 a, b\\n, c"


def test_the_head_names_other_places_of_the_text() -> None:
    copies = tuple(CopyView(n, "/s", f"b{n}.py", None, n, 9) for n in range(1, 6))
    start = "shop/prices.py:11-14 method Basket.total (also in"
    one = replace(RESULT, also_in=copies[:1])
    assert head(one, several=False) == f"{start} b1.py:1-9)"
    assert head(one, several=True) == f"[1] {start} [1] b1.py:1-9)"
    many = replace(RESULT, also_in=copies)
    assert head(many, several=False) == f"{start} b1.py:1-9, b2.py:2-9, b3.py:3-9, 2 more)"


def test_of_a_few_results_the_code_is_shown_at_once() -> None:
    """Of more, there is a list first, with the most informative line; short snippets are not
    repeated."""
    place = head(RESULT, several=False)
    code = ["```", *RESULT.text.split("\n"), "```"]
    assert shown_results(RESULT, RESULT) == (2, [place, *code, "", place, *code])
    small = replace(RESULT, text="a = 1\nb = 2\nc = 3")
    assert shown_results(RESULT, small, RESULT) == (
        3,
        [
            *(place, "def total(self):", place, "a = 1", "b = 2", "c = 3"),
            *(place, "def total(self):", "", place, *code, "", place, *code),
        ],
    )
    assert shown_results(small, small, small)[1] == [place, "a = 1", "b = 2", "c = 3"] * 3


def test_a_result_is_done_only_after_those_before_it() -> None:
    """However little space there is: what comes after a result that does not fit is not shown."""
    long = replace(RESULT, path="long.py", text="\n".join("x" * 100 for _ in range(40)))
    short = replace(RESULT, path="short.py", text="\n".join("y" * 10 for _ in range(5)))
    counts = set()
    for budget in range(20, 1_200, 10):
        done, lines = shown_results(long, short, budget=budget)
        is_shown = ["x" * 100 in lines, "y" * 10 in lines]
        assert is_shown == [True] * done + [False] * (2 - done), budget
        counts.add(done)
    assert counts == {0, 1, 2}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# about total\ndef total():\n    pass\n", ["def total():"]),
        ("first = 1\nsecond = 2", ["first = 1"]),
        ("# only\n# comments", ["# only"]),
        ("---\n***", []),
        ("}\n{\nx = 1", ["x = 1"]),
        ("def total(\n    self,\n    count,\n):\n    pass", ["def total(self, count, ):"]),
        ("total = [\n    1,\n]", ["total = [1, ]"]),
        (
            "def total(a,\n    b,\n    c,\n    d,\n    e,\n    f,\n    g):",
            ["def total(a, b, c, d, e,"],
        ),
        ("total" + "x" * 100 + "(\n  a", ["total" + "x" * 94 + "…"]),
        ("total" + "x" * 90 + "(\n  aaaa,\n  b", ["total" + "x" * 90 + "(aaa…"]),
    ],
)
def test_the_most_informative_line(text: str, expected: list[str]) -> None:
    result = replace(RESULT, text=text)
    assert most_informative_line(result, code_lines(text)) == expected
    assert all(len(line) <= LONGEST_TELLING_LINE for line in expected)


def test_as_much_of_the_code_is_shown_as_there_is_room_for() -> None:
    """But nothing of it if less than three lines fit."""
    text = "\n".join(f"line {number:02}" for number in range(40))
    place = head(RESULT, several=False)
    rest = "… to line 14: read shop/prices.py"
    for budget in range(20, 80):
        done, lines = shown_results(replace(RESULT, text=text), budget=budget)
        room = 4 * budget - len(f"{place}\n```\n```\n{rest}\n")
        fitting = room // len("line 00\n")
        if fitting < 3:
            assert (done, lines) == (0, [""])
            continue
        assert done == 1
        shown = len(lines) - 4
        assert fitting - 1 <= shown <= fitting
        assert lines == [place, "```", *text.split("\n")[:shown], "```", rest]


def shown_symbols(
    definitions: Sequence[DefinitionView] = (),
    references: Sequence[ReferenceView] = (),
    *,
    several: bool = False,
    budget: int = 1_000,
) -> tuple[int, list[str]]:
    sheet = Sheet(budget)
    view = SymbolsView("total", tuple(definitions), tuple(references), True, (), None)
    return show_symbols(sheet, view, several=several), str(sheet).split("\n")


def test_definitions_have_their_code_and_uses_their_place() -> None:
    place = head(DEFINITION, several=True)
    code = ["```", *RESULT.text.split("\n"), "```"]
    references = [
        REFERENCE,
        replace(REFERENCE, line=9, within=""),
        replace(REFERENCE, index_id=2, likely=True),
        replace(REFERENCE, index_id=2, path="b c.py", use="text", likely=True, within=""),
        replace(REFERENCE, index_id=2, path="b c.py", line=8, use="text", text="x" * 161),
        replace(REFERENCE, index_id=2, path="b c.py", use="read", likely=True, within=""),
    ]
    assert shown_symbols([DEFINITION, DEFINITION], references, several=True) == (
        6,
        [
            *(place, *code, "", place, *code, ""),
            *("Called in:", "[1] shop/orders.py", "7:[in place_order]     basket.total()"),
            *("9:    basket.total()", "[2] shop/orders.py"),
            "7:[likely, in place_order]     basket.total()",
            *("Mentioned in:", '[2] "b c.py"', "7:    basket.total()"),
            f"8:[in place_order] {'x' * 159}…",
            *("Read in:", '[2] "b c.py"', "7:[likely]     basket.total()"),
        ],
    )


def test_what_a_definition_calls() -> None:
    """With the place of the called definition, if that is known."""
    called = [
        replace(REFERENCE, name="charge", target="a b:1.py:3"),
        replace(REFERENCE, line=8, name="charge", target="shop/x.py:4", likely=True),
        replace(REFERENCE, line=9, name="print"),
        replace(REFERENCE, line=10, name="exit", likely=True),
    ]
    assert shown_symbols(references=called)[1] == [
        *("Calls:", "shop/orders.py"),
        '7:["a b:1.py":3]     basket.total()',
        "8:[likely shop/x.py:4]     basket.total()",
        *("9:[not indexed]     basket.total()", "10:[not indexed]     basket.total()"),
    ]


def test_as_many_uses_are_shown_as_fit() -> None:
    """As many as possible; the code of definitions only in the remaining space."""
    uses = [replace(REFERENCE, line=number, text="x()", within="") for number in range(10, 100)]
    for budget in range(20, 60):
        fitting = (4 * budget - len("Called in:\nshop/orders.py\n")) // len("10:x()\n")
        done, lines = shown_symbols(references=uses, budget=budget)
        assert (done, len(lines)) == (fitting, fitting + 2)
    place = head(DEFINITION, several=False)
    listed = [place, "def total(self):"]
    code = [place, "```", *RESULT.text.split("\n"), "```", ""]
    length = len("\n".join([*listed, *listed, ""]))
    grown = len("\n".join([*code, ""])) - len("\n".join([*listed, ""]))
    for left, expected in ((grown - 4, [*listed, *listed]), (grown, [*code, *listed])):
        budget = -(-(length + left) // 4)
        assert shown_symbols([DEFINITION, DEFINITION], budget=budget) == (2, expected)
