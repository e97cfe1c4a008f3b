"""Help fits the terminal, however narrow it is."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from kodit.faces.cli.app import app
from kodit.faces.cli.commands.narrow import NarrowFormatter
from kodit.faces.cli.terminal import screen

MEANING = "What it means is told in a few words"


def formatted(monkeypatch: pytest.MonkeyPatch, columns: int, meaning: str = MEANING) -> list[str]:
    monkeypatch.setattr(screen, "size", lambda: (columns, 24))
    formatter = NarrowFormatter()
    with formatter.section("Options"):
        formatter.write_dl([("--name TEXT", meaning), ("--no", "")])
    lines: list[str] = formatter.getvalue().splitlines()
    return lines


def test_meanings_stand_beside_their_names_if_there_is_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert formatted(monkeypatch, 80) == [
        "Options:",
        f"  --name TEXT  {MEANING}",
        "  --no",
    ]
    assert formatted(monkeypatch, 52)[1].startswith("  --name TEXT  What it means")


@pytest.mark.parametrize(("columns", "width"), [(51, 50), (40, 39), (29, 28), (20, 28)])
def test_meanings_stand_below_their_names_otherwise(
    monkeypatch: pytest.MonkeyPatch, columns: int, width: int
) -> None:
    """In lines of the width of the terminal, but for a very narrow one."""
    head, name, *meaning, last = formatted(monkeypatch, columns, f"{MEANING} " * 5)
    assert (head, name, last) == ("Options:", "  --name TEXT", "  --no")
    assert all(line.startswith("      ") and line[6] != " " for line in meaning)
    assert width - 8 < max(map(len, meaning)) <= width
    assert " ".join(line.strip() for line in meaning) == " ".join([MEANING] * 5)


@pytest.mark.parametrize("group", [(), ("queue",), ("keys",)], ids=str)
def test_a_list_of_commands_has_their_whole_first_sentences(
    monkeypatch: pytest.MonkeyPatch, group: tuple[str, ...]
) -> None:
    monkeypatch.setattr(screen, "size", lambda: (80, 24))
    shown = CliRunner().invoke(app, [*group, "--help"])
    _options, commands = shown.output.split("Commands:\n")
    assert not [line for line in commands.splitlines() if line.endswith("...")]
    assert commands.rstrip().endswith(".")
