"""docs/json.md is made from the views, and the commands print what it says."""

from __future__ import annotations

import inspect
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
import typer.main
from tests.documentation.test_documentation import commands_below
from tests.support.command import KoditCommand
from tests.support.sources import write_file

from kodit.application.views.description import DescriptionsView
from kodit.application.views.doctor import DiagnosisView
from kodit.application.views.files import FilesView, GrepView, OutlineView, SymbolsView, TextView
from kodit.application.views.indexes import IndexesView
from kodit.application.views.keys import KeysView
from kodit.application.views.left_out import ExplanationView, LeftOutsView
from kodit.application.views.map import MapView
from kodit.application.views.moving import MoveView
from kodit.application.views.runs import ListedRunView, RunsView
from kodit.application.views.savings import SavingsView
from kodit.application.views.search import RelatedView, SearchView
from kodit.application.views.serialization import OMITTED
from kodit.application.views.version import VersionView
from kodit.faces.cli.app import app

PAGE = Path(__file__).parents[2] / "docs" / "json.md"
COMMANDS: Mapping[str, tuple[Any, tuple[str, ...]]] = {
    "index": (IndexesView, ("index shop", "index")),
    "status": (IndexesView, ("status", "status --left-out")),
    "search": (SearchView, ("search retry shop", "search retry shop --explain")),
    "related": (RelatedView, ("related app.py:1 -s shop",)),
    "grep": (GrepView, ("grep -C 1 retry shop",)),
    "symbols": (SymbolsView, ("symbols retry", "symbols retyr", "symbols retry --callees")),
    "outline": (OutlineView, ("outline shop/app.py",)),
    "map": (MapView, ("map shop",)),
    "describe": (DescriptionsView, ("describe overview shop", "describe usage retry -s shop")),
    "ls": (FilesView, ("ls shop",)),
    "ls --left-out": (LeftOutsView, ("ls shop --left-out",)),
    "read": (TextView, ("read shop/app.py",)),
    "explain": (ExplanationView, ("explain shop/app.py", "explain shop/.env")),
    "queue list": (RunsView, ("queue list --all",)),
    "queue show": (ListedRunView, ("queue show 1",)),
    "queue retry": (ListedRunView, ()),
    "queue cancel": (ListedRunView, ()),
    "queue pause": (RunsView, ("queue pause",)),
    "queue resume": (RunsView, ("queue resume",)),
    "doctor": (DiagnosisView, ("doctor",)),
    "move": (MoveView, ()),
    "keys list": (KeysView, ("keys list",)),
    "savings": (SavingsView, ("savings",)),
    "version": (VersionView, ("version",)),
}
"""Each command that takes `--json`, what it prints, and how the test runs it; a run is retried and
cancelled where there is one that can be, and moves have tests of their own."""

HEAD = """\
# JSON

`--json` makes a command print one JSON document to standard output. Messages still go to standard
error, and the exit code is the same (`docs/exit-codes.md`). If a command fails, it prints no
document, and its error is a sentence on standard error.

* `kodit search --jsonl` and `kodit related --jsonl` print each result, a `ResultView`, on a line of
  its own. `kodit status --watch --json` prints one document per line, whenever something has
  changed.
* REST answers with the same objects (`docs/rest.md`).
* A field that may be null is always present. An optional field is present only if it has a value.
* Times are in UTC, such as `2026-01-31T12:00:00.250000Z`. Sizes are in bytes, lines count from 1.
* Newer versions may add fields. Ignore unknown fields.

| to find | look at |
|---|---|
| the absolute path of a file | `file`: null for a file of a git URL |
| the disk space of the data directory | `sizes` of `kodit status`, `bytes` of each index |
| the disk space that could be freed | `freeable` in `sizes`, `freeable_bytes` of `kodit doctor` |
| left-out files, counted by reason | `skipped` of an index, `left_out` in `standing` |
| left-out files, one by one | `left_out` of `ls --left-out` and `status --left-out` |
| the problem with one of several sources | `problems` of an answer: sentences |
| files that were split by lines or could not be read | `problems` of an index: counts by reason |
| whether an answer is complete and current | `standing`: the state of each searched index |

## Commands

| command | document |
|---|---|
"""


