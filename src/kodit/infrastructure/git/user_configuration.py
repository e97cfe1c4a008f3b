"""The network settings in the user's own git configuration: proxies, certificates, URL rewrites,
credential helpers, the ssh command.

No other setting is used, and none from a repository: a fetch for a source that this user added
works where `git clone` does, and runs only programs that the user configured for it.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import NamedTuple

from kodit.infrastructure.processes.environment import steady_environment
from kodit.infrastructure.temporary import temporary_folder

_SECONDS = 10.0
_OF_NETWORK = re.compile(
    r"http\.(?:.+\.)?(?:proxy\w*|ssl\w+|cookiefile|extraheader|useragent|version"
    r"|delegation|emptyauth|proactiveauth|pinnedpubkey|schannel\w+|postbuffer)"
    r"|url\..+\.insteadof"
    r"|credential\.(?:.+\.)?\w+"
    r"|core\.(?:sshcommand|gitproxy)"
    r"|ssh\.variant",
    re.IGNORECASE | re.DOTALL,
)
_OF_USER = (
    *("PATH", "HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"),
    *("GIT_CONFIG_NOSYSTEM", "GIT_EXEC_PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
)
_FOR_HELPERS = (
    *("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "GNUPGHOME"),
    *("DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY", "GH_CONFIG_DIR"),
)
"""Variables with which credential helpers find their stored data."""


class UserConfiguration(NamedTuple):
    """A file with the settings used from the user's configuration, which ours override, and
    environment variables. `ssh` is the user's own ssh command, or None.
    """

    file: Path
    variables: dict[str, str]
    ssh: str | None


_heard: ContextVar[UserConfiguration | None] = ContextVar("_heard", default=None)


def current_user_configuration() -> UserConfiguration | None:
    """The user's configuration in this context, or None."""
    return _heard.get()


@contextlib.contextmanager
def with_user_configuration(ours: Path) -> Iterator[None]:
    """Within the context git uses the user's network settings; `ours` is the configuration file
    that it reads in any case.
    """
    settings = _settings()
    ssh = os.environ.get("GIT_SSH_COMMAND") or dict(settings).get("core.sshcommand")
    with temporary_folder("git") as folder:
        file = folder / "config"
        file.touch(0o600)
        written = [_written(*setting) for setting in (("include.path", str(ours)), *settings)]
        file.write_text("".join(written), "utf-8", "surrogateescape")
        variables = {name: os.environ[name] for name in _FOR_HELPERS if name in os.environ}
        token = _heard.set(UserConfiguration(file, variables, ssh))
        try:
            yield
        finally:
            _heard.reset(token)


def _settings() -> list[tuple[str, str]]:
    """The network settings of the system and of the user, lowest precedence first; empty if git
    cannot read them. git runs outside any repository, so none can add to them.
    """
    steady = steady_environment()
    environment = {name: steady[name] for name in _OF_USER if name in steady}
    found: list[tuple[str, str]] = []
    for scope in ("--system", "--global"):
        if scope == "--system" and environment.get("GIT_CONFIG_NOSYSTEM"):
            continue
        try:
            done = subprocess.run(
                ["git", "config", scope, "--includes", "--null", "--list"],
                cwd="/",
                env=environment | {"GIT_CEILING_DIRECTORIES": "/", "GIT_DIR": os.devnull},
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        for record in done.stdout.decode("utf-8", "surrogateescape").split("\0"):
            name, newline, value = record.partition("\n")
            if _OF_NETWORK.fullmatch(name) and "\n" not in value:
                found.append((name, value if newline else "true"))
    return found


def _written(name: str, value: str) -> str:
    """A setting in the syntax of a git configuration file."""
    section, _, rest = name.partition(".")
    subsection, _, key = rest.rpartition(".")
    head = f'[{section} "{_escaped(subsection)}"]' if subsection else f"[{section}]"
    return f'{head}\n\t{key} = "{_escaped(value)}"\n'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
