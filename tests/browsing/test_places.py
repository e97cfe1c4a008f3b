"""The lines of definitions in `symbols`, `outline` and `map`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.browsing.conftest import write_files
from tests.slicing.test_extents import short_examples

from kodit import Kodit
from kodit.application.views.files import DefinitionView, OutlineSymbolView
from kodit.application.views.search import ResultView
from kodit.faces.mcp.text.results import head

EXAMPLES = dict(short_examples())
SHOP, OF_LANGUAGES = 1, 2
"""The indexes."""

BODY = "".join(f"    total += {number};\n" for number in range(20))
METHODS = "".join(f"  m{n}(): void {{\n    let total = 0;\n{BODY}  }}\n\n" for n in range(4))
FILES = {
    "large.ts": (
        f"import x from 'x';\n\n// Large has it all.\nexport class Large {{\n{METHODS}"
        "  size = 1;\n}\n"
    ),
    "Store.cs": (
        "namespace Shop\n{\n    /// <summary>\n    /// Store of all, and of a Store.\n"
        "    /// </summary>\n    [Serializable]\n    public class Store\n    {\n"
        + "".join(
            f"        public int M{n}()\n        {{\n            return {n};\n        }}\n\n"
            for n in range(6)
        )
        + "        public delegate void Changed(int code);\n    }\n}\n"
    ),
    "supervisor.ex": (
        "defmodule Shop.Supervisor do\n  def run(name) when is_atom(name) do\n    name\n  end\n\n"
        "  # The other clause.\n  def run(name) do\n    run(String.to_atom(name))\n  end\n\n"
        "  def start, do: Shop.Supervisor.run(:a)\nend\n"
    ),
    "twice.java": (
        "class Twice {\n  int add(int a) {\n    return a;\n  }\n\n"
        "  int add(long a) {\n    return 1;\n  }\n\n  int both() { return add(1); }\n}\n"
    ),
    "first.py": "import a\nimport b\nimport c\n\ndef first():\n    return 1\n",
    "joined.c": "".join(
        f"int {name}_joined(int a) {{\n  return a;\n}}\n\n" for name in ("first", "second", "third")
    ),
    "tiny.py": (
        "class Tiny:\n    def grow(self):\n        pass\n\n    def shrink(self):\n        pass\n"
    ),
    "user.py": "from first import first\n\n\ndef use():\n    return first()\n",
}


@pytest.fixture(scope="module")
def kodit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kodit]:
    folder = tmp_path_factory.mktemp("places")
    write_files(folder / "shop", FILES)
    for path, data in EXAMPLES.items():
        (folder / "examples").mkdir(exist_ok=True)
        (folder / "examples" / path).write_bytes(data)
    with Kodit(folder / "data") as kodit:
        kodit.index(folder / "shop")
        kodit.index(folder / "examples")
        yield kodit


def outline(kodit: Kodit, path: str) -> list[tuple[str, int, int, int]]:
    """Name, line of the name, first and last line of each definition."""
    views = map(OutlineSymbolView.of, kodit.outline(SHOP, path).definitions)
    return [(one.symbol, one.line, one.start_line, one.end_line) for one in views]


def defined(kodit: Kodit, name: str) -> list[tuple[int, int, int]]:
    """Line of the name, first and last line of each definition; its text must be exactly these
    lines."""
    views = [
        DefinitionView.of(one, with_file=True) for one in kodit.symbols(name, SHOP).definitions
    ]
    for one in views:
        rows = FILES[one.path].split("\n")[one.start_line - 1 : one.end_line]
        assert "\n".join(rows).startswith(one.text)
    return [(one.line, one.start_line, one.end_line) for one in views]


def test_a_class_in_many_snippets_is_one_definition(kodit: Kodit) -> None:
    """From its leading comment to its last line, however many snippets it has."""
    last = FILES["large.ts"].count("\n")
    assert outline(kodit, "large.ts")[0] == ("Large", 4, 3, last)
    assert [one[0] for one in outline(kodit, "large.ts")].count("Large") == 1
    assert defined(kodit, "Large") == [(4, 3, last)]


def test_neither_a_comment_nor_a_delegate_is_the_class(kodit: Kodit) -> None:
    """Nor is an attribute."""
    assert defined(kodit, "Store") == [(7, 3, 40)]


def test_clauses_are_one_definition_and_no_use_of_it(kodit: Kodit) -> None:
    """The call in the second clause is a use."""
    answer = kodit.symbols("Shop.Supervisor.run", SHOP)
    assert [(one.line, one.snippet.end_line) for one in answer.definitions] == [(2, 9)]
    assert [(one.use, one.line) for one in answer.references] == [("call", 8), ("call", 11)]


def test_overloads_are_a_definition_each(kodit: Kodit) -> None:
    """They do different things."""
    assert defined(kodit, "Twice.add") == [(2, 2, 4), (6, 6, 8)]


def test_the_head_of_a_file_is_no_part_of_what_follows(kodit: Kodit) -> None:
    """Although it is searched with it; and a callee's place is the line of its name."""
    assert defined(kodit, "first") == [(5, 5, 6)]
    answer = kodit.symbols("use", SHOP, uses="callees")
    assert [one.target and one.target.named_line for one in answer.references] == [5]


def test_the_map_shows_the_lines_of_names(kodit: Kodit) -> None:
    """In every language."""
    shown = [
        (file.path, one)
        for drawn in kodit.map(OF_LANGUAGES, budget=20_000)
        for file in drawn.files
        for one in file.definitions
    ]
    assert len(shown) > 30
    for path, one in shown:
        line = EXAMPLES[path].decode().split("\n")[one.line - 1]
        assert one.symbol.split(" ")[0] in line, (path, one)
        assert one.text[:20] in line


def test_a_result_names_all_that_it_defines(kodit: Kodit) -> None:
    """Its joined neighbours, but not the members of a named type."""
    [found] = kodit.search("SMALL_JOINED second_joined", SHOP, limit=1)
    assert found.snippet.path == "joined.c"
    view = ResultView.of(found, with_file=True)
    assert (view.symbol, view.also_defines) == ("first_joined", ("second_joined", "third_joined"))
    small = ResultView.of(kodit.search("class Tiny grow shrink", SHOP, limit=1)[0], with_file=True)
    assert (small.symbol, small.also_defines) == ("Tiny", None)


def test_the_names_are_in_what_is_shown(kodit: Kodit) -> None:
    """For people and for assistants."""
    view = ResultView.of(
        kodit.search("SMALL_JOINED second_joined", SHOP, limit=1)[0], with_file=True
    )
    expected = "function first_joined, second_joined, third_joined"
    assert head(view, several=False).endswith(expected)
