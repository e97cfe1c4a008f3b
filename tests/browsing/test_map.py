"""The map of a repository: its most important definitions, within a budget."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import typer.main
from tests.support.sources import write_file

from kodit import Kodit
from kodit.domain.errors import InvalidQueryError
from kodit.domain.mentions import Mention, MentionKind
from kodit.domain.ranking.graph import GraphFile, importance
from kodit.domain.repository_map import (
    DEFAULT_BUDGET,
    LEAST_BUDGET,
    MOST_BUDGET,
    MappedFile,
    cost_of,
    cost_of_line,
)
from kodit.faces.cli.app import app

CORE = '''def connect(address):
    """Open it."""
    return address


def unused_helper_of_nobody():
    return None
'''


@pytest.fixture(scope="module")
def kodit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kodit]:
    folder = tmp_path_factory.mktemp("map")
    write_file(folder / "code/core.py", CORE)
    for number in range(12):
        text = (
            f"from core import connect\n\n\ndef client_{number}():\n    return connect({number})\n"
        )
        write_file(folder / f"code/clients/client_{number}.py", text)
    write_file(
        folder / "code/tests/test_odd.py",
        "from odd import rarely\n\n\ndef test_it():\n    rarely()\n    rarely()\n",
    )
    write_file(folder / "code/odd.py", "def rarely():\n    return 1\n")
    write_file(folder / "code/README.md", "# connect\n\nconnect connect connect\n")
    with Kodit(folder / "data") as opened:
        opened.index(folder / "code")
        yield opened


def test_what_others_use_comes_first(kodit: Kodit) -> None:
    (drawn,) = kodit.map()
    paths = [file.path for file in drawn.files]
    assert paths[0] == "core.py"
    assert drawn.files[0].definitions[0].symbol == "connect"
    assert drawn.files[0].definitions[0].text == "def connect(address):"
    assert drawn.files[0].definitions[0].line == 1
    assert "README.md" not in paths
    assert drawn.files[0].importance > 3 * drawn.files[1].importance
    assert drawn.total == 16


def test_tests_count_little(kodit: Kodit) -> None:
    (drawn,) = kodit.map(budget=5_000)
    by_path = {file.path: file.importance for file in drawn.files}
    assert by_path["odd.py"] < by_path["core.py"] / 5
    assert by_path["tests/test_odd.py"] < by_path["clients/client_0.py"]


def size_of(file: MappedFile) -> int:
    return cost_of(file.path) + sum(cost_of_line(one.text) for one in file.definitions)


@pytest.mark.parametrize("budget", [100, 150, 400])
def test_a_budget_holds(kodit: Kodit, budget: int) -> None:
    (drawn,) = kodit.map(budget=budget)
    assert drawn.files
    assert sum(map(size_of, drawn.files)) <= 4 * budget


@pytest.mark.parametrize("budget", [99, 20_001])
def test_budgets_have_bounds(kodit: Kodit, budget: int) -> None:
    with pytest.raises(InvalidQueryError, match=f"the budget is {budget} tokens"):
        kodit.map(budget=budget)


def test_only_some_files(kodit: Kodit) -> None:
    (drawn,) = kodit.map(paths=["clients/**"])
    assert drawn.total == 12
    assert all(file.path.startswith("clients/") for file in drawn.files)


def test_the_outline_of_a_file(kodit: Kodit) -> None:
    source = Path(kodit.status()[0].summary.index.source.location)
    outline = kodit.outline(source, "core.py")
    assert [one.snippet.symbol for one in outline.definitions] == [
        "connect",
        "unused_helper_of_nobody",
    ]


def file_at(
    path: str, *mentions: Mention, defines: tuple[str, ...] = (), kind: str = "function"
) -> GraphFile:
    language = "c" if path.endswith((".c", ".h")) else "python"
    file = GraphFile(path, language, is_aside=path.startswith("test"))
    for name in defines:
        file.define(name, kind)
    for mention in mentions:
        file.mention(mention)
    return file


def call(name: str, qualifier: str = "") -> Mention:
    return Mention(MentionKind.CALL, name, 1, qualifier)


def test_a_name_from_elsewhere_is_no_use_of_a_namesake() -> None:
    """`match` of another library is not ours, nor is a built-in function that nobody imports."""
    ours = file_at("ours.py", defines=("match", "isinstance"))
    user = file_at(
        "user.py",
        Mention(MentionKind.IMPORT, "match", 1, "re"),
        call("match"),
        call("isinstance"),
        defines=("user",),
    )
    ranked = importance({1: ours, 2: user})
    assert ranked.names == {}
    assert ranked.files[1] == pytest.approx(ranked.files[2])


def test_an_import_by_another_name_is_a_use() -> None:
    ours = file_at("ours.py", defines=("match",))
    imported = Mention(MentionKind.IMPORT, "match", 1, "ours", "fits")
    ranked = importance({1: ours, 2: file_at("user.py", imported, call("fits"), defines=("u",))})
    assert set(ranked.names) == {(1, "match")}
    assert ranked.files[1] > ranked.files[2]
    assert sum(ranked.files.values()) == pytest.approx(1.0)


def test_all_of_a_module_is_in_sight_where_it_is_imported() -> None:
    ours = file_at("ours.py", defines=("match",))
    star = Mention(MentionKind.IMPORT, "*", 1, "ours")
    user = file_at("user.py", star, call("match"), defines=("u",))
    assert set(importance({1: ours, 2: user}).names) == {(1, "match")}
    other = file_at("user.py", call("match"), defines=("u",))
    assert importance({1: ours, 2: other}).names == {}


def test_a_member_of_a_module_from_elsewhere_is_not_ours() -> None:
    """Of a variable nothing is known, of a module it is."""
    ours = file_at("ours.py", defines=("insert",))
    module = Mention(MentionKind.IMPORT, "*", 1, "data.map", "M")
    user = file_at("user.py", module, call("insert", "M"), defines=("u",))
    assert importance({1: ours, 2: user}).names == {}
    own = Mention(MentionKind.IMPORT, "*", 1, "ours", "M")
    for imported, qualifier in ((own, "M"), (module, "variable")):
        user = file_at("user.py", imported, call("insert", qualifier), defines=("u",))
        assert set(importance({1: ours, 2: user}).names) == {(1, "insert")}


def test_a_member_comes_with_its_type(tmp_path: Path) -> None:
    """Also where nobody names the type, and before it; a name that a file defines often counts for
    each definition in part."""
    shapes = "class {0}:\n    def area(self):\n        return {1}\n\n\n"
    write_file(
        tmp_path / "code/shapes.py",
        "".join(shapes.format(name, number) for number, name in enumerate(("Round", "Square")))
        + "class Plan:\n    def draw_all(self):\n        return 1\n\n\n"
        + "def make_plan():\n    return 2\n",
    )
    write_file(
        tmp_path / "code/app.py",
        "from shapes import make_plan\n\n\ndef run(one):\n"
        "    make_plan()\n    one.area()\n    one.draw_all()\n",
    )
    with Kodit(tmp_path / "data") as opened:
        opened.index(tmp_path / "code")
        (drawn,) = opened.map()
        (few,) = opened.map(budget=LEAST_BUDGET, paths=["shapes.py"])
    (file,) = (one for one in drawn.files if one.path == "shapes.py")
    assert [one.symbol for one in file.definitions] == [
        *("Round", "area", "Square", "area"),
        *("Plan", "draw_all", "make_plan"),
    ]
    for drawn_file in (file, *few.files):
        for one in drawn_file.definitions:
            assert not one.scope or one.scope in {other.symbol for other in drawn_file.definitions}


def test_what_everybody_defines_says_nothing() -> None:
    files = {number: file_at(f"a{number}.py", defines=("run",)) for number in range(9)}
    files[9] = file_at("user.py", call("run", "thing"), defines=("user",))
    assert importance(files).names == {}
    assert importance({}).files == {}


def test_what_configures_the_build_is_not_what_matters_most() -> None:
    """Every file uses its macros; the types and functions of another header say more. A file that
    uses only macros passes no rank on for them."""
    setup = file_at("setup.h", defines=("ASSERT", "PRINTF", "FALLTHROUGH"), kind="macro")
    types = file_at("types.h", defines=("connection",), kind="struct")
    uses = (call("ASSERT"), call("PRINTF"), call("FALLTHROUGH"))
    files = {1: setup, 2: types}
    files |= {
        number: file_at(f"{number}.c", *uses, defines=(f"f{number}",)) for number in range(3, 9)
    }
    connection = Mention(MentionKind.TYPE, "connection", 1)
    files |= {
        number: file_at(f"{number}.c", *uses, connection, defines=(f"f{number}",))
        for number in range(9, 12)
    }
    ranked = importance(files)
    assert max(files, key=lambda number: ranked.files[number]) == 2
    assert ranked.names[2, "connection"] > ranked.names[1, "ASSERT"] > 0
    assert sum(ranked.files.values()) == pytest.approx(1.0)


def test_a_macro_of_another_language_is_a_definition_like_others() -> None:
    """It is often the interface of a library."""
    files = {1: file_at("ours.py", defines=("schema",), kind="macro")}
    imported = Mention(MentionKind.IMPORT, "schema", 1, "ours")
    files[2] = file_at("user.py", imported, call("schema"), defines=("u",))
    ranked = importance(files)
    assert ranked.files[1] > ranked.files[2]


def test_no_program_uses_its_tests() -> None:
    """A test that defines the same name as the library is not what the library calls."""
    imported = Mention(MentionKind.IMPORT, "fits", 1, "test_ours")
    files = {
        1: file_at("test_ours.py", defines=("fits",)),
        2: file_at("user.py", imported, call("fits"), defines=("u",)),
    }
    assert importance(files).names == {}
    files[3] = file_at("test_more.py", imported, call("fits"), defines=("more",))
    assert set(importance(files).names) == {(1, "fits")}


def test_the_command_has_the_same_bounds() -> None:
    """They are repeated there, since help loads nothing of the domain."""
    options = {
        one.name: one for one in cast("Any", typer.main.get_command(app)).commands["map"].params
    }
    budget = options["budget"]
    assert budget.default == DEFAULT_BUDGET
    assert (budget.type.min, budget.type.max) == (LEAST_BUDGET, MOST_BUDGET)
