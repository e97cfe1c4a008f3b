"""From typed arguments to a request."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from kodit.faces.cli.app import _globs
from kodit.faces.cli.commands.group import _shared_first
from kodit.faces.cli.commands.options import command_path
from kodit.faces.cli.terminal.notices import _indexes


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        ("search x", "search x"),
        ("search x --data-dir y", "--data-dir y search x"),
        ("--data-dir y search x", "--data-dir y search x"),
        ("search --data-dir=y x --json", "--data-dir=y search x --json"),
        ("search --data-dir a --data-dir b x", "--data-dir a --data-dir b search x"),
        ("search -- --data-dir y", "search -- --data-dir y"),
        ("search --data-dir y -- --data-dir z", "--data-dir y search -- --data-dir z"),
        ("search x --data-dir", "--data-dir"),
        ("search --data-dirs y", "search --data-dirs y"),
    ],
)
def test_shared_options_in_any_position(typed: str, understood: str) -> None:
    """Except after `--`, where nothing is an option."""
    assert _shared_first(typed.split()) == understood.split()


@pytest.mark.parametrize(
    ("given", "globs"),
    [
        (None, None),
        ([], None),
        ([""], ()),
        (["", ""], ("", "")),
        (["a"], ("a",)),
        (["a", ""], ("a", "")),
    ],
)
def test_a_single_empty_text_clears_globs(
    given: list[str] | None, globs: tuple[str, ...] | None
) -> None:
    """None keeps the globs."""
    assert _globs(given) == globs


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        ([3], "index 3 was"),
        ([3, 4], "indexes 3 and 4 were"),
        ([3, 4, 5], "indexes 3, 4 and 5 were"),
    ],
)
def test_indexes_in_words(ids: list[int], words: str) -> None:
    assert _indexes(ids) == words


@pytest.mark.parametrize("path", ["kodit queue list", "python -m kodit queue list"])
def test_a_command_is_named_as_users_type_it(path: str) -> None:
    """However the program was started."""
    assert command_path(SimpleNamespace(command_path=path)) == "kodit queue list"
