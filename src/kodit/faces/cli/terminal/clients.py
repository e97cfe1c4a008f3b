"""`kodit connect` and `kodit savings`."""

from __future__ import annotations

import difflib
import shutil
import sys
from pathlib import Path

from kodit.application.views.savings import SavingsView
from kodit.composition import Application
from kodit.domain.errors import InvalidQueryError
from kodit.faces.cli.session import Session
from kodit.faces.cli.terminal.output import print_json, print_line, say
from kodit.infrastructure.clients.connecting import (
    Change,
    plan_connection,
    plan_undo,
    undo,
    write,
)
from kodit.infrastructure.clients.places import CLIENTS, Client
from kodit.settings import Settings


def connect_and_show(
    settings: Settings, name: str, *, is_project: bool, only_print: bool, undo: bool
) -> None:
    """Show the change of the client's file and make or undo it. Raises UserError."""
    client = CLIENTS.get(name.lower())
    if client is None:
        raise InvalidQueryError(
            f"unknown client {name!r}; choose one of {', '.join(CLIENTS)}",
            code="choice_invalid",
            value=name,
            choices=", ".join(CLIENTS),
        )
    path = client.file(Path.cwd() if is_project else None)
    if undo:
        _disconnect(settings, client, path, only_print=only_print)
    else:
        _connect(settings, client, path, only_print=only_print)


def _connect(settings: Settings, client: Client, path: Path, *, only_print: bool) -> None:
    change = plan_connection(client, path, client.entry(*_command(settings)))
    if change.is_none:
        say(f"{client.title} is already connected, in {path}.")
        return
    _show(change)
    if only_print:
        return
    Application(settings).make_data_directory()
    write(change, settings.data_dir)
    say(f"{client.title} is connected. {client.afterwards}")
    say(f"`kodit connect {client.name} --undo` undoes this.")


def _disconnect(settings: Settings, client: Client, path: Path, *, only_print: bool) -> None:
    change = plan_undo(client, path, settings.data_dir)
    if change.is_none:
        say(f"{client.title} is not connected in {path}.")
        return
    _show(change)
    if not only_print:
        undo(change, settings.data_dir)
        say(f"{client.title} is disconnected.")


def _show(change: Change) -> None:
    """Print the change as a unified diff, so that --print can be piped into `patch`."""
    before = "" if change.before is None else change.before
    after = "" if change.after is None else change.after
    for line in difflib.unified_diff(
        before.splitlines(),
        after.splitlines(),
        "/dev/null" if change.before is None else str(change.path),
        "/dev/null" if change.after is None else str(change.path),
        lineterm="",
        n=2,
    ):
        print_line(line)


def _command(settings: Settings) -> tuple[str, tuple[str, ...]]:
    """An absolute path and its arguments. A client passes on few variables, so that the data
    directory is named unless it is the default one."""
    default = Settings.load({}).data_dir
    arguments = ["stdio"]
    if settings.data_dir != default:
        arguments += ["--data-dir", str(settings.data_dir)]
    for found in (Path(sys.executable).with_name("kodit"), shutil.which("kodit")):
        if found is not None and Path(found).is_file():
            return str(Path(found).absolute()), tuple(arguments)
    return str(Path(sys.executable).absolute()), ("-P", "-m", "kodit", *arguments)


def show_savings(session: Session, *, as_json: bool) -> None:
    """Print the counts, by tool."""
    view = SavingsView.of(session.application.savings.totals())
    if as_json:
        print_json(view)
        return
    if view.since is None:
        say("Nothing has been counted yet; `kodit connect` sets up an assistant.")
        return
    print_line(f"Since {view.since}, in tokens of four characters:")
    print_line(f"{'tool':<10}{'answers':>9}{'read':>12}{'files named':>14}{'saved':>9}")
    for one in (*view.tools, view.total):
        saved = 1 - one.answer_tokens / one.file_tokens if one.file_tokens else 0.0
        share = f"{saved:.0%}" if one.file_tokens else "-"
        print_line(
            f"{one.tool:<10}{one.answers:>9,}{one.answer_tokens:>12,}{one.file_tokens:>14,}"
            f"{share:>9}"
        )
