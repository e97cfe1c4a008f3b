"""`kodit connect`: a client's file is shown, changed, and restored."""

from __future__ import annotations

import json
import os
import sys
import tomllib
from pathlib import Path

import pytest
from tests.support.command import KoditCommand

from kodit.domain.errors import UserError
from kodit.faces.cli.terminal.clients import connect_and_show
from kodit.infrastructure.clients.places import CLIENTS
from kodit.settings import Settings

COMMENTED = """\
{
  // mine
  "mcpServers": {
    "other": {"command": "x"}, // stays
  },
}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home folder of a user without settings, who is in a project below it."""
    home = tmp_path / "home"
    project = home / "project"
    project.mkdir(parents=True)
    monkeypatch.chdir(project)
    return home


@pytest.fixture
def command(home: Path, tmp_path: Path) -> KoditCommand:
    command = KoditCommand(tmp_path / "data", HOME=str(home))
    for name in ("CODEX_HOME", "CLAUDE_CONFIG_DIR"):
        command.environment.pop(name, None)
    return command


def run(command: KoditCommand, *arguments: str) -> tuple[int, str, str]:
    return command.run_here("connect", *arguments)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("scope", [(), ("--project",)])
def test_every_client_is_connected_and_disconnected(
    command: KoditCommand, home: Path, client: str, scope: tuple[str, ...]
) -> None:
    """The command is absolute, names the data directory, and can be run; nothing is left after
    disconnecting."""
    known = CLIENTS[client]
    assert run(command, client, *scope)[0] == 0
    places = (home, command.user_folder.parent)
    path = next(
        path
        for place in places
        for path in place.rglob("*")
        if (path.is_file() and path.name == Path(known.project_file).name)
        or path.name == ".claude.json"
    )
    assert path.is_relative_to(home / "project") == bool(scope)
    text = path.read_text()
    value = tomllib.loads(text) if known.is_toml else json.loads(text)
    for key in known.keys:
        value = value[key]
    entry = value["kodit"]
    assert os.access(entry["command"], os.X_OK)
    assert Path(entry["command"]).is_absolute()
    assert "stdio" in entry["args"]
    assert str(command.data_dir) in entry["args"]
    code, out, err = run(command, client, *scope)
    assert (code, out) == (0, "")
    assert "is already connected" in err
    assert run(command, client, *scope, "--undo")[0] == 0
    assert not path.exists()
    assert "is not connected" in run(command, client, *scope, "--undo")[2]


def test_the_change_is_shown_and_with_print_not_made(command: KoditCommand, home: Path) -> None:
    """As a diff in which only the new lines differ."""
    path = home / ".claude.json"
    path.write_text(COMMENTED)
    code, out, _err = run(command, "claude", "--print")
    assert code == 0
    assert path.read_text() == COMMENTED
    changed = [
        line for line in out.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ]
    assert changed[0] == '+    "kodit": {'
    assert all(line.startswith("+") for line in changed)


def test_undo_restores_the_file_exactly(command: KoditCommand, home: Path) -> None:
    """With its mode; a link to it stays a link."""
    real = home / "dotfiles.json"
    real.write_text(COMMENTED)
    real.chmod(0o640)
    (home / ".claude.json").symlink_to(real)
    run(command, "claude")
    assert "kodit" in real.read_text()
    run(command, "claude", "--undo")
    assert real.read_text() == COMMENTED
    assert real.stat().st_mode & 0o777 == 0o640
    assert (home / ".claude.json").is_symlink()


def test_undo_of_a_file_that_has_changed_removes_only_the_server(
    command: KoditCommand, home: Path
) -> None:
    """Later changes by others stay."""
    path = home / ".claude.json"
    path.write_text(COMMENTED)
    run(command, "claude")
    path.write_text(path.read_text().replace("// mine", "// mine, newer"))
    run(command, "claude", "--undo")
    assert path.read_text() == COMMENTED.replace("// mine", "// mine, newer")


