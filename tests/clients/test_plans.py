"""Changes of a client's file, planned, made and undone in this process."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kodit.domain.errors import UserError
from kodit.infrastructure.clients import connecting, jsonc
from kodit.infrastructure.clients.connecting import plan_connection, plan_undo, undo, write
from kodit.infrastructure.clients.places import CLIENTS

CLIENT = replace(CLIENTS["gemini"], project_file="mcp.json")
OTHERS = '{\n  // mine\n  "mcpServers": {"other": {"command": "x"}}\n}\n'


def entry(command: str = "kodit") -> dict[str, Any]:
    return CLIENT.entry(command, ("stdio",))


class Place:
    """A file of a client, and a data directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "mcp.json"
        self.data_dir = folder / "data"

    def connect(self, command: str = "kodit", path: Path | None = None) -> str:
        """The text after the server was added."""
        change = plan_connection(CLIENT, path or self.path, entry(command))
        write(change, self.data_dir)
        return (path or self.path).read_text()

    def disconnect(self, path: Path | None = None) -> str | None:
        """The text after it was removed; None for no file."""
        path = path or self.path
        undo(plan_undo(CLIENT, path, self.data_dir), self.data_dir)
        return path.read_text() if path.exists() else None

    def server(self, text: str) -> Any:
        """The server's entry in the text."""
        self.path.write_text(text)
        change = plan_connection(CLIENT, self.path, entry())
        assert change.after is not None
        return jsonc.find(change.after, ("mcpServers", "kodit"))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    before = os.umask(0o022)
    yield Place(tmp_path)
    os.umask(before)


def test_a_file_that_others_have_servers_in(place: Place) -> None:
    place.path.write_text(OTHERS)
    assert "kodit" in place.connect()
    assert plan_connection(CLIENT, place.path, entry()).is_none
    assert place.disconnect() == OTHERS
    assert place.disconnect() == OTHERS
    assert plan_undo(CLIENT, place.path, place.data_dir).is_none
    folder = place.data_dir / connecting.FOLDER
    assert not list(folder.iterdir())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700  # what was undone may hold secrets


def test_a_file_that_was_made_goes_again(place: Place) -> None:
    """An empty one stays empty. Its folder is created, with the user's default permissions."""
    place.path = place.folder / "deep" / "mcp.json"
    place.connect()
    assert stat.S_IMODE(place.path.stat().st_mode) == 0o644
    assert place.disconnect() is None
    assert plan_undo(CLIENT, place.path, place.data_dir).is_none
    place.path.write_text("")
    place.connect()
    assert place.disconnect() == ""


def test_what_was_written_twice_is_taken_out(place: Place) -> None:
    """The original state is no longer known, except for the other servers."""
    place.path.write_text(OTHERS)
    place.connect("old")
    assert "newer" in place.connect("newer")
    text = place.disconnect()
    assert text is not None
    assert json.loads(text.replace("// mine", "")) == {"mcpServers": {"other": {"command": "x"}}}
    place.path.unlink()
    place.connect("old")
    place.connect("newer")
    assert place.disconnect() is not None  # it may be anybody's by now


def test_each_file_has_an_undo_of_its_own(place: Place) -> None:
    """Also two files of one name; a file behind a link shares the undo of its target."""
    other = place.folder / "project" / "mcp.json"
    link = place.folder / "link.json"
    other.parent.mkdir()
    other.write_text("{}")
    link.symlink_to(other)
    place.connect()
    place.connect(path=other)
    assert place.disconnect(other) == "{}"
    place.connect(path=link)
    assert place.disconnect(other) == "{}"
    assert link.is_symlink()
    assert place.disconnect() is None


@pytest.mark.parametrize("record", ["", "[]", "7", "{}", '{"digest": "x", "undo": []}'])
def test_an_undo_that_was_lost(place: Place, record: str) -> None:
    """The server is removed nevertheless."""
    place.path.write_text(OTHERS)
    place.connect()
    [kept] = (place.data_dir / connecting.FOLDER).iterdir()
    kept.write_text(record)
    text = place.disconnect()
    assert text is not None
    assert "kodit" not in text
    assert "// mine" in text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"command": "old", "args": [], "env": {"A": "b"}}, {**entry(), "env": {"A": "b"}}),
        ({**entry(), "disabled": True}, {**entry(), "disabled": True}),
        ({"url": "http://x", "env": {}}, entry()),
        ({"httpUrl": "http://x", "env": {}}, entry()),
        ("text", entry()),
    ],
)
def test_an_existing_server_of_this_name(place: Place, before: object, after: object) -> None:
    """Only its command changes, unless it is of another kind."""
    assert place.server(json.dumps({"mcpServers": {"kodit": before}})) == after
    whole = plan_connection(CLIENT, place.path, entry())
    assert whole.is_none == (before == after)


