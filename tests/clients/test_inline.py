"""Ways to set and remove a table that is written on one line, or by dotted keys."""

from __future__ import annotations

import pytest

from kodit.infrastructure.clients.edits import applied
from kodit.infrastructure.clients.inline import ways_to_remove, ways_to_set, written

KEYS = ("servers", "kodit")
TABLE = {"command": "kodit", "args": ["stdio"]}
VALUE = '{ command = "kodit", args = ["stdio"] }'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("servers = { kodit = { command = 1 } }\n", f"servers = {{ kodit = {VALUE} }}\n"),
        ("servers = { a = 1 }\n", f"servers = {{ a = 1, kodit = {VALUE} }}\n"),
        ("servers = { a = 1, }\n", f"servers = {{ a = 1, kodit = {VALUE} }}\n"),
        ("servers = {}\n", f"servers = {{ kodit = {VALUE} }}\n"),
        ("servers = {  }", f"servers = {{ kodit = {VALUE} }}"),
    ],
)
def test_a_table_on_one_line_is_set(text: str, expected: str) -> None:
    """One of the ways is right, which the whole file tells."""
    assert expected in [applied(text, way) for way in ways_to_set(text, KEYS, TABLE)]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_dotted_keys_are_set(newline: str, mark: str) -> None:
    """With the line ends of the file, in place of those that are there."""
    dotted = f'servers.kodit.command = "kodit"{newline}servers.kodit.args = ["stdio"]{newline}'
    text = f"{mark}a = 1{newline}"
    *_, last = ways_to_set(text, KEYS, TABLE)
    assert applied(text, last) == f"{mark}{dotted}a = 1{newline}"
    text = f"a = 1{newline}servers.kodit.command = 2{newline}b = 3{newline}servers.kodit.x = 4"
    *_, last = ways_to_set(text, KEYS, TABLE)
    assert applied(text, last) == f"a = 1{newline}{dotted}b = 3{newline}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("servers = { a = 1, kodit = { b = 2 } }", "servers = { a = 1 }"),
        ("servers = { kodit = { b = 2 }, a = 1 }", "servers = { a = 1 }"),
        ('servers = { "kodit" = { b = 2 } , a = 1 }', "servers = { a = 1 }"),
        ("a = 1\nservers.kodit.b = 2\nc = 3\n", "a = 1\nc = 3\n"),
        ('a = 1\n"servers" . kodit = 2', "a = 1\n"),
    ],
)
def test_a_table_is_removed(text: str, expected: str) -> None:
    assert expected in [applied(text, way) for way in ways_to_remove(text, KEYS)]


def test_values_on_one_line() -> None:
    assert written({"a b": True, "c-d": {"e": "é"}}) == '{ "a b" = true, c-d = { e = "é" } }'
