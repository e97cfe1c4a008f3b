"""A client's file changes in one place and is preserved everywhere else, byte by byte."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kodit.infrastructure.clients import jsonc, toml
from kodit.infrastructure.clients.edits import (
    UneditableError,
    UnreadableError,
    applied,
    inverted,
)

KEYS = ("mcpServers", "kodit")
ENTRY = {"command": "/opt/kodit", "args": ["stdio"]}

COMMENTED = """\
// My settings.
{
    "theme": "dark", // at night
    /* servers
       of mine */
    "mcpServers": {
        "other": {"url": "https://example.org/a//b"}, // stays
    },
    "last": [1, 2, 3,],
}
"""


def set_entry(text: str) -> str:
    return applied(text, jsonc.edits_to_set(text, KEYS, ENTRY))


def test_comments_order_and_trailing_commas_stay() -> None:
    """The new server is the last one, formatted like the others."""
    assert set_entry(COMMENTED) == COMMENTED.replace(
        "// stays\n",
        '// stays\n        "kodit": {\n            "command": "/opt/kodit",\n'
        '            "args": [\n                "stdio"\n            ]\n        },\n',
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "{}",
        "{ }\n",
        "{\n}\n",
        '{"a": 1}',
        '{"a": 1,}',
        '{\n\t"a": 1\n}\n',
        '{\r\n  "a": 1\r\n}\r\n',
        '\ufeff{"mcpServers": {}}',
        '{"mcpServers": {"a": {}, /* b */ }}',
        '{\n  "mcpServers": {\n    "a": {} // no comma\n  }\n}',
        '{\n  "mcpServers": {\n    // nothing yet\n  }\n}',
        '{\n  "mcpServers": {\n    "kodit": {"command": "old", "env": {"A": "b"}}\n  }\n}',
        '{"mcpServers": {"a": 1}, "mcpServers": {"b": 2}}',
        "// only a comment",
        "{ // only a comment\n}",
        '{"a": {"b": [1, {"c": "}"}]} }',
        r'{"a\"b": "\\", "c": "\" // \u0041"}',
    ],
)
def test_every_shape_of_a_file_takes_the_entry(text: str) -> None:
    """The result has the former content and the server; undoing restores it exactly."""
    before = jsonc.parse(text).value
    edits = jsonc.edits_to_set(text, KEYS, ENTRY)
    after = applied(text, edits)
    wanted = before | {"mcpServers": before.get("mcpServers", {}) | {"kodit": ENTRY}}
    assert jsonc.parse(after).value == wanted
    assert applied(after, inverted(text, edits)) == text
    assert ("\r\n" in text) == ("\r\n" in after)
    removed = applied(after, jsonc.edits_to_remove(after, KEYS))
    assert "kodit" not in jsonc.parse(removed).value["mcpServers"]


@pytest.mark.parametrize(
    "text",
    [
        *("{", "{'a': 1}", '{"a" 1}', '{"a": }', "[1 2]", '{"a": 1} x', "[" * 100_000),
        *('{"a": "\n"}', r'{"a": "\q"}', r'{"\u12": 1}'),
    ],
)
def test_what_is_not_json_is_said_to_be_unreadable(text: str) -> None:
    """An incomplete file is never completed by guessing."""
    if text == '{"a": "\n"}':
        text = '{"a": "'
    with pytest.raises(UnreadableError):
        jsonc.parse(text)


@pytest.mark.parametrize("text", ["[]", '{"mcpServers": []}', '"text"'])
def test_something_else_in_the_place_is_not_overwritten(text: str) -> None:
    """A list in place of the servers was written by somebody for a reason."""
    with pytest.raises(UneditableError):
        jsonc.edits_to_set(text, KEYS, ENTRY)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
GAPS = st.sampled_from(["", " ", "\n", "\n  ", " // x\n", "/* y */", "\t", "\r\n"])


FLIPS = st.booleans()


@st.composite
def documents(draw: st.DrawFn) -> str:
    """An object with random white space, comments and trailing commas."""
    whole = draw(st.dictionaries(st.text(max_size=5), PLAIN, max_size=4))
    if draw(FLIPS):
        whole["mcpServers"] = draw(st.dictionaries(st.text(max_size=5), PLAIN, max_size=3))

    def written(value: Any) -> str:
        if isinstance(value, dict):
            parts = [f"{json.dumps(key)}{draw(GAPS)}:{written(one)}" for key, one in value.items()]
            ends = "{}"
        elif isinstance(value, list):
            parts = [written(one) for one in value]
            ends = "[]"
        else:
            return draw(GAPS) + json.dumps(value) + draw(GAPS)
        inner = ",".join(draw(GAPS) + part + draw(GAPS) for part in parts)
        ends_with_comma = draw(FLIPS)
        inner += "," if parts and ends_with_comma else ""
        return draw(GAPS) + ends[0] + inner + draw(GAPS) + ends[1] + draw(GAPS)

    return written(whole)


@given(documents())
@example('{"mcpServers":{"kodit":[ // x\n]}}')
def test_any_document_takes_the_entry_and_gives_it_back(text: str) -> None:
    """Only comments inside a former entry are lost, nothing else changes, and undoing is exact."""
    before = jsonc.parse(text).value
    if not isinstance(before.get("mcpServers", {}), dict):
        return
    edits = jsonc.edits_to_set(text, KEYS, ENTRY)
    after = applied(text, edits)
    wanted = before | {"mcpServers": before.get("mcpServers", {}) | {"kodit": ENTRY}}
    assert jsonc.parse(after).value == wanted
    if "kodit" not in before.get("mcpServers", {}):
        assert after.count("// x") == text.count("// x")
        assert after.count("/* y */") == text.count("/* y */")
    assert applied(after, inverted(text, edits)) == text
    removed = applied(after, jsonc.edits_to_remove(after, KEYS))
    wanted["mcpServers"].pop("kodit")
    assert jsonc.parse(removed).value == wanted


TABLE = ("mcp_servers", "kodit")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# mine\nmodel = 'x'",
        'model = "x" # kept\n\n[mcp_servers.other]\ncommand = "a"\n',
        '[mcp_servers.kodit]\ncommand = "old" # mine\nargs = [\n  "a",\n  # b\n]\n[x]\na = 1\n',
        '[mcp_servers.kodit]\nstartup_timeout_sec = 3\n[mcp_servers.kodit.env]\nA = "b"\n',
        '[mcp_servers."kodit"]\r\ncommand = "old"\r\n',
        "[ mcp_servers . kodit ]",
        'text = """\n[mcp_servers.kodit]\n"""\n',
        'text = """\n[mcp_servers.kodit]\n"""\n[mcp_servers.kodit]\ncommand = "old"\n',
        '[mcp_servers.kodit]\nenv = {}\n[x]\ncommand = "mine"\nargs = []\n',
    ],
)
def test_every_shape_of_a_toml_file_takes_the_table(text: str) -> None:
    """Other values of the table, and all other lines, stay."""
    before = toml.parse(text)
    edits = toml.edits_to_set(text, TABLE, ENTRY)
    after = applied(text, edits)
    servers = before.get("mcp_servers", {})
    wanted = before | {"mcp_servers": servers | {"kodit": servers.get("kodit", {}) | ENTRY}}
    assert tomllib.loads(after.replace("\r\n", "\n")) == wanted
    assert toml.edits_to_set(after, TABLE, ENTRY) == []
    assert applied(after, inverted(text, edits)) == text
    for line in text.splitlines():
        if line.strip() and not line.startswith(("command", "args", "  ", "]")):
            assert line in after
    removed = applied(after, toml.edits_to_remove(after, TABLE))
    assert "kodit" not in toml.parse(removed).get("mcp_servers", {})


@pytest.mark.parametrize(
    "text",
    [
        "mcp_servers = {}\n",
        "a = 1\nmcp_servers = {} # } none yet\n[b]\nc = 2",
        'mcp_servers = { other = { command = "x}" } }\r\nb = 1\r\n',
        'mcp_servers = { kodit = { command = "a" } }\n',
        'mcp_servers = { kodit = { command = "a", env = { A = "b" } }, other = { url = "u" } }\n',
        'mcp_servers = { other = { url = "u" }, "kodit" = { command = "a" } }',
        '[mcp_servers]\nkodit = { command = "a" }\n[b]\nc = 2\n',
        'mcp_servers.kodit.command = "a"\n[b]\nc = 2\n',
        'mcp_servers.kodit.command = "a"\nmcp_servers.kodit.args = []\n[b]\nc = 2\n',
        '# mine\nmcp_servers.other.command = "a"\n',
        "\ufeffmcp_servers = {}\n",
        '\ufeffmcp_servers.other.command = "a"\n',
        'mcp_servers = { "a.b" = { x = 1.5, y = [1, true] } }\n',
        'mcp_servers = { kodit = { command = "a", "b.c" = 1.5, d = [true] }, x = { y = 1 } }\n',
        'mcp_servers = { a = { b = 1 }, kodit = { command = "a" }, x = { y = 1 } }\n',
        'kodit = { x = 1 }\nmcp_servers = { kodit = { command = "a" } }\n',
        '\ufeff[mcp_servers.kodit]\ncommand = "old"\n',
        "\ufeff",
    ],
)
def test_a_table_on_one_line_takes_it_too(text: str) -> None:
    """Or one with dotted keys, or after a byte order mark."""
    before = toml.parse(text)
    edits = toml.edits_to_set(text, TABLE, ENTRY)
    after = applied(text, edits)
    servers = before.get("mcp_servers", {})
    wanted = before | {"mcp_servers": servers | {"kodit": servers.get("kodit", {}) | ENTRY}}
    assert toml.parse(after) == wanted
    assert after.startswith("\ufeff") is text.startswith("\ufeff")
    assert after.count("#") == text.count("#")
    assert applied(after, inverted(text, edits)) == text
    assert toml.edits_to_set(after, TABLE, ENTRY) == []
    removed = toml.parse(applied(after, toml.edits_to_remove(after, TABLE)))
    servers.pop("kodit", None)
    assert (removed.pop("mcp_servers", {}), removed) == (servers, before_without(before))


def before_without(document: dict[str, Any]) -> dict[str, Any]:
    """A document without its servers."""
    return {key: value for key, value in document.items() if key != "mcp_servers"}


@pytest.mark.parametrize(
    "text", ["mcp_servers = { kodit = { since = 2026-01-01 } }\n", "mcp_servers = 1\n"]
)
def test_a_table_in_another_form_is_left_alone(text: str) -> None:
    """It has unknown content, or is not a table."""
    with pytest.raises(UneditableError):
        toml.edits_to_set(text, TABLE, ENTRY)


def test_how_a_table_in_another_form_has_to_be_written() -> None:
    text = '[[mcp_servers.kodit]]\ncommand = "a"\n'
    with pytest.raises(
        UneditableError, match=r"write it as a table, \[mcp_servers\.kodit\], or add"
    ):
        toml.edits_to_set(text, TABLE, ENTRY)


def test_a_file_ends_as_it_did() -> None:
    """With a new line or without one."""
    for end in ("", "\n", "\r\n"):
        text = f'a = 1{end or chr(10)}[mcp_servers.kodit]{end or chr(10)}command = "old"{end}'
        edits = toml.edits_to_set(text, TABLE, {"command": "new"})
        assert applied(text, edits) == text.replace("old", "new")


def test_a_table_is_added_below_an_empty_line() -> None:
    added = applied("a = 1\n", toml.edits_to_set("a = 1\n", TABLE, {"command": "x"}))
    assert added == 'a = 1\n\n[mcp_servers.kodit]\ncommand = "x"\n'


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ('{"kodit": 1}', None),
        ('{"mcpServers": {"other": 1}}', None),
        ('{"mcpServers": {"a": 1, "kodit": 2}}', '{"mcpServers": {"a": 1 }}'),
        ('{"mcpServers": {"kodit": 2, "a": 1}}', '{"mcpServers": { "a": 1}}'),
        ('{"mcpServers": {\n "kodit": 2, "a": 1\n}}', '{"mcpServers": {\n  "a": 1\n}}'),
        ('{"mcpServers": {\n "a": 1,\n "kodit": 2\n}}', '{"mcpServers": {\n "a": 1\n}}'),
    ],
)
def test_what_is_taken_out(text: str, after: str | None) -> None:
    """Nothing if there is none, and the comma before the last one with it."""
    edits = jsonc.edits_to_remove(text, KEYS)
    assert applied(text, edits) == (text if after is None else after)
    json.loads(applied(text, edits))


def test_a_new_server_stands_below_the_others() -> None:
    """However far these are indented; or beside them on one line."""
    for line, after in (
        ('{"mcpServers": {"a": 1}}', '{"mcpServers": {"a": 1, "kodit": {}}}'),
        ('{"mcpServers": {"a": 1,}}', '{"mcpServers": {"a": 1, "kodit": {},}}'),
    ):
        assert applied(line, jsonc.edits_to_set(line, KEYS, {})) == after
    text = '{\n  "mcpServers": {\n       "other": 1\n  }\n}\n'
    added = applied(text, jsonc.edits_to_set(text, KEYS, {}))
    assert added == text.replace('"other": 1\n', '"other": 1,\n       "kodit": {}\n')


def test_letters_stay_letters() -> None:
    """And an existing entry is not written again."""
    entry = {"command": "/höme/kodit"}
    for text in ('{"é": 1}', '{\n  "mcpServers": {}\n}', "", '{"mcpServers": {"kodit": 1}}'):
        after = applied(text, jsonc.edits_to_set(text, KEYS, entry))
        assert "/höme/kodit" in after
        assert jsonc.edits_to_set(after, KEYS, entry) == []
    assert jsonc.find("{}", KEYS) is None
    assert jsonc.find('{"a": 1}', ("a", "b", "c")) is None
    named = applied('{"a": {\n}}', jsonc.edits_to_set('{"a": {\n}}', ("a", "é"), {"b": 1}))
    assert '"é"' in named
