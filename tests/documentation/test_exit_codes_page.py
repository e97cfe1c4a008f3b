"""docs/exit-codes.md says how each command ends."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer.main
from tests.documentation.test_documentation import commands_below, is_group
from tests.support.command import KoditCommand
from tests.support.sources import write_file

from kodit.faces.cli.app import EXIT_INTERRUPTED, EXIT_SERVER_RUNS, app
from kodit.faces.cli.commands.options import EXIT_CODES_OF_GREP

PAGE = (Path(__file__).parents[2] / "docs" / "exit-codes.md").read_text()


def test_every_command_is_in_the_table_of_its_kind() -> None:
    """By the command's own help."""
    search_like, others = set[str](), set[str]()
    for name, command in commands_below("kodit", typer.main.get_command(app)):
        if not is_group(command):
            (search_like if command.epilog == EXIT_CODES_OF_GREP else others).add(name)
    assert _names("Commands that look for something") == search_like
    assert _names("All other commands") == others
    assert f"| {EXIT_SERVER_RUNS} | `kodit serve` only" in PAGE
    assert f"| {EXIT_INTERRUPTED} | interrupted" in PAGE


def test_the_examples_end_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them, in one folder."""
    write_file(tmp_path / "here" / "shop" / "app.py", "def retry():\n    return again()\n")
    write_file(tmp_path / "here" / "shop" / ".env", "KEY=1\n")
    monkeypatch.chdir(tmp_path / "here")
    kodit = KoditCommand(tmp_path / "data", HOME=str(tmp_path))

    examples = re.findall(r"^\| `kodit (.+)` \| (\d+) \|$", _section("Examples"), re.MULTILINE)

    assert len(examples) > 30
    ended = [(line, str(kodit.run_here(*shlex.split(line)).code)) for line, _code in examples]
    assert ended == examples


def _section(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def _names(title: str) -> set[str]:
    return set(re.findall(r"^\| `(kodit [\w ]+)` \|", _section(title), re.MULTILINE))