def test_the_page_is_made_from_the_views(update_golden: bool) -> None:
    """Every command, view and field."""
    if update_golden:
        PAGE.write_text(_page())
    assert PAGE.read_text() == _page(), "run pytest --update-golden and review the difference"


def test_the_commands_print_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each field of each document is present, with its type, and there are no others."""
    code = "def retry():\n    return again()\n\n\ndef again():\n    return retry()\n"
    write_file(tmp_path / "here" / "shop" / "app.py", code)
    write_file(tmp_path / "here" / "shop" / "other.py", code.replace("again", "anew"))
    write_file(tmp_path / "here" / "shop" / ".env", "KEY=1\n")
    monkeypatch.chdir(tmp_path / "here")
    kodit = KoditCommand(tmp_path / "data", HOME=str(tmp_path))
    kodit.run_here("keys", "add", "ada")

    for view, commands in COMMANDS.values():
        for command in commands:
            _check(view, kodit.ask(*command.split()), command)


def test_every_command_that_takes_json_is_in_the_page() -> None:
    """A command that prints another document has its own row besides."""
    taking = {
        name.removeprefix("kodit ")
        for name, command in commands_below("kodit", typer.main.get_command(app))
        if any("--json" in one.opts for one in command.params)
    }
    assert {command.partition(" --")[0] for command in COMMANDS} == taking


def _check(kind: Any, value: Any, where: str) -> None:
    """Whether a JSON value has the type."""
    if is_dataclass(kind):
        known = {one.name: OMITTED in one.metadata for one in fields(kind)}
        required = {name for name, is_optional in known.items() if not is_optional}
        assert required <= value.keys() <= known.keys(), where
        hints = get_type_hints(kind)
        for name, inner in value.items():
            _check(hints[name], inner, f"{where}: {name}")
        return
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if value is not None:
            inner = [one for one in arguments if one is not types.NoneType]
            if len(inner) == 1:
                _check(inner[0], value, where)
        else:
            assert types.NoneType in arguments, where
    elif origin is tuple:
        assert isinstance(value, list), where
        for item in value:
            _check(arguments[0], item, where)
    elif origin is Mapping:
        assert isinstance(value, dict), where
        for item in value.values():
            _check(arguments[1], item, where)
    else:
        assert isinstance(value, (int, float) if kind is float else kind), where


def _page() -> str:
    lines = [
        f"| `kodit {command} --json` | {_linked(view.__name__)} |"
        for command, (view, _commands) in COMMANDS.items()
    ]
    views = dict[type[Any], None]()
    for view, _commands in COMMANDS.values():
        _collect(view, views)
    lines += ["", "## Views", ""]
    for one in views:
        lines += [f"### {one.__name__}", "", *(inspect.getdoc(one) or "").splitlines(), ""]
        lines += ["| field | type |", "|---|---|"]
        hints = get_type_hints(one)
        for field in fields(one):
            is_optional = OMITTED in field.metadata
            kind = _typed(hints[field.name], is_optional=is_optional)
            lines.append(f"| `{field.name}` | {kind}{', optional' * is_optional} |")
        lines.append("")
    return HEAD + "\n".join(lines).rstrip() + "\n"


def _collect(kind: Any, found: dict[type[Any], None]) -> None:
    """The views in a type, in order."""
    if is_dataclass(kind) and isinstance(kind, type) and kind not in found:
        found[kind] = None
        for hint in get_type_hints(kind).values():
            _collect(hint, found)
    for one in get_args(kind):
        _collect(one, found)


_PLAIN = {str: "text", int: "number", float: "number", bool: "true or false"}


def _typed(kind: Any, *, is_optional: bool = False) -> str:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        kinds = dict.fromkeys(_typed(one) for one in arguments if one is not types.NoneType)
        is_null = types.NoneType in arguments and not is_optional
        return " or ".join((*kinds, *(["null"] if is_null else [])))
    if origin is tuple:
        return f"list of {_typed(arguments[0])}"
    if origin is Mapping:
        return f"object, each value {_typed(arguments[1])}"
    return _PLAIN[kind] if kind in _PLAIN else _linked(str(kind.__name__))


def _linked(view: str) -> str:
    return f"[{view}](#{view.lower()})"
