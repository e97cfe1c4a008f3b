"""The documentation for users matches the code."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import MISSING, fields
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
import typer.main

from kodit import settings
from kodit.faces.cli.app import app
from kodit.faces.cli.commands.options import EXIT_CODES
from kodit.infrastructure.clients.places import CLIENTS
from kodit.infrastructure.endpoints.settings import EndpointSettings

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
SETTINGS_PAGE = ROOT / "docs" / "settings.md"
COMMANDS_PAGE = ROOT / "docs" / "commands.md"
PAGES = sorted((*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")))
OF_EXAMPLES = frozenset({"globs.md", "exit-codes.md", "operations.md"})
"""Pages whose paths are examples, or those of a data directory."""


def test_the_settings_page_lists_every_setting(update_golden: bool) -> None:
    """docs/settings.md is made from the Settings class."""
    _compare(SETTINGS_PAGE, _settings_page(), update_golden)


def test_the_commands_page_lists_every_command_and_option(update_golden: bool) -> None:
    """docs/commands.md is made from the command line."""
    _compare(COMMANDS_PAGE, _commands_page(), update_golden)


def test_options_are_lower_case() -> None:
    """typer makes the name of an option from its metavar if both spell the same word."""
    for name, command in commands_below("kodit", typer.main.get_command(app)):
        for parameter in command.params:
            for option in parameter.opts if parameter.param_type_name == "option" else ():
                assert len(option) == 2 or option == option.lower(), f"{name} {option}"


def test_ci_runs_the_test_command_of_the_readme() -> None:
    """A newcomer and CI set up and test in the same way."""
    commands = re.findall(r"^python3 -m venv .*pytest -n 4$", README.read_text(), re.MULTILINE)
    assert len(commands) == 1
    assert commands[0] in (ROOT / ".ci" / "run").read_text().splitlines()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_names_exist(page: Path) -> None:
    """A path in backquotes, such as `docs/queue.md` or `domain/run.py`, exists, unless it is
    absolute, or is a file of an assistant in a project."""
    if page.name in OF_EXAMPLES:
        return
    of_clients = {client.project_file for client in CLIENTS.values()}
    for name in re.findall(r"`([\w.-][\w./-]*/[\w.-]*)`", page.read_text()):
        if name in of_clients:
            continue
        if re.fullmatch(r"(application|text)/[a-z+.-]+", name):
            continue  # a media type
        places = (ROOT / name, ROOT / "src/kodit" / name, ROOT / "src/kodit/infrastructure" / name)
        assert any(place.exists() for place in places), f"{page.name} names {name}"


def test_every_invariant_names_tests_that_exist() -> None:
    """docs/queue.md says which test proves which invariant."""
    text = (ROOT / "docs" / "queue.md").read_text()
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", text)
    assert len(set(re.findall(r"^\| (\d+) \|.*::test_", text, re.MULTILINE))) == 12
    for file, test in named:
        assert f"def {test}(" in (ROOT / "tests" / "queue" / file).read_text(), f"{file}::{test}"


def test_the_containerfile_has_no_fault_that_a_linter_finds() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    if not linter.exists():
        pytest.skip("hadolint is not installed; it comes with the extra `test`")
    linted = subprocess.run(
        [linter, ROOT / "deploy" / "Containerfile"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (linted.returncode, linted.stdout) == (0, "")


def test_the_settings_that_are_deployed_exist() -> None:
    """In the unit, the Containerfile and the pages on serving."""
    known = {f"{settings.PREFIX}{one.name.upper()}" for one in fields(settings.Settings)}
    pages = (ROOT / "docs" / "serve.md", ROOT / "docs" / "security.md", *ROOT.glob("deploy/*"))
    named = {name for page in pages for name in re.findall(r"KODIT_[A-Z_]+", page.read_text())}
    assert named - known == set()


def _compare(page: Path, expected: str, update_golden: bool) -> None:
    if update_golden:
        page.parent.mkdir(exist_ok=True)
        page.write_text(expected)
    assert page.read_text() == expected, "run pytest --update-golden and review the difference"


def _settings_page() -> str:
    lines = [
        "# Settings",
        "",
        "Each setting comes from the first of these places that has it:",
        "",
        "1. an option of the command line, or of Python's `Kodit`, where there is one;",
        "2. the environment;",
        "3. `.env` in your own settings folder: `$XDG_CONFIG_HOME/kodit`, or `~/.config/kodit`;",
        "4. `.env` in the data directory, for the settings that the table allows there;",
        "5. the default.",
        "",
        "Nothing is read from the current folder. A data directory may come from somebody else,",
        "so it may set only numbers and levels; a line of its `.env` that sets anything else is",
        "an error. Other variables are ignored, and an empty one counts as not set. Both files",
        "must belong to you or to root, and must not be writable by every user. The one in the",
        "data directory is not read through a symbolic link.",
        "",
        "Your settings folder also holds `credentials.json`, where `kodit index --credentials",
        "env:NAME` records the server and the user that the variable is for. The secret is sent",
        "nowhere else, whatever a database says.",
        "",
        "| variable | default | allowed in the data directory | what it is |",
        "|---|---|---|---|",
    ]
    about = _attribute_docstrings(settings.Settings) | _attribute_docstrings(EndpointSettings)
    of_endpoints = {one.name for one in fields(EndpointSettings)}
    for field in sorted(fields(settings.Settings), key=lambda one: one.name in of_endpoints):
        name = f"{settings.PREFIX}{field.name.upper()}"
        default = field.default if field.default is not MISSING else ""
        answer = "yes" if settings.may_be_set_by_a_data_directory(field) else "no"
        lines.append(f"| `{name}` | {_shown(default)} | {answer} | {about[field.name]} |")
    return "\n".join(lines) + "\n"


def _shown(default: Any) -> str:
    if isinstance(default, Enum):
        default = default.value
    if isinstance(default, bool):
        default = str(default).lower()
    return "" if default in ("", None, ()) else f"`{default}`"


def _attribute_docstrings(cls: type[Any]) -> dict[str, str]:
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for attribute, text in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(attribute, ast.AnnAssign)
            and isinstance(attribute.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
        ):
            found[attribute.target.id] = " ".join(str(text.value.value).split())
    return found


def _commands_page() -> str:
    lines = ["# Commands", ""]
    for name, command in commands_below("kodit", typer.main.get_command(app)):
        lines += [f"## {name}", "", _one_line(command.help), ""]
        for parameter in command.params:
            if getattr(parameter, "hidden", False):
                continue
            if parameter.param_type_name == "option":
                spelled = ", ".join((*parameter.opts, *parameter.secondary_opts))
            else:
                spelled = parameter.metavar or parameter.name.upper()
            lines.append(f"* `{spelled}`: {_one_line(parameter.help)}{_values(parameter)}")
        lines += ["", command.epilog or EXIT_CODES, ""] if not is_group(command) else [""]
    return "\n".join(lines)


def _values(parameter: Any) -> str:
    """The range of an option, and its default."""
    if parameter.param_type_name != "option":
        return ""
    limits = (
        ("from", getattr(parameter.type, "min", None)),
        ("to", getattr(parameter.type, "max", None)),
    )
    known = [f"{word} {limit:g}" for word, limit in limits if limit is not None]
    if parameter.default is not None and not isinstance(parameter.default, bool):
        known.append(f"default `{parameter.default}`")
    return f" ({', '.join(known)})" if known else ""


def is_group(command: Any) -> bool:
    return bool(getattr(command, "commands", None))


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def commands_below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """A command and its subcommands; typer bundles its own click, without public types."""
    yield name, command
    for child in getattr(command, "commands", {}).values():
        yield from commands_below(f"{name} {child.name}", child)
