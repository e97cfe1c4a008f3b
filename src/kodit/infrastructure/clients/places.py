"""The configuration file of each client, and the form of an MCP server in it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kodit.infrastructure.home import home_folder

NAME = "kodit"
"""The name of the server in every client's file."""


@dataclass(frozen=True, slots=True)
class Client:
    """A client. `keys` lead to its servers in the file; `fixed` are entries that it requires of a
    server that it starts, and `arguments` come after the server's command.
    """

    name: str
    title: str
    user_file: Callable[[], Path]
    project_file: str
    keys: tuple[str, ...]
    fixed: Mapping[str, Any]
    arguments: tuple[str, ...] = ()
    afterwards: str = "Restart it to use Kodit."

    @property
    def is_toml(self) -> bool:
        return self.project_file.endswith(".toml")

    def file(self, project: Path | None) -> Path:
        """The file of the user, or of a project."""
        return self.user_file() if project is None else project / self.project_file

    def entry(self, command: str, arguments: tuple[str, ...]) -> dict[str, Any]:
        """The server's entry in the file."""
        return {**self.fixed, "command": command, "args": [*arguments, *self.arguments]}


def _home(variable: str, default: str) -> Path:
    """A folder that an environment variable may override."""
    moved = Path(os.environ.get(variable, ""))
    return moved if moved.is_absolute() else home_folder() / default


def _claude_file() -> Path:
    return _home("CLAUDE_CONFIG_DIR", ".") / ".claude.json"


def _vscode_file() -> Path:
    if sys.platform == "darwin":
        return home_folder() / "Library/Application Support/Code/User/mcp.json"
    return _home("XDG_CONFIG_HOME", ".config") / "Code/User/mcp.json"


def _zed_file() -> Path:
    if sys.platform == "darwin":
        return home_folder() / ".config/zed/settings.json"
    return _home("XDG_CONFIG_HOME", ".config") / "zed/settings.json"


CLIENTS = {
    client.name: client
    for client in (
        Client(
            "claude",
            "Claude Code",
            _claude_file,
            ".mcp.json",
            ("mcpServers",),
            {"type": "stdio"},
        ),
        Client(
            "codex",
            "Codex",
            lambda: _home("CODEX_HOME", ".codex") / "config.toml",
            ".codex/config.toml",
            ("mcp_servers",),
            {},
            afterwards="Restart it to use Kodit; it reads a project's file only if you trust the "
            "project.",
        ),
        Client(
            "cursor",
            "Cursor",
            lambda: home_folder() / ".cursor/mcp.json",
            ".cursor/mcp.json",
            ("mcpServers",),
            {},
            # It starts servers in the user's home folder.
            ("--folder", "${workspaceFolder}"),
            "Enable it in the settings of Cursor, under MCP.",
        ),
        Client(
            "vscode",
            "VS Code",
            _vscode_file,
            ".vscode/mcp.json",
            ("servers",),
            {"type": "stdio"},
            afterwards="VS Code asks whether to trust the server when it first starts it.",
        ),
        Client(
            "gemini",
            "Gemini CLI",
            lambda: home_folder() / ".gemini/settings.json",
            ".gemini/settings.json",
            ("mcpServers",),
            {},
        ),
        Client(
            "zed",
            "Zed",
            _zed_file,
            ".zed/settings.json",
            ("context_servers",),
            {"source": "custom"},
            afterwards="Zed starts it as soon as the file is saved.",
        ),
    )
}
"""By the names that `kodit connect` accepts."""
