"""Notebooks are read without their output, and snippets have the lines of the file."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kodit.domain.entities import Snippet
from kodit.domain.mentions import decode_mentions
from kodit.infrastructure.slicing.limits import LONG_LINE
from kodit.infrastructure.slicing.notebooks import read_notebook
from kodit.infrastructure.slicing.slicer import slice_file


def cell(kind: str, source: str, **more: Any) -> dict[str, Any]:
    """In Jupyter's format: one string per line, and the keys in alphabetical order."""
    found: dict[str, Any] = {"cell_type": kind, "metadata": {}}
    if kind == "code":
        found |= {"execution_count": 1, "outputs": []}
    return dict(sorted((found | {"source": source.splitlines(keepends=True)} | more).items()))


def notebook(*cells: dict[str, Any], language: str = "python", indent: int | None = 1) -> bytes:
    metadata = {"kernelspec": {"display_name": "K", "language": language, "name": "k"}}
    whole = {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=indent, ensure_ascii=False).encode()


def cut(data: bytes, path: str = "analysis.ipynb") -> list[Snippet]:
    sliced = slice_file(path, data)
    assert sliced.problem is None
    return list(sliced.snippets)


PICTURE = {"data": {"image/png": "iVBORw0KGgo" * 4_000}, "output_type": "display_data"}
ANALYSIS = notebook(
    cell("markdown", "# Churn\n\nWho leaves, and **why**."),
    cell("code", "%matplotlib inline\n!pip install pandas\nimport pandas as pd"),
    cell("code", "def load(path):\n    return pd.read_csv(path)\n", outputs=[PICTURE]),
    cell("code", ""),
    cell("code", "%%sql\nSELECT name FROM customers"),
    cell("raw", "a note"),
)


def test_cells_in_their_languages() -> None:
    """Definitions and sections; no output."""
    snippets = cut(ANALYSIS)
    assert [(one.language, one.symbol and one.symbol.name) for one in snippets] == [
        ("markdown", "Churn"),
        ("python", None),
        ("python", "load"),
        ("sql", None),
        ("text", None),
    ]
    assert snippets[1].text == "%matplotlib inline\n!pip install pandas\nimport pandas as pd"
    assert slice_file("analysis.ipynb", ANALYSIS).language == "python"
    assert not any("iVBOR" in one.text for one in snippets)


def test_lines_lead_back_to_the_file() -> None:
    """Each line of a snippet is on that line of the file, in JSON form."""
    lines = ANALYSIS.decode().split("\n")
    for snippet in cut(ANALYSIS):
        for number, line in enumerate(snippet.text.split("\n"), snippet.start_line):
            assert json.dumps(line, ensure_ascii=False)[1:-1] in lines[number - 1]
        assert snippet.end_line == snippet.start_line + snippet.text.count("\n")
        for mention in decode_mentions(snippet.mentions, snippet.start_line):
            assert mention.name in lines[mention.line - 1]
        for placed in snippet.also_defines:
            assert placed.symbol.name in lines[placed.start_line - 1]


@pytest.mark.parametrize(
    "line", ["!git clone https://quartz.org/y.git && cd y", "!cat ''' > x", "    %slate '''", "f?"]
)
def test_commands_to_the_notebook_are_no_code(line: str) -> None:
    """They are kept unchanged, use no names, and open no string."""
    source = f"if x:\n{line}\n\n\ndef marble():\n    return cut()"
    snippets = cut(notebook(cell("code", source)))
    assert line in "\n".join(one.text for one in snippets)
    assert [one.symbol.name for one in snippets if one.symbol] == ["marble"]
    names = {
        mention.name
        for one in snippets
        for mention in decode_mentions(one.mentions, one.start_line)
    }
    assert names - {"x"} == {"cut"}


def test_a_cell_that_is_one_string() -> None:
    """It is on one line, and so is everything if the file has no line ends."""
    whole = dict(cell("code", ""), source="def one():\n    return two()\n\n\nx = 1\n")
    (snippet,) = cut(notebook(whole))
    assert snippet.symbol is not None
    assert snippet.start_line == snippet.end_line
    assert "def one" in notebook(whole).decode().split("\n")[snippet.start_line - 1]
    assert {one.line for one in decode_mentions(snippet.mentions, snippet.start_line)} == {
        snippet.start_line
    }
    assert {one.start_line for one in cut(notebook(whole, indent=None))} == {1}


