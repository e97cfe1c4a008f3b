"""The links of the pages exist: other pages, and commands with their options."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from kodit.faces.cli.app import app
from kodit.infrastructure.resident.starting import IDLE_MINUTES

ROOT = Path(__file__).parents[2]
PAGES = sorted((*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")))
OF_THIS_TIME = [page for page in PAGES if page.name != "CHANGELOG.md"]
"""The changelog may speak of commands that are gone."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_page_and_a_heading_of_it(page: Path) -> None:
    """Within this repository; external links are not checked."""
    text = page.read_text()
    for target in re.findall(r"\[[^\]]+\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        linked = page.parent / name if name else page
        assert linked.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in _anchors(linked), f"{page.name} links to {target}"


def test_the_table_of_contents_has_every_page() -> None:
    """docs/README.md lists the pages."""
    contents = ROOT / "docs" / "README.md"
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", contents.read_text()))
    assert linked == {page.name for page in ROOT.glob("docs/*.md")} - {contents.name}


@pytest.mark.parametrize("page", OF_THIS_TIME, ids=lambda page: page.name)
def test_every_command_that_a_page_shows_exists(page: Path) -> None:
    """With its options, in code and in running text."""
    root = typer.main.get_command(app)
    for words in _commands_of(page.read_text()):
        if "nonsense" in words or "--nonsense" in words:
            continue  # an example of a mistake
        command, given = _resolve(root, words)
        shared = {spelled for one in root.params for spelled in (*one.opts, *one.secondary_opts)}
        known = {spelled for one in command.params for spelled in (*one.opts, *one.secondary_opts)}
        known |= shared | {"--help"}
        for word in given:
            option = word.partition("=")[0]
            if re.fullmatch(r"--[a-z][\w-]*|-[A-Za-z]", option):
                assert option in known, f"{page.name}: kodit {' '.join(words)} has no {option}"


def test_when_a_server_ends_that_nobody_uses() -> None:
    for page in ("connect.md", "serve.md"):
        text = (ROOT / "docs" / page).read_text()
        assert f"after {IDLE_MINUTES} minutes without a connection" in text


def test_every_message_that_troubleshooting_quotes_is_said() -> None:
    """Somewhere in the program, in these words."""
    page = (ROOT / "docs" / "troubleshooting.md").read_text()
    said = "\n".join(
        node.value
        for path in (ROOT / "src").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    quoted = re.findall(r'"([^"]+)"', "\n".join(re.findall(r"^\| ([^|]+) \|", page, re.MULTILINE)))
    assert len(quoted) > 10
    assert [message for message in quoted if message not in said] == []


def test_commands_are_found_where_pages_show_them() -> None:
    """In blocks, behind a path or a variable, and in backquotes, also over the end of a line."""
    text = "```sh\n$ kodit ls  # all\nx=1 .venv/bin/kodit status\n```\nAnd `kodit\nread a.py` too."
    assert list(_commands_of(text)) == [["ls"], ["status"], ["read", "a.py"]]


def _anchors(page: Path) -> set[str]:
    """The headings of a page as links name them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _commands_of(text: str) -> Iterator[list[str]]:
    """The words behind each `kodit` that is run."""
    for block in re.findall(r"^```(?:sh|console)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"&&|\|(?!\|)", line):
                yield from _words(part)
    for code in re.findall(r"`(kodit\s[^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        yield from _words(" ".join(code.split()))


def _words(line: str) -> Iterator[list[str]]:
    """The arguments of `kodit` where that is the program: after variables, or a path after sudo."""
    words = shlex.split(line.removeprefix("$ "), comments=True)
    for place, word in enumerate(words):
        before = words[:place]
        is_first = word.rpartition("/")[2] == "kodit" and all("=" in one for one in before)
        if is_first or (word.endswith("/kodit") and before[:1] == ["sudo"]):
            yield words[place + 1 :]
            return


def _resolve(command: Any, words: list[str]) -> tuple[Any, list[str]]:
    """The command that the words name, and its arguments; shared options may come first."""
    given = list[str]()
    rest = list(words)
    while rest and (children := getattr(command, "commands", {})):
        word = rest.pop(0)
        if word.startswith("-"):
            given.append(word)
            if word in ("--server", "--data-dir", "--color") and rest:
                rest.pop(0)
            continue
        assert word in children or not re.fullmatch(r"[a-z]+", word), f"there is no kodit {word}"
        if word not in children:
            break
        command = children[word]
    return command, given + rest
