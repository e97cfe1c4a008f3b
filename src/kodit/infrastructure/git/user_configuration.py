"""What the user's own git configuration says of the network: proxies, certificates, other names of
servers, credential helpers, the ssh command.

Nothing else of it is heard, and nothing that a repository brings: a fetch for a source that this
user has added works where `git clone` does, and runs nothing that the user has not named for it.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import NamedTuple

from kodit.infrastructure.processes.environment import steady_environment

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
"""Variables by which credential helpers find what they keep."""


class UserConfiguration(NamedTuple):
    """A file with what is heard of the user's configuration, below that of ours, and variables
    besides. `ssh` is the user's own ssh command, if there is one."""

    file: Path
    variables: dict[str, str]
    ssh: str | None


_heard: ContextVar[UserConfiguration | None] = ContextVar("_heard", default=None)


def heard() -> UserConfiguration | None:
    """What is heard in this context."""
    return _heard.get()


@contextlib.contextmanager
def hearing_the_user(ours: Path) -> Iterator[None]:
    """Within the context git hears what the user has set of the network; `ours` is the file of
    configuration that it reads in any case."""
    settings = _settings()
    ssh = os.environ.get("GIT_SSH_COMMAND") or dict(settings).get("core.sshcommand")
    with tempfile.TemporaryDirectory(prefix="kodit-git-") as folder:
        file = Path(folder) / "config"
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
    """The settings of the system and of the user that are heard, weakest first; none where git
    cannot read them. A repository has no say: git runs where there is none."""
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
    """A setting as git reads it."""
    section, _, rest = name.partition(".")
    subsection, _, key = rest.rpartition(".")
    head = f'[{section} "{_escaped(subsection)}"]' if subsection else f"[{section}]"
    return f'{head}\n\t{key} = "{_escaped(value)}"\n'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