@pytest.mark.parametrize(
    ("source", "language"),
    [
        ("x <- 1", "r"),
        ("%%bash\necho hello", "bash"),
        ("%%javascript\nfunction draw() {}", "javascript"),
        ("%%time\ndef f(): ...", "python"),
    ],
)
def test_other_languages(source: str, language: str) -> None:
    """Of the kernel, or as the first line of a cell says."""
    kernel = "R" if language == "r" else "python"
    (snippet,) = cut(notebook(cell("code", source), language=kernel))
    assert snippet.language == (language if language != "r" else "text")
    whole = notebook(cell("code", source), language=kernel)
    assert slice_file("a.ipynb", whole).language == ("text" if language == "r" else "python")
    assert snippet.text == source


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({"language_info": {"name": "bash"}}, "bash"),
        ({"kernelspec": {"language": " "}, "language_info": {"name": "bash"}}, "bash"),
        ({"kernelspec": {"language": "bash"}, "language_info": {"name": "sql"}}, "bash"),
        ({"kernelspec": ["bash"]}, "python"),
        (["bash"], "python"),
        ({}, "python"),
    ],
)
def test_the_language_of_the_kernel(metadata: Any, language: str) -> None:
    """Wherever it is set; the cells may come first."""
    whole = {"cells": [cell("code", "echo")], "metadata": metadata}
    found = read_notebook(json.dumps(whole))
    assert found is not None
    assert (found.language, found.cells[0].language) == (language, language)


def test_a_cell_may_have_a_language_of_its_own() -> None:
    """As an editor records it."""
    noted = cell("code", "let x = 1", metadata={"vscode": {"languageId": "javascript"}})
    odd = cell("code", "x = 1", metadata={"vscode": {"languageId": " "}})
    assert [one.language for one in cut(notebook(noted, odd))] == ["javascript", "python"]


def test_elements_are_joined_where_no_line_ends() -> None:
    """Some tools write several lines in one string, or a line in several strings."""
    source = ["x = (1 +", " 2)\ny = 3\nz", " = 4\n", "w = 5"]
    found = read_notebook(json.dumps({"cells": [cell("code", "") | {"source": source}]}, indent=1))
    assert found is not None
    (only,) = found.cells
    assert only.lines == ["x = (1 + 2)", "y = 3", "z = 4", "w = 5"]
    assert [row - only.rows[0] for row in only.rows] == [0, 1, 1, 3]


def test_what_a_grammar_gets_of_lines_for_the_notebook() -> None:
    found = read_notebook(notebook(cell("code", "%%time\nif x:\n    %slate\n\t!ls\n")).decode())
    assert found is not None
    assert found.cells[0].code == "      \nif x:\n    #slate\n\t#ls"


def test_a_tab_in_a_string_is_read() -> None:
    """JSON does not allow it unescaped, but programs write it."""
    data = notebook(cell("code", "x = 1", metadata={"name": "a!b"}), cell("code", "def f(!): ..."))
    snippets = cut(data.replace(b"!", b"\t"))
    assert [one.text for one in snippets] == ["x = 1", "def f(\t): ..."]


def test_long_lines_and_problems_of_cells() -> None:
    """As in any file."""
    kept = cut(notebook(cell("code", "x = '" + "ab" * 9_000 + "'\ny = 1")))
    assert max(len(line) for one in kept for line in one.text.split("\n")) < LONG_LINE
    sliced = slice_file("a.ipynb", ANALYSIS, -1.0)
    assert sliced.problem == "parser ran out of time"


def test_an_old_notebook() -> None:
    """Before version 4, cells are in worksheets, and their code is called input."""
    code = {"cell_type": "code", "input": ["def old():\n", "    pass"], "language": "python"}
    whole = {"worksheets": [{"cells": [code], "metadata": {}}], "nbformat": 3, "metadata": {}}
    (snippet,) = cut(json.dumps(whole, indent=1).encode())
    assert snippet.symbol is not None
    assert snippet.symbol.name == "old"


@pytest.mark.parametrize(
    "data",
    [
        *(
            b"{}",
            b"[]",
            b'{"cells": 1}',
            b'{"cells": [',
            b"not json",
            b'{"cells": [{"source": 1}]}',
        ),
        b'{"cells": ' + b"[" * 100_000,
    ],
    ids=range(7),
)
def test_what_is_no_notebook_is_text(data: bytes) -> None:
    """Nothing of it is lost, and nothing raises."""
    sliced = slice_file("a.ipynb", data)
    assert sliced.language == "text"
    assert sliced.problem in (None, "minified")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["code", "markdown", "raw"]),
            st.text(
                st.characters(
                    codec="utf-8", exclude_characters="\r\x85\u2028\u2029\v\f\x1c\x1d\x1e\0"
                ),
                max_size=80,
            ),
        ),
        max_size=5,
    ),
    st.sampled_from([None, 1, 4]),
)
def test_every_line_that_was_written_is_kept(
    written: list[tuple[str, str]], indent: int | None
) -> None:
    """In order, in one snippet each."""
    data = notebook(*(cell(kind, source) for kind, source in written), indent=indent)
    kept = [line for one in cut(data) for line in one.text.split("\n") if line.strip()]
    lines = [line for _, source in written for line in source.split("\n") if line.strip()]
    assert kept == lines
