"""Files with unreadably long lines: the line is shortened, and the file stays."""

from __future__ import annotations

import pytest

from kodit.infrastructure.folder.content import looks_generated
from kodit.infrastructure.long_lines import KEPT, KEPT_OF_PROSE, shortened
from kodit.infrastructure.slicing.slicer import slice_file

IMAGE = "data:image/png;base64," + "iVBORw0KGgo" * 4_000
NUMBERS = ", ".join(str(number) for number in range(9_000))
DRAWING = " ".join(f"M{number} {number}l3 4" for number in range(4_000))


@pytest.mark.parametrize(
    ("path", "text", "names"),
    [
        ("README.md", f"# Title\n\n![Logo]({IMAGE})\n\n## Usage\n\nCall `run`.\n", ["Title"]),
        ("Logo.tsx", f'export const Logo = () => (\n  <svg d="{DRAWING}"/>\n);\n', ["Logo"]),
        ("table.py", f"TABLE = [{NUMBERS}]\n\n\ndef look_up(key):\n    return 1\n", ["look_up"]),
        ("app.js", f"const font = '{IMAGE}';\nfunction load() {{}}\n", ["load"]),
        ("style.css", f".a {{ color: red }}\n.b {{ src: url({IMAGE}) }}\n", []),
        ("page.html", f"<h1>Welcome</h1>\n<img src='{IMAGE}'>\n<p>Words to read.</p>\n", []),
        ("data.json", f'{{"name": "primes",\n"values": [{NUMBERS}]}}\n', []),
    ],
)
def test_one_long_line_costs_that_line(path: str, text: str, names: list[str]) -> None:
    """All others are found, and of the long one a bounded beginning."""
    data = text.encode()
    assert not looks_generated(path, data)
    sliced = slice_file(path, data)
    assert sliced.problem is None
    kept = "\n".join(snippet.text for snippet in sliced.snippets)
    for line in text.splitlines():
        if line.strip():
            assert line[:20] in kept
    assert max(map(len, kept.splitlines())) <= KEPT + 1
    found = {
        symbol.name
        for one in sliced.snippets
        for symbol in (one.symbol, *(placed.symbol for placed in one.also_defines))
        if symbol is not None
    }
    assert found >= set(names)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("app.js", "var a=1;" * 4_000),
        ("app.js", "/*! Library 3.7 | licence: MIT */\n" + "var a=1;" * 4_000),
        ("app.js", '"use strict";\n(function(){\n' + "var a=1;" * 4_000 + "\n})();\n"),
        ("app.js", ("var a=1;" * 900 + "\n") * 40 + "var last = 1;\n"),
        ("dump.txt", "x" * 9_000),
    ],
)
def test_nothing_but_long_lines_is_minified(path: str, text: str) -> None:
    """A licence in a comment, enclosing brackets and a short last line do not make it readable."""
    assert slice_file(path, text.encode()).problem == "minified"


def test_prose_in_one_line_is_kept() -> None:
    """A paragraph is often a line of its own; a picture in the middle is left out of it."""
    words = "The quick brown fox jumps over the lazy dog. "
    line = words * 70 + f"![fox]({IMAGE}) " + words * 70
    kept = shortened(line)
    assert kept.startswith(words * 70 + "![fox](data:image/png;base64,")
    assert kept.endswith(words * 70)
    assert len(shortened(words * 1_000)) == KEPT_OF_PROSE + 1


def test_lines_keep_their_numbers() -> None:
    """Text below a long line is found at its own line number."""
    source = f"import os\n\nA = '{IMAGE}'\n\n\ndef below():\n    return A\n"
    below = slice_file("a.py", source.encode()).snippets[-1]
    assert below.text.endswith("def below():\n    return A")
    assert below.end_line == 7