def test_what_is_no_file_of_settings(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is unchanged, and the sentence names it."""
    path = str(place.path)
    for text, code, said in (
        (b"\xff", "client_file_unreadable", f"{path} is not UTF-8 text; it was not changed"),
        (b"{", "client_file_unreadable", f"{path} cannot be read as JSON (line 1: "),
        (b"[]", "client_file_unreadable", f"{path} was not changed: the content of the file is"),
    ):
        place.path.write_bytes(text)
        with pytest.raises(UserError) as told:
            plan_connection(CLIENT, place.path, entry())
        assert told.value.code == code
        assert str(told.value).startswith(said)
        assert place.path.read_bytes() == text
    with pytest.raises(UserError, match="remove the server 'kodit' by hand") as told:
        place.path.write_bytes(b"{")
        plan_undo(CLIENT, place.path, place.data_dir)
    assert (told.value.code, told.value.fields) == ("client_file_unchanged", {"path": path})
    with pytest.raises(UserError, match="is not a settings file; it was not changed"):
        plan_connection(CLIENT, place.folder, entry())
    monkeypatch.setattr(connecting, "LARGEST_FILE_BYTES", 2)
    place.path.write_bytes(b"{}")
    assert not plan_connection(CLIENT, place.path, entry()).is_none
    place.path.write_bytes(b"{} ")
    with pytest.raises(UserError, match="is not a settings file; it was not changed"):
        plan_connection(CLIENT, place.path, entry())


def test_what_cannot_be_taken_back_is_not_written(place: Place) -> None:
    """How to take it back is kept first."""
    place.path.write_text(OTHERS)
    place.connect()
    [kept] = (place.data_dir / connecting.FOLDER).iterdir()
    assert place.disconnect() == OTHERS
    kept.mkdir()
    with pytest.raises(OSError, match="directory"):
        place.connect()
    assert place.path.read_text() == OTHERS


def test_a_folder_whose_name_is_not_valid_text(place: Place) -> None:
    place.path = place.folder / "\udcff" / "mcp.json"
    place.connect()
    assert place.disconnect() is None


def test_where_clients_have_their_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the home folder, unless a variable has another absolute path."""
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setattr("sys.platform", "linux")
    usual = {
        "claude": "/home/ada/.claude.json",
        "codex": "/home/ada/.codex/config.toml",
        "cursor": "/home/ada/.cursor/mcp.json",
        "vscode": "/home/ada/.config/Code/User/mcp.json",
        "gemini": "/home/ada/.gemini/settings.json",
        "zed": "/home/ada/.config/zed/settings.json",
    }
    assert {name: str(client.file(None)) for name, client in CLIENTS.items()} == usual
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, "here")
    assert {name: str(client.file(None)) for name, client in CLIENTS.items()} == usual
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, f"/{name}")
    moved = usual | {
        "claude": "/CLAUDE_CONFIG_DIR/.claude.json",
        "codex": "/CODEX_HOME/config.toml",
        "vscode": "/XDG_CONFIG_HOME/Code/User/mcp.json",
        "zed": "/XDG_CONFIG_HOME/zed/settings.json",
    }
    assert {name: str(client.file(None)) for name, client in CLIENTS.items()} == moved
    project = Path("/project")
    assert CLIENTS["vscode"].file(project) == Path("/project/.vscode/mcp.json")
    monkeypatch.setattr("sys.platform", "darwin")
    assert str(CLIENTS["zed"].file(None)) == "/home/ada/.config/zed/settings.json"
    assert str(CLIENTS["vscode"].file(None)).startswith("/home/ada/Library/Application Support/")


def test_what_each_client_wants_to_be_told() -> None:
    told = {name: client.entry("/bin/kodit", ("stdio",)) for name, client in CLIENTS.items()}
    plain = {"command": "/bin/kodit", "args": ["stdio"]}
    assert told == {
        "claude": {"type": "stdio", **plain},
        "codex": plain,
        "cursor": {**plain, "args": ["stdio", "--folder", "${workspaceFolder}"]},
        "vscode": {"type": "stdio", **plain},
        "gemini": plain,
        "zed": {"source": "custom", **plain},
    }
    assert {name: client.keys for name, client in CLIENTS.items()} == {
        "claude": ("mcpServers",),
        "codex": ("mcp_servers",),
        "cursor": ("mcpServers",),
        "vscode": ("servers",),
        "gemini": ("mcpServers",),
        "zed": ("context_servers",),
    }


def test_what_cannot_be_opened_is_said_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"file/a\.json cannot be read: Not a directory$"):
        connecting._read(tmp_path / "file" / "a.json")
    with pytest.raises(UserError, match=r"file/a\.json cannot be written: File exists$"):
        connecting._write(tmp_path / "file" / "a.json", "{}")