@pytest.mark.parametrize("client", ["claude", "codex"])
def test_a_file_that_cannot_be_parsed_is_not_changed(
    command: KoditCommand, home: Path, client: str
) -> None:
    """And the error says what is wrong with it."""
    path = CLIENTS[client].file(home / "project")
    path.parent.mkdir(exist_ok=True)
    path.write_text("{ broken = [")
    for arguments in ((), ("--undo",)):
        code, _out, err = run(command, client, "--project", *arguments)
        assert code == 2
        assert "was not changed" in err
    assert path.read_text() == "{ broken = ["


def test_a_server_of_the_name_keeps_its_other_settings(command: KoditCommand, home: Path) -> None:
    """Only the command of an existing entry changes."""
    path = home / ".cursor" / "mcp.json"
    path.parent.mkdir()
    path.write_text('{"mcpServers": {"kodit": {"command": "old", "env": {"A": "b"}}}}')
    run(command, "cursor")
    entry = json.loads(path.read_text())["mcpServers"]["kodit"]
    assert entry["env"] == {"A": "b"}
    assert entry["command"] != "old"


def test_an_unknown_client_is_answered_with_the_known(command: KoditCommand) -> None:
    code, _out, err = run(command, "emacs")
    assert code == 2
    assert "claude, codex, cursor, vscode, gemini, zed" in err


def test_a_file_that_is_read_only_is_left_alone(command: KoditCommand, home: Path) -> None:
    """The user is told, and the file is not replaced."""
    path = home / ".claude.json"
    path.write_text(COMMENTED)
    path.chmod(0o444)
    code, _out, said = run(command, "claude")
    assert code == 2
    assert f"{path} is read-only; make it writable" in said
    assert (path.read_text(), path.stat().st_mode & 0o777) == (COMMENTED, 0o444)


def test_a_link_to_a_file_that_is_not_there_yet(command: KoditCommand, home: Path) -> None:
    """Its target is created, and an undo removes only that."""
    link, real = home / ".claude.json", home / "dotfiles.json"
    link.symlink_to(real)
    assert run(command, "claude")[0] == 0
    assert "kodit" in json.loads(real.read_text())["mcpServers"]
    assert run(command, "claude", "--undo")[0] == 0
    assert (link.is_symlink(), real.exists()) == (True, False)


@pytest.fixture
def here(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home folder, for commands that run in this process."""
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CONFIG_HOME", "CODEX_HOME", "CLAUDE_CONFIG_DIR", "KODIT_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    return home


def connected(data_dir: Path | None, client: str = "claude", *, only_print: bool = False) -> None:
    settings = Settings.load({}, data_dir=data_dir)
    connect_and_show(settings, client, is_project=False, only_print=only_print, undo=False)


def entry_in(home: Path) -> dict[str, object]:
    entry: dict[str, object] = json.loads((home / ".claude.json").read_text())["mcpServers"][
        "kodit"
    ]
    return entry


def test_the_usual_data_directory_is_not_named(here: Path) -> None:
    """And a client may be written in any case."""
    connected(None, "Claude")
    assert entry_in(here)["args"] == ["stdio"]


def test_a_data_directory_that_is_not_trusted_is_not_connected(here: Path) -> None:
    (here / "data").mkdir()
    (here / "data").chmod(0o777)
    with pytest.raises(UserError, match="every user of this machine can write to it"):
        connected(here / "data")
    assert not (here / ".claude.json").exists()


def test_a_command_that_is_not_there_is_not_written(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then Python is what starts the program."""
    python = here / "bin" / "python"
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setenv("PATH", str(here / "bin"))
    connected(here / "data")
    entry = entry_in(here)
    assert entry["command"] == str(python)
    assert entry["args"] == ["-P", "-m", "kodit", "stdio", "--data-dir", str(here / "data")]


def test_two_lines_stand_around_a_change(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / ".claude.json").write_text(COMMENTED)
    connected(here / "data", only_print=True)
    _before, _after, place, *lines = capsys.readouterr().out.splitlines()
    assert place.startswith("@@ -3,4 +3,")
    assert [line for line in lines if line.startswith(" ")] == [
        '   "mcpServers": {',
        '     "other": {"command": "x"}, // stays',
        "   },",
        " }",
    ]
