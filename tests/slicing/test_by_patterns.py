"""Line patterns, for languages without a grammar and for documents."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.slicing.test_golden import SOURCES, name_of

from kodit.domain.snippet import MinorSymbol
from kodit.domain.value_objects import Symbol, SymbolKind
from kodit.infrastructure.slicing import languages as table
from kodit.infrastructure.slicing.budget import Budget, GaveUpError
from kodit.infrastructure.slicing.by_patterns import (
    load_patterns,
    outline_by_patterns,
    plain_language,
    underlined_titles,
)
from kodit.infrastructure.slicing.detection import detect_language
from kodit.infrastructure.slicing.slicer import slice_file
from kodit.infrastructure.slicing.version import extractor_version, is_outdated

FILLER = "Words that fill a line of this document, so that a section is not joined.\n" * 16

UNDERLINED = "Install\n=======\n\n{0}\nLinux\n-----\n\n{0}\nUse\n===\n\n{0}"
DOCUMENTS = {
    "guide.rst": f"=====\nGuide\n=====\n\n{{0}}\n{UNDERLINED}",
    "guide.txt": f"Guide\n*****\n\n{{0}}\n{UNDERLINED}",
    "README": f"Guide\n*****\n\n{{0}}\n{UNDERLINED}",
    "guide.adoc": "= Guide\n\n{0}\n== Install\n\n{0}\n=== Linux\n\n{0}\n== Use\n\n{0}",
    "guide.org": "* Guide\n{0}\n** Install\n{0}\n*** Linux\n{0}\n** Use\n{0}",
    "guide.html": "<h1>Guide</h1>\n<p>{0}</p>\n<h2 id='x'>Install</h2>\n<p>{0}</p>\n"
    "<h3>Linux</h3>\n<p>{0}</p>\n<h2><a>Use</a></h2>\n<p>{0}</p>\n",
    "guide.tex": "\\chapter{{Guide}}\n{0}\n\\section{{Install}}\n{0}\n"
    "\\subsection{{Linux}}\n{0}\n\\section{{Use}}\n{0}",
    "guide.pod": "=head1 Guide\n\n{0}\n=head2 Install\n\n{0}\n"
    "=head3 Linux\n\n{0}\n=head2 Use\n\n{0}",
}


@pytest.mark.parametrize("path", DOCUMENTS)
def test_documents_have_sections(path: str) -> None:
    """Each starts at its title, inside those above it."""
    snippets = slice_file(path, DOCUMENTS[path].format(FILLER).encode()).snippets
    found = [snippet.symbol for snippet in snippets if snippet.symbol]
    assert {symbol.kind for symbol in found} == {SymbolKind.SECTION}
    assert [symbol.qualified_name for symbol in found] == [
        *("Guide", "Guide.Install", "Guide.Install.Linux", "Guide.Use"),
    ]
    for snippet in snippets:
        assert snippet.symbol is not None
        head = "\n".join(snippet.text.split("\n")[:3])
        assert snippet.symbol.name in head


def test_manual_pages_have_sections() -> None:
    text = f'.TH TOOL 1\n.SH NAME\n{FILLER}.SH "EXIT STATUS"\n{FILLER}.SS General\n{FILLER}'
    snippets = slice_file("tool.1", text.encode()).snippets
    names = [snippet.symbol.qualified_name for snippet in snippets if snippet.symbol]
    assert names == ["NAME", "EXIT STATUS", "EXIT STATUS.General"]


@pytest.mark.parametrize(
    "text",
    [
        "a\n-\n\nb\n-\n",
        "some words\n---\n",
        "one\ntwo\n=======\nthree\n",
        "name   | age\n-------------\nann    | 3\n\n" + "-" * 20 + "\n" * 3,
        "    code\n    ====\n",
        "=======\n=======\n",
    ],
)
def test_lines_of_punctuation_are_not_all_underlines(text: str) -> None:
    """A title is one line after a blank one, of about the length of its underline."""
    table_only = "name   | age" in text
    snippets = slice_file("notes.txt", text.encode()).snippets
    assert [one.symbol.name for one in snippets if one.symbol] == (
        ["name   | age"] if table_only else []
    )


def test_other_texts_are_not_searched_for_titles() -> None:
    """A log may contain any line."""
    text = f"Guide\n=====\n\n{FILLER}"
    assert [one.symbol for one in slice_file("run.log", text.encode()).snippets] == [None]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("geometry.f90", {"module geometry", "struct point", "function swap", "function main"}),
        ("Orbits.jl", {"module Orbits", "struct Star", "function period", "macro check"}),
        ("Shape.m", {"class Shape", "interface Drawable", "method shared", "enum Mode"}),
        ("shapes.ml", {"type point", "module M", "function fact", "constant limit"}),
        ("Counter.pl", {"class Mod", "function new", "constant LIMIT"}),
        ("counter.sv", {"module top", "class Packet", "function add", "macro WIDTH"}),
        ("blink.v", {"module blink", "function next", "function clear"}),
    ],
)
def test_without_its_grammar_a_language_is_cut_by_patterns(
    monkeypatch: pytest.MonkeyPatch, name: str, expected: set[str]
) -> None:
    """The larger grammars come with an extra; once it is installed, files are extracted again."""
    source = next(one for one in SOURCES if name_of(one) == name)
    data = source.read_bytes()
    language = detect_language(name, data)
    monkeypatch.setattr(table, "_is_there", lambda _module: False)
    extractor_version.cache_clear()
    sliced = slice_file(name, data)
    without = extractor_version(language)
    monkeypatch.undo()
    assert sliced.problem is None
    own = [snippet.symbol for snippet in sliced.snippets if snippet.symbol]
    others = [placed.symbol for snippet in sliced.snippets for placed in snippet.also_defines]
    found = {f"{symbol.kind} {symbol.name}" for symbol in (*own, *others)}
    assert {one.split()[1] for one in expected} <= {one.split()[1] for one in found}
    extractor_version.cache_clear()
    assert is_outdated(language, without)


BASIC = """\
Public Class Shop
    PUBLIC CONST Limit = 3

    Function Sell() As Integer
        Return 1
    End Function
