"""Escaping of terminal output, and advice on the next step."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from typing import Any

import pytest
import typer.main

from kodit.faces.cli.advice import ADVICE
from kodit.faces.cli.app import app
from kodit.faces.cli.commands.group import UsageError, sentence_of_usage
from kodit.faces.cli.terminal.output import (
    json_text,
    print_as_it_is,
    print_line,
    printable,
    say,
)

STEERING = "\x1b[2J\r\x7f\x9b\u200e\u200f\u2028\u202e\u2066\u2069"


def test_printable_text_is_unchanged() -> None:
    """In any alphabet."""
    assert printable("größe 日本 😀 e\u0301") == "größe 日本 😀 e\u0301"
    assert printable("a\tb\nc\0") == r"a\tb\nc\x00"
    assert printable("a\tb\nc\0", keep="\t\n") == "a\tb\nc\\x00"
    assert printable(STEERING).isprintable()


def test_json_escapes_control_characters_and_keeps_its_value() -> None:
    """The escapes decode to the original characters."""
    text = json_text({"größe": STEERING})
    assert all(ord(one) >= 32 and one.isprintable() for one in text)
    assert json.loads(text) == {"größe": STEERING}
    assert text.startswith('{"größe": ')
    assert json_text({"a": [1]}, indent=2) == '{\n  "a": [\n    1\n  ]\n}'


def test_data_and_messages_go_to_separate_streams(capsys: pytest.CaptureFixture[str]) -> None:
    """Escaped except for line ends and tabs, each as lines."""
    print_line("a\tb\n\x1b[2J")
    print_line()
    print_as_it_is("\x1b[H")
    say("c\td\n\x1b[2J")
    assert capsys.readouterr() == ("a\tb\n\\x1b[2J\n\n\x1b[H\n", "c\td\n\\x1b[2J\n")


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_unencodable_characters_are_escaped(stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream with an unknown encoding is assumed to show everything."""
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    write = print_line if stream == "stdout" else say
    monkeypatch.setattr(sys, stream, narrow)
    write("größe")
    narrow.flush()
    assert narrow.buffer.getvalue() == b"gr\\xf6\\xdfe\n"
    monkeypatch.setattr(sys, stream, silent := io.StringIO())
    write("größe")
    assert silent.getvalue() == "größe\n"


@pytest.mark.parametrize("code", ADVICE)
def test_advised_commands_exist(code: str) -> None:
    """Every command and option in the advice exists."""
    command: Any = typer.main.get_command(app)
    options = {option for one in _below(command) for each in one.params for option in each.opts}
    for line in re.findall("`kodit ([^`]*)`", ADVICE[code]):
        found, words = command, line.split()
        while hasattr(found, "commands"):  # what follows a command is for it to read
            found = found.commands[words.pop(0)]
    assert set(re.findall(r"--[\w-]+", ADVICE[code])) <= options


def test_errors_that_have_advice() -> None:
    """An error missing here would leave a user without a next step."""
    assert set(ADVICE) == set(
        "access_refused budget_spent client_file_unreadable clone_damaged commit_gone "
        "credentials_missing credentials_not_given data_dir_read_only data_dir_unusable "
        "database_moving database_of_another expression_invalid file_not_found "
        "file_not_indexed_yet file_unreadable grep_too_slow index_incomplete index_not_found "
        "key_exists key_missing key_needed key_not_found key_unknown keyword_index_unreadable "
        "move_differs move_elsewhere no_worker no_worker_on_host nothing_indexed queue_paused "
        "queue_unwritable run_cancelled run_ended run_failed run_not_found run_stopped "
        "search_node_awaited searched_elsewhere server_runs source_broad "
        "source_not_indexed task_not_found".split()
    )


def _below(command: Any) -> list[Any]:
    children = getattr(command, "commands", {}).values()
    return [command, *(one for child in children for one in _below(child))]


def test_nobody_reads_what_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left to be written later, which would fail at the end of the program."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        say("a")
        say("b")
        stream.flush()


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ("Missing command.", "missing command; `kodit --help` shows its arguments and options"),
        ("Got x", "got x; `kodit --help` shows its arguments and options"),
    ],
)
def test_the_sentence_of_a_wrong_command_line(message: str, sentence: str) -> None:
    """Begins in lower case, and has no full stop before the advice."""
    assert sentence_of_usage(UsageError(message)) == sentence
