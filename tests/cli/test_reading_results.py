"""Results for people: colours, places, and as much as fits the screen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.command import KoditCommand, Outcome, succeeded
from tests.support.sources import python_function, write_file

from kodit.application.views.search import CopyView, ResultView, SignalView
from kodit.faces.cli.terminal import paint, screen
from kodit.faces.cli.terminal.paint import matches_of, painted, words_of
from kodit.faces.cli.terminal.places import Places
from kodit.faces.cli.terminal.results import (
    LINES,
    Layout,
    _also_in,
    _fitting,
    _head,
    around_best,
    best_window,
    lines_that_fit,
)
from kodit.faces.cli.terminal.screen import Color
from kodit.faces.cli.terminal.searching import asked_places

QUARTZ = ("search", "quartz", "--path", "deep/")


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No colour or pager options, before and after a test."""
    for name in ("NO_COLOR", "FORCE_COLOR", "PAGER", "KODIT_PAGER", "LESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    screen.configure()
    yield
    screen.configure()


# As much as the screen shows


@pytest.mark.parametrize(
    ("lengths", "rows", "shown"),
    [
        ([9, 9, 9], 60, [LINES, LINES, LINES]),
        ([9, 9, 9], 11, [LINES, 1, 1]),
        ([9, 9, 9], 13, [LINES, 3, 1]),
        ([9, 9, 9], 7, [4, 0, 0]),
        ([2, 9, 9], 8, [2, 2, 1]),
        ([9, 9, 9], 2, [0, 0, 0]),
        ([0, 1], 9, [0, 1]),
        ([], 9, []),
    ],
)
def test_the_best_result_has_most_of_the_screen(
    lengths: list[int], rows: int, shown: list[int]
) -> None:
    """Each other result then gets one line, and then more."""
    assert lines_that_fit(lengths, rows) == shown


def test_the_lines_that_answer() -> None:
    """The first window with the most words."""
    text = ["def f():", "  quartz()", "", "  opal()", "  quartz(opal)", ""]
    find = words_of("quartz opal")
    assert best_window(text, 1, find) == range(4, 5)
    assert best_window(text, 3, find) == range(1, 4)
    assert best_window(text, 9, find) == range(6)
    assert best_window(text, 2, words_of("beryl")) == range(2)
    assert best_window(["Quartz quartz", "quartz opal"], 1, find) == range(1, 2)
    places = Places(None)
    result = ResultView(*(1, "/s", "a.py", None, 7, 12, "python", None, None, "", 0.5, "", False))
    for context, around in ((0, (11, text[4:5])), (1, (10, text[3:6])), (9, (7, text))):
        assert around_best(result, text, Layout(places, context=context, find=find)) == around


@pytest.mark.parametrize(
    ("query", "size", "shown"),
    [
        ("lib/a.py:10", 3, range(2, 5)),
        ("a.py:10: quartz is not an opal", 1, range(3, 4)),
        ("/home/me/lib/a.py:7", 4, range(4)),
        ("lib/a.py:12", 4, range(2, 6)),
        ("lib/a.py:10", 9, range(6)),
        ("lib/a.py:13 quartz", 1, range(1, 2)),
        ("lib/b.py:10 quartz", 1, range(1, 2)),
        ("quartz\n  at lib/a.py:10", 1, range(1, 2)),
    ],
)
def test_the_line_that_a_query_names(query: str, size: int, shown: range) -> None:
    """Of that file and in the result; a trace may be of another version."""
    text = ["def f():", "  quartz()", "", "  opal()", "", ""]
    result = ResultView(
        *(1, "/s", "lib/a.py", None, 7, 12, "python", None, None, "", 0.5, "", False)
    )
    layout = Layout(Places(None), find=words_of("quartz"), asked=asked_places(query))
    assert layout.window(result, text, size) == shown


@pytest.mark.parametrize(
    ("query", "line", "found"),
    [
        ("total price", "é = TotalPrice", ["TotalPrice"]),
        ("größe", "Die Größe und dieGröße_x", ["Größe", "dieGröße_x"]),
        ("日本", "foo 日本語 bar", ["日本"]),
        ("naïve", "naive naïve", ["naive", "naïve"]),
    ],
)
def test_words_in_other_scripts(query: str, line: str, found: list[str]) -> None:
    """As the search finds them: without accents, and parts of text that has no spaces."""
    assert [line[start:end] for start, end in words_of(query)(line)] == found


@pytest.mark.parametrize(
    ("line", "rows"),
    [("", 1), ("x", 1), ("x" * 20, 1), ("x" * 21, 2), (f"\x1b[1m{'x' * 20}\x1b[0m", 1)],
)
def test_the_rows_of_a_line(line: str, rows: int) -> None:
    """At least one, however empty it is; colours take no room."""
    assert screen.rows_of(line, 20) == rows


def test_a_path_that_takes_several_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves fewer of them to the text."""
    monkeypatch.setattr(screen, "size", lambda: (20, 9))
    assert _fitting(["x" * 20], [["y"] * 9], 0) == [5]
    assert _fitting(["x" * 50], [["y"] * 9], 0) == [3]
    assert _fitting(["x" * 20], [["y"] * 9], 1) == [4]


def on_screen(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    screen.configure(Color.NEVER)
    monkeypatch.setattr(screen, "is_terminal", lambda: True)
    monkeypatch.setattr(screen, "size", lambda: (columns, 24))


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        (40, "  method Cart.pay, one, two"),
        (39, "  method Cart.pay, …"),
        (33, "  method Cart.pay, …"),
        (32, "  method Cart.pay"),
        (30, "  method Cart.pay"),
        (29, "  method pay"),
        (27, "  method pay"),
        (26, ""),
        (20, ""),
    ],
)
def test_as_many_names_as_a_row_has_room_for(
    monkeypatch: pytest.MonkeyPatch, columns: int, name: str
) -> None:
    """The others of a result go first, then its scope, and at last all."""
    on_screen(monkeypatch, columns)
    result = ResultView(
        *(1, "/s", "a.py", None, 7, 12, "python", "pay", "method", "Cart", 0.5, "", False)
    )
    of_several = replace(result, also_defines=("one", "two"))
    assert _head(1, of_several, Places(None)) == f" 1. a.py:7-12{name}"
    longer = replace(result, symbol="payment")
    if columns == 27:
        assert _head(1, longer, Places(None)) == " 1. a.py:7-12  method paym…"
    nameless = replace(of_several, symbol=None, kind=None, scope="")
    others = "  one, two" if columns >= 23 else ""
    assert _head(1, nameless, Places(None)) == f" 1. a.py:7-12{others}"


def test_a_score_is_shown_with_its_parts_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal; of very many names the first are shown, wherever."""
    facts = (1, "/s", "a.py", None, 7, 12, "python", "pay", "method", "", 0.5, "", False)
    result = replace(ResultView(*facts), also_defines=tuple("abcdefg"))
    head = " 1. a.py:7-12  method pay, a, b, c, d, e, …"
    screen.configure(Color.NEVER)
    assert _head(1, result, Places(None)) == f"{head}  (0.5000)"
    on_screen(monkeypatch, 80)
    assert _head(1, result, Places(None)) == head
    explained = replace(result, explanation=(SignalView("words", 1, 0.5, 0.25),))
    assert _head(1, explained, Places(None)) == f"{head}  (0.5000)"


@pytest.mark.parametrize(
    ("columns", "shown"), [(30, "also in b.py:1-2, c.py:3-4"), (29, "also in b.py:1-2, c.py:3…")]
)
def test_copies_are_shown_in_a_row(
    monkeypatch: pytest.MonkeyPatch, columns: int, shown: str
) -> None:
    on_screen(monkeypatch, columns)
    copies = [CopyView(1, "/s", "b.py", None, 1, 2), CopyView(1, "/s", "c.py", None, 3, 4)]
    assert _also_in(copies, Places(None)) == shown


# Places


@pytest.mark.parametrize(
    ("folder", "shown"),
    [
        ("/code/app", "src/a.py"),
        ("/code/app/src", "a.py"),
        ("/code/app/docs", "../src/a.py"),
        ("/code", "app/src/a.py"),
        ("/", "code/app/src/a.py"),
        ("/code/app2", "/code/app/src/a.py"),
        ("/elsewhere", "/code/app/src/a.py"),
        (None, "src/a.py"),
    ],
)
def test_a_place_relative_to_the_current_folder(folder: str | None, shown: str) -> None:
    """If the source holds the current folder or lies in it; the absolute path elsewhere."""
    assert Places(folder).of("/code/app", "src/a.py") == shown
    assert Places(folder).of("https://example.org/r", "src/a.py") == "src/a.py"


def test_a_place_among_several_sources() -> None:
    """A path that can be opened is printed as it is; otherwise the source is named."""
    places = Places("/code", several=True)
    assert places.of("/code/app", "a.py") == "app/a.py"
    assert places.of("/other", "a\n.py") == r"/other/a\n.py"
    assert places.of("/my code", "docs/", 7) == "/my code/docs/"
    assert places.of("https://example.org/r", "a.py", 7) == "[7] a.py"
    assert Places(None, several=True).of("/other", "a.py") == "/other a.py"


# Colours


@pytest.mark.parametrize(
    ("color", "environment", "on_terminal", "off_terminal"),
    [
        (Color.AUTO, {}, True, False),
        (Color.AUTO, {"NO_COLOR": "1"}, False, False),
        (Color.AUTO, {"NO_COLOR": ""}, True, False),
        (Color.AUTO, {"FORCE_COLOR": "1"}, True, True),
        (Color.AUTO, {"FORCE_COLOR": "0"}, False, False),
        (Color.AUTO, {"FORCE_COLOR": "False"}, False, False),
        (Color.AUTO, {"FORCE_COLOR": "1", "TERM": "dumb"}, True, True),
        (Color.AUTO, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
        (Color.AUTO, {"TERM": "dumb"}, False, False),
        (Color.ALWAYS, {"NO_COLOR": "1"}, True, True),
        (Color.NEVER, {"FORCE_COLOR": "1"}, False, False),
    ],
)
def test_when_output_is_coloured(
    color: Color,
    environment: dict[str, str],
    on_terminal: bool,
    off_terminal: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The command line comes first, then the environment, then the kind of output."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    screen.configure(color)
    assert screen.has_color(True) is on_terminal
    assert screen.has_color(False) is off_terminal


def test_code_in_the_colours_of_its_language(monkeypatch: pytest.MonkeyPatch) -> None:
    """With matches in any form highlighted, and cut to the width."""
    lines = ["def claim_next(self):", "    return 'claimed'  # CLAIMS"]
    screen.configure(Color.ALWAYS)
    find = words_of("how is it claimed")

    assert painted(lines, [0, 1], language="python", find=find) == [
        "\x1b[35mdef\x1b[m \x1b[1;31mclaim\x1b[m\x1b[1m_next\x1b[m(self):",
        "    \x1b[35mreturn\x1b[m \x1b[33m'\x1b[m\x1b[1;31mclaimed\x1b[m\x1b[33m'\x1b[m  "
        "\x1b[2m# \x1b[m\x1b[1;31mCLAIMS\x1b[m",
    ]
    assert painted(lines, [1], path="a.py", width=12) == [
        "    \x1b[35mreturn\x1b[m \x1b[33m…\x1b[m"
    ]
    assert painted(lines, [1], language="python", find=find, width=12, around=True) == [
        "\x1b[35m…n\x1b[m \x1b[33m'\x1b[m\x1b[1;31mclaimed\x1b[m\x1b[33m…\x1b[m"
    ]
    assert painted(lines, [0], language="nothing") == [lines[0]]
    with monkeypatch.context() as patched:
        patched.setattr(paint, "LARGEST_TEXT", 3)
        assert painted(lines, [0], language="python") == [lines[0]]
    screen.configure(Color.NEVER)
    assert painted(lines, [1], language="python", find=find, width=12) == ["    return …"]
    assert painted(lines, [1], find=find, width=12, around=True) == ["…n 'claimed…"]
    at_the_end = matches_of("S$", fixed=False, ignore_case=False)
    assert painted(lines, [1], find=at_the_end, width=12, around=True) == ["…'  # CLAIMS"]


def test_matches_of_grep_are_highlighted() -> None:
    """By grep's own expressions."""
    assert list(matches_of("A+", fixed=False, ignore_case=True)("baab a")) == [(1, 3), (5, 6)]
    assert list(matches_of("a+", fixed=True, ignore_case=False)("aa a+")) == [(3, 5)]
    assert list(matches_of("ü", fixed=True, ignore_case=False)("größe ü")) == [(6, 7)]


@pytest.mark.parametrize("command", ["search", "grep", "symbols"])
def test_colours_change_no_word(command: str, indexed: KoditCommand) -> None:
    """And they appear only where they are wanted."""
    said = [command, "quartz"]
    bare = succeeded(indexed.run_here(*said)).out
    colored = succeeded(indexed.run_here(*said, "--color", "always")).out

    assert "\x1b" not in bare
    assert "\x1b[" in colored
    assert screen._STYLE.sub("", colored) == bare


# What is printed


def lines_of(outcome: Outcome) -> list[str]:
    return succeeded(outcome).out.splitlines()


def test_only_the_files(indexed: KoditCommand) -> None:
    """Each file once, whatever the number of its results."""
    results = indexed.ask("search", "return value", "-s", "1", "-n", "50")["results"]
    files = list(dict.fromkeys(result["file"] for result in results))
    assert len(files) < len(results)

    shown = lines_of(indexed.run_here("search", "return value", "-s", "1", "-n", "50", "--files"))

    assert shown == [path.replace("\x1b", r"\x1b").replace("\n", r"\n") for path in files]


@pytest.mark.parametrize("command", [QUARTZ, ("related", "1", "deep/quartz.py:1")], ids=" ".join)
def test_a_result_a_line(command: tuple[str, ...], indexed: KoditCommand) -> None:
    """The same objects as in one document."""
    shown = lines_of(indexed.run_here(*command, "--jsonl"))
    assert [json.loads(line) for line in shown] == indexed.ask(*command)["results"]


def test_the_file_of_each_result(indexed: KoditCommand) -> None:
    """The absolute path, for a file of a folder."""
    folder, git = (index["source"] for index in indexed.ask("status")["indexes"])
    for command, name in (
        ("search", "results"),
        ("grep", "matches"),
        ("symbols", "definitions"),
        ("symbols", "references"),
    ):
        found = indexed.ask(command, "quartz", "-s", "1")[name]
        assert {one["file"] for one in found} == {f"{folder}/{one['path']}" for one in found}
    listed = indexed.ask("ls")["files"]
    assert {one["source"] for one in listed if one["file"] is None} == {git}
    assert all(one["file"] in (None, f"{folder}/{one['path']}") for one in listed)
    assert indexed.ask("read", "1", "deep/quartz.py")["file"] == f"{folder}/deep/quartz.py"


def test_context_comes_from_the_file(kodit: KoditCommand, tmp_path: Path) -> None:
    """Also beyond the snippet; a file that is no longer text shows the lines of its snippet."""
    text = f"# before\n\n\n{python_function('quartz', 'a b c'.split())}\n\n\n# after\n"
    write_file(tmp_path / "folder" / "a.py", text)
    kodit.succeed("index", tmp_path / "folder")
    ((_start, *rest),) = [
        lines_of(kodit.run_here("search", "quartz", "-k", "function", "--context", "99"))
    ]
    written = text.splitlines()
    shown = [line[4:] for line in rest if line]
    width = len(str(len(written) + 1))
    assert shown == [f"{number:>{width}}  {line}" for number, line in enumerate(written, 1)]

    (tmp_path / "folder" / "a.py").write_bytes(b"\0" * 9)

    shown = lines_of(kodit.run_here("search", "quartz", "-k", "function", "--context", "0"))
    assert len(shown) == 3
    assert "def quartz" in shown[1]