End Class
"""


def test_words_may_be_in_any_case_and_a_minor_name_has_its_line() -> None:
    """If the language ignores case."""
    (whole,) = slice_file("shop.vb", BASIC.encode()).snippets
    found = {
        (one.symbol.qualified_name, type(one) is MinorSymbol, one.start_line, one.end_line)
        for one in whole.also_defines
    }
    assert whole.symbol == Symbol("Shop", SymbolKind.CLASS)
    assert found == {("Shop.Limit", True, 2, 2), ("Shop.Sell", False, 4, 7)}
    assert not slice_file("a.rst", b"GUIDE\n").snippets[0].symbol


@pytest.mark.parametrize(("length", "is_found"), [(300, True), (301, False)])
def test_longer_lines_are_skipped(length: int, is_found: bool) -> None:
    (snippet,) = slice_file("a.vb", b"Class Shop ".ljust(length, b"'") + b"\n").snippets
    assert (snippet.symbol is not None) is is_found


def test_the_search_by_patterns_stops_at_the_time_limit() -> None:
    patterns = load_patterns("vbnet")
    assert patterns is not None
    with pytest.raises(GaveUpError):
        outline_by_patterns(["Class Shop"], plain_language("vbnet"), patterns, Budget(-1.0))


def test_every_pattern_stays_quick_on_a_hostile_line() -> None:
    """A hostile line of the longest length takes negligible time."""
    folder = Path(table.__file__).parent / "queries"
    lines = [part * 60 for part in ("a ", "public static ", "(a", "A<", "int a, ", "'a ", "= ")]
    text = ("\n".join(line[:299] for line in lines) + "\n").encode()
    extensions = {"clojure": "clj", "groovy": "groovy", "d": "d", "apex": "cls", "glsl": "glsl"}
    for name, extension in extensions.items():
        assert (folder / f"{name}.patterns").is_file()
        sliced = slice_file(f"a.{extension}", text * 20, time_limit_seconds=20.0)
        assert sliced.problem is None, name


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("Guide\n=====", [(0, 1, "Guide")]),
        ("Guide  \n=====  ", [(0, 1, "Guide")]),
        ("=====\nGuide\n=====", [(0, 1, "Guide")]),
        ("=====  \n Guide\n===== ", [(0, 1, "Guide")]),
        ("=====\nGuide\n====", []),
        ("above\nGuide\n=====", []),
        (" Guide\n=====", []),
        ("\nOne\n===\n\nTwo\n---\n\nSix\n===", [(1, 1, "One"), (4, 2, "Two"), (7, 1, "Six")]),
        ("===\nOne\n===\n\nTwo\n===", [(0, 1, "One"), (4, 2, "Two")]),
        ("Installed\n=======", []),
        ("Installer\n========", [(0, 1, "Installer")]),
        ("***\n===", []),
        ("\n===", []),
        ("x" * 1_000 + "\n" + "=" * 1_000, []),
    ],
)
def test_titles_by_the_lines_around_them(text: str, titles: list[tuple[int, int, str]]) -> None:
    """The first row, the level in the order of the styles, and the title of each."""
    found = underlined_titles(text.split("\n"))
    assert [(one.row, one.depth, one.name) for one in found] == titles
    assert [one.named for one in found] == [
        text.split("\n").index(next(line for line in text.split("\n") if line.strip() == one.name))
        for one in found
    ]
