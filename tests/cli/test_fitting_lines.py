"""Lines that fit a narrow terminal, and the same lines in a pipe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.command import KoditCommand, Outcome, succeeded
from tests.support.sources import write_file

from kodit.faces.cli.terminal import screen


@pytest.fixture(autouse=True)
def plain() -> Iterator[None]:
    """No colour or pager options, before and after a test."""
    screen.configure()
    yield
    screen.configure()


def lines_of(outcome: Outcome) -> list[str]:
    return succeeded(outcome).out.splitlines()


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> KoditCommand:
    """An index of code with long lines and names."""
    folder = tmp_path_factory.mktemp("wide").resolve() / "folder"
    padding = " or ".join(f"one_more_condition_{number}" for number in range(9))
    name = "lantern_with_a_name_that_is_much_longer_than_a_narrow_terminal_has_columns"
    write_file(
        folder / "lamp.py",
        f"class Lantern:\n    def {name}(self, value_number_one, value_number_two):\n"
        f"        return {padding} or quartz_here\n\n\n"
        f"def use(lantern):\n    return lantern.{name}(1, 2) or {padding}\n",
    )
    kodit = KoditCommand(folder.parent / "data", COLUMNS="50", LINES="24", TERM="xterm")
    kodit.succeed("index", folder)
    return kodit


WIDE = [
    ["grep", "quartz_here"],
    ["grep", "Lantern", "-i", "-A", "2"],
    ["grep", "-o", "one_more.*"],
    ["symbols", "Lantern"],
    ["symbols", "*narrow_terminal*"],
    ["symbols", "use", "--callees"],
    ["map"],
    ["outline", "lamp.py"],
    ["search", "quartz_here"],
]


@pytest.mark.parametrize("color", ["never", "always"])
def test_lines_fit_the_terminal(
    color: str, wide: KoditCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For every command; the match is visible, and a pipe gets whole lines."""
    monkeypatch.chdir(wide.data_dir.parent / "folder")
    piped = wide.run_here("grep", "quartz_here").out
    assert piped.startswith("lamp.py:3:        return one_more_condition_0 or ")
    assert piped.endswith(" or quartz_here\n")
    monkeypatch.setattr(screen, "is_terminal", lambda: True)
    for words in WIDE:
        drawn = succeeded(wide.run_here(*words, "--color", color, "--no-pager")).out
        plain = screen._STYLE.sub("", drawn).splitlines()
        assert max(map(len, plain)) <= 50, (words, plain)
        assert (drawn != "\n".join([*plain, ""])) is (color == "always"), words
        if words == ["grep", "quartz_here"]:
            assert any("quartz_here" in line for line in plain), words


def test_an_outline_is_indented_by_what_it_shows(kodit: KoditCommand, tmp_path: Path) -> None:
    """The parts of a module's name are not definitions."""
    module = "defmodule Ecto.Query.Builder do\n  def build(a) do\n    a\n  end\nend\n"
    write_file(tmp_path / "folder" / "builder.ex", module)
    write_file(tmp_path / "folder" / "a.py", "class A:\n    class B:\n        def f(self): ...\n")
    kodit.succeed("index", tmp_path / "folder")
    for name, depths in (("builder.ex", {2: "module", 4: "function"}), ("a.py", {2: "class"})):
        shown = lines_of(kodit.run_here("outline", name))[1:]
        found = {len(line) - len(line.lstrip()): line.split()[0] for line in reversed(shown)}
        assert depths.items() <= found.items(), shown
        assert min(found) == 2, shown


def test_the_same_lines_in_a_pipe(kodit: KoditCommand, tmp_path: Path) -> None:
    """The best lines, with a note on the others; with --lines the first ones."""
    lines = [f"    value_{number} = {number}" for number in range(12)]
    lines[9] = "    conn_maxage = too_old(connection)"
    write_file(tmp_path / "folder" / "a.py", "\n".join(["def expire():", *lines, ""]))
    kodit.succeed("index", tmp_path / "folder")
    said = ("search", "too old connection", "--all")
    shown = lines_of(kodit.run_here(*said))
    assert shown[1:] == [
        "    … 5 lines before",
        *(f"    {line}" for line in lines[4:10]),
        "    … 2 more lines",
        "",
    ]
    first = lines_of(kodit.run_here(*said, "--lines", "2"))
    assert first[1:] == ["    def expire():", f"    {lines[0]}", "    … 11 more lines", ""]
    assert kodit.run_here(*said, "--json").json()["results"][0]["text"].startswith("def expire")


@pytest.mark.parametrize(
    ("room", "shown"), [(None, "abcde"), (6, "abcde"), (5, "abcde"), (4, "abc…"), (1, "…")]
)
def test_a_text_is_cut_only_if_it_does_not_fit(room: int | None, shown: str) -> None:
    assert screen.cut("abcde", room) == shown
