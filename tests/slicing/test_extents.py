"""The place of a definition: the line of its name, and its first and last line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.slicing.test_golden import SOURCES, name_of

from kodit.domain.snippet import Extent
from kodit.domain.value_objects import SlicedFile
from kodit.infrastructure.slicing.languages import LANGUAGES
from kodit.infrastructure.slicing.leading import with_leading_lines
from kodit.infrastructure.slicing.slicer import slice_file

NAMED = sorted((Path(__file__).parent / "named").iterdir())


def short_examples() -> Iterator[tuple[str, bytes]]:
    """Path and content of a short file of each language."""
    for example in NAMED:
        path, _, code = example.read_text("utf-8").partition("\n====\n")[0].partition("\n")
        yield path, f"{code}\n".encode()


EXAMPLES = {name_of(source): source.read_bytes() for source in SOURCES} | dict(short_examples())


def extents(sliced: SlicedFile) -> Iterator[tuple[str, Extent]]:
    """Each definition of a file with its place."""
    for snippet in sliced.snippets:
        if snippet.symbol is not None:
            yield from ((snippet.symbol.name, extent) for extent in snippet.extents)
        for placed in snippet.also_defines:
            yield placed.symbol.name, Extent(placed.line, placed.start_line, placed.end_line)


def placed(path: str, code: str) -> dict[str, tuple[Extent, ...]]:
    """The extents of all definitions, by name."""
    found: dict[str, tuple[Extent, ...]] = {}
    for name, extent in extents(slice_file(path, code.encode())):
        found[name] = (*found.get(name, ()), extent)
    return found


@pytest.mark.parametrize("path", EXAMPLES)
def test_every_definition_stands_where_its_name_does(path: str) -> None:
    """In every language, whatever comes before it, and within its lines."""
    data = EXAMPLES[path]
    lines = data.decode().split("\n")
    sliced = slice_file(path, data)
    for name, extent in extents(sliced):
        assert 1 <= extent.start_line <= extent.line <= extent.end_line <= len(lines), name
        line = lines[extent.line - 1].replace("operator ", "operator")
        assert name.split(" ")[0] in line, (name, extent)


@pytest.mark.parametrize("path", EXAMPLES)
def test_every_symbol_is_placed_once_somewhere(path: str) -> None:
    """A snippet without an extent continues a definition that has one."""
    sliced = slice_file(path, EXAMPLES[path])
    known = {one.symbol for snippet in sliced.snippets for one in snippet.also_defines}
    known |= {one.symbol for one in sliced.snippets if one.symbol and one.extents}
    assert {one.symbol for one in sliced.snippets if one.symbol} <= known


def test_a_class_runs_from_its_first_line_to_its_last() -> None:
    """Whatever snippets it is split into, and whether they are named by it or not."""
    body = "".join(f"        total += {number}\n" for number in range(30))
    methods = "".join(f"    def m{n}(self):\n        total = 0\n{body}\n" for n in range(3))
    code = (
        f"import os\n\n# All of it.\n@sealed\nclass Large:\n    LIMIT = 3\n\n{methods}\nend = 1\n"
    )
    found = placed("a.py", code)
    assert found["Large"] == (Extent(5, 3, 105),)
    assert found["m1"] == (Extent(41, 41, 72),)


@pytest.mark.parametrize(
    ("path", "code", "name", "expected"),
    [
        (
            "A.cs",
            "/// <summary>About Store.</summary>\n[Serializable]\npublic class Store\n{\n}\n",
            "Store",
            Extent(3, 1, 5),
        ),
        (
            "a.swift",
            "/// Calls `add` when you add.\n@inlinable\nfunc add() {\n}\n",
            "add",
            Extent(3, 1, 4),
        ),
        ("a.rs", "/// The `run`.\n#[inline]\npub fn run() {\n}\n", "run", Extent(3, 1, 4)),
        ("a.c", "/* run(): runs */\nstatic int\nrun(void)\n{\n}\n", "run", Extent(3, 1, 5)),
        ("a.c", "typedef struct tag\n{\n  int x;\n}\nNAME;\n", "NAME", Extent(5, 1, 5)),
        (
            "A.java",
            "/** Of Ledger. */\n@Entity\npublic final class Ledger {\n}\n",
            "Ledger",
            Extent(3, 1, 4),
        ),
        ("a.kt", "/** To call [run]. */\n@Test\nfun run() {\n}\n", "run", Extent(3, 1, 4)),
        ("a.ts", "// run it\n@Injectable()\nexport class Run {\n}\n", "Run", Extent(3, 1, 4)),
        ("a.php", "<?php\n/** run */\n#[Test]\nfunction run() {\n}\n", "run", Extent(4, 2, 5)),
        ("a.rst", "=====\nTitle\n=====\n\nText.\n\n", "Title", Extent(2, 1, 5)),
        ("a.md", "# Title\n\nText.\n\n", "Title", Extent(1, 1, 3)),
    ],
)
def test_lines_before_a_name_are_not_its_line(
    path: str, code: str, name: str, expected: Extent
) -> None:
    """Comments that mention it, attributes, and the words before it."""
    assert placed(path, code)[name] == (expected,)


def test_a_long_head_of_a_file_is_no_part_of_its_first_definition() -> None:
    """Even if both are in one snippet."""
    code = "import a\nimport b\n\ndef first():\n    return 1\n"
    assert placed("a.py", code)["first"] == (Extent(4, 4, 5),)


def test_a_name_behind_arguments_of_its_type() -> None:
    """Where a macro in front makes the parser take the type for a part of the name."""
    code = (
        "ABSL_INIT std::atomic<int> level{0};\nABSL_INIT static std::vector<A>* infos = nullptr;\n"
    )
    assert {"level", "infos"} <= placed("a.cc", code).keys()


def test_cells_of_a_notebook_have_lines_of_the_file() -> None:
    """Like everything else in it."""
    code = (
        '{"cells": [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": null,'
        '\n"source": [\n"import a\\n",\n"\\n",\n"def first():\\n",\n"    return 1"]}],\n'
        '"metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}\n'
    )
    assert placed("a.ipynb", code)["first"] == (Extent(5, 5, 6),)


def test_conversions_are_named_by_their_type() -> None:
    """And not by qualifiers such as `const` and `noexcept`."""
    code = (
        "struct A {\n  explicit operator bool() const noexcept { return 1; }\n"
        "  operator std::function<int()>() const { return {}; }\n  operator int() &&;\n};\n"
        "A::operator char*() const { return 0; }\n"
    )
    expected = {"operator bool", "operator std::function<int()>", "operator int", "operator char*"}
    assert placed("a.cc", code).keys() == {"A", *expected}


def test_a_comment_that_begins_in_another_definition_leads_up_to_none() -> None:
    """Neither does what is above a blank line."""
    lines = ["int a; /* of", "both */", "// this", "int b;", "", "int c;"]
    java = LANGUAGES["java"]
    assert with_leading_lines(3, 1, lines, java) == 2
    assert with_leading_lines(3, 1, ["/* of", *lines[1:]], java) == 2
    assert with_leading_lines(3, 0, ["/* of", *lines[1:]], java) == 0
    assert with_leading_lines(5, 0, lines, java) == 5


def test_a_line_between_two_types_goes_with_the_one_below() -> None:
    """It belongs to neither, but is outside of both as the next one is."""
    body = "".join(f"        step_{number} = {number} + other()\n" for number in range(14))
    methods = "".join(f"    def f{number}(self):\n{body}" for number in range(3))
    code = f"class A:\n{methods}run(A)\nclass B:\n{body}"
    snippets = slice_file("a.py", code.encode()).snippets
    assert [(one.start_line, one.end_line) for one in snippets[-2:]] == [(32, 46), (47, 62)]
