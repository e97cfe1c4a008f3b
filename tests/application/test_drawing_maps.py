"""The content of maps, and the use of their budget."""

from __future__ import annotations

import re

import pytest
from tests.support.catalogue import CodeInMemory

from kodit.application.services import graph_reading
from kodit.application.services.map_service import (
    LEAST_DEFINITIONS,
    MOST_OF_A_FILE,
    MapService,
)
from kodit.domain.repository_map import (
    LONGEST_LINE,
    MappedFile,
    RepositoryMap,
    cost_of,
    cost_of_line,
)
from kodit.domain.search import EVERYTHING


def maps(code: CodeInMemory, budget: int = 5_000) -> list[RepositoryMap]:
    return MapService(catalogue=code.as_catalogue()).draw(EVERYTHING, budget)


def drawn(texts: dict[str, str], budget: int = 5_000) -> dict[str, MappedFile]:
    (only,) = maps(CodeInMemory(texts), budget)
    return {file.path: file for file in only.files}


def functions(*names: str) -> str:
    return "\n\n".join(f"def {name}():\n    return 1\n" for name in names)


def spent(files: list[MappedFile] | tuple[MappedFile, ...]) -> int:
    return sum(
        cost_of(file.path) + sum(cost_of_line(one.text) for one in file.definitions)
        for file in files
    )


def test_what_a_line_costs() -> None:
    """Its text, its number, and the characters around them."""
    assert cost_of("src/a.py") == 10
    assert cost_of_line("def a():") == 16
    assert cost_of_line("x" * (LONGEST_LINE + 1)) == LONGEST_LINE + 8


def test_several_indexes_share_a_budget() -> None:
    texts = {f"f{number:03}.py": functions(f"name_{number}") for number in range(90)}
    (whole,) = maps(CodeInMemory(texts), 500)
    one, other = maps(CodeInMemory(texts, texts), 500)
    assert spent(one.files) <= 1_000 < spent(whole.files) <= 2_000
    assert (one.index_id, other.index_id, one.total) == (1, 2, 90)
    assert one.source == "/code/1"


def test_a_file_takes_no_more_than_its_share() -> None:
    """The most important one as well."""
    names = [f"quite_a_long_name_of_a_function_{number}" for number in range(40)]
    uses = f"from core import {', '.join(names)}\n\n\ndef use():\n"
    uses += "".join(f"    {name}()\n" for name in names)
    files = drawn({"core.py": functions(*names), "use.py": uses}, 400)
    share = int(4 * 400 * MOST_OF_A_FILE)
    assert len(files["core.py"].definitions) > LEAST_DEFINITIONS
    assert spent([files["core.py"]]) <= share
    assert set(files) == {"core.py", "use.py"}


def test_the_last_files_share_what_is_left() -> None:
    """They have fewer definitions than the first ones, and none that is too much."""
    texts = {
        f"f{number}.py": functions(*(f"name_{number}_of_some_length_{at}" for at in range(9)))
        for number in range(12)
    }
    names = [name for text in texts.values() for name in re.findall(r"def (\w+)", text)]
    texts["use.py"] = "def use():\n" + "".join(f"    {name}()\n" for name in names)
    (only,) = maps(CodeInMemory(texts), 300)
    assert spent(only.files) <= 4 * 300
    assert 0 < len(only.files[-1].definitions) < len(only.files[0].definitions)


def test_equally_important_files_are_in_the_order_of_their_paths() -> None:
    (only,) = maps(CodeInMemory({path: functions("lone") for path in ("c.py", "a.py", "b.py")}))
    assert [file.path for file in only.files] == ["a.py", "b.py", "c.py"]


def test_files_that_define_nothing_are_left_out() -> None:
    assert set(drawn({"a.py": functions("one"), "b.py": "print(1)\n", "README.md": "# One\n"})) == {
        "a.py"
    }


@pytest.mark.parametrize("folder", ["tests/", "examples/", "vendor/", ""])
def test_uses_in_examples_count_little(folder: str) -> None:
    user = f"{folder}use_it.py"
    texts = {"core.py": functions("core"), "other.py": functions("other")}
    texts |= {user: "from core import core\n\n\ndef use():\n    core()\n"}
    texts |= {"z.py": "from other import other\n\n\ndef use():\n    other()\n"}
    files = drawn(texts)
    assert (files["core.py"].importance < files["other.py"].importance) is bool(folder)


def test_definitions_are_those_that_are_used_and_a_few_others_by_line() -> None:
    """A used member is shown with its type."""
    text = functions("a_one", "b_two", "c_three", "d_four", "e_five")
    text += "\n\nclass Box:\n    def open_it(self):\n        return 1\n"
    uses = "from core import d_four\n\n\ndef use(box):\n    d_four()\n    box.open_it()\n"
    found = drawn({"core.py": text, "use.py": uses})["core.py"].definitions
    assert [one.symbol for one in found] == ["d_four", "Box", "open_it"]
    assert [one.line for one in found] == sorted(one.line for one in found)
    assert (found[2].scope, found[2].kind, found[2].text) == (
        "Box",
        "method",
        "def open_it(self):",
    )


def test_of_what_nobody_uses_the_outer_ones_come_first() -> None:
    text = "class Box:\n    class Lid:\n        def deep(self):\n            return 1\n\n\n"
    found = drawn({"core.py": text + functions("one", "two")})["core.py"].definitions
    assert [one.symbol for one in found] == ["Box", "Lid", "one"]


def test_long_lines_are_cut() -> None:
    found = drawn({"core.py": f"def long({', '.join(f'a{n}' for n in range(90))}):\n    pass\n"})
    (only,) = found["core.py"].definitions
    assert len(only.text) == LONGEST_LINE


def test_files_are_read_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert graph_reading.FILES_PER_READ == 256
    monkeypatch.setattr(graph_reading, "FILES_PER_READ", 2)
    code = CodeInMemory({f"{name}.py": functions(name * 3) for name in "abcde"})
    maps(code)
    assert code.reads == [[1, 2], [3, 4], [5]]
