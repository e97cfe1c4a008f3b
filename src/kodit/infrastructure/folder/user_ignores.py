"""The user's ignore file, `core.excludesFile`, which applies to untracked files.

It is looked up only in the user's own configuration, never in that of a repository, which may come
from anybody.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

_LARGEST = 1_000_000
_DEEPEST_INCLUDE = 4
_SECTION = re.compile(r"\s*\[\s*([\w.-]+)\s*(\"(?:[^\"\\]|\\.)*\")?\s*\](.*)")
_SETTING = re.compile(r"\s*([A-Za-z][\w-]*)\s*=\s*(.*)")
_ESCAPED = re.compile(r"\\(.)")


def user_ignore_file(environment: Mapping[str, str] | None = None) -> Path | None:
    """The path of this user's ignore file, whether it exists or not; None for a user without a
    home.
    """
    variables = os.environ if environment is None else environment
    found: str | None = None
    for path in configuration_files(variables):
        for value in _values(path, variables, 0):
            found = value
    if found is not None:
        return _expanded(found, variables, None)
    folder = _user_folder(variables)
    return None if folder is None else folder / "ignore"


def files_of_user() -> list[Path]:
    """This user's ignore file and the configuration files that may name it, including missing
    ones.
    """
    own = user_ignore_file()
    return [*configuration_files(os.environ), *([] if own is None else [own])]


def configuration_files(variables: Mapping[str, str]) -> list[Path]:
    """git's configuration files of the system and of this user, lowest precedence first."""
    files = [] if variables.get("GIT_CONFIG_NOSYSTEM") else [Path("/etc/gitconfig")]
    if (given := variables.get("GIT_CONFIG_GLOBAL")) is not None:
        return [*files, Path(given)] if given else files
    folder = _user_folder(variables)
    if folder is not None:
        files.append(folder / "config")
    if home := variables.get("HOME"):
        files.append(Path(home) / ".gitconfig")
    return files


def _user_folder(variables: Mapping[str, str]) -> Path | None:
    if folder := variables.get("XDG_CONFIG_HOME"):
        return Path(folder) / "git"
    home = variables.get("HOME")
    return Path(home) / ".config" / "git" if home else None


def _values(path: Path, variables: Mapping[str, str], depth: int) -> Iterator[str]:
    """The values of `core.excludesFile` in a file and those that it includes, in order."""
    section = ""
    for line in _lines(path):
        if opened := _SECTION.match(line):
            section = "" if opened[2] else opened[1].lower()
            line = opened[3]  # noqa: PLW2901 - a setting may stand on the line of its section
        setting = _SETTING.match(line)
        if setting is None:
            continue
        name = f"{section}.{setting[1].lower()}"
        if name == "core.excludesfile":
            yield _value(setting[2])
        elif name == "include.path" and depth < _DEEPEST_INCLUDE:
            included = _expanded(_value(setting[2]), variables, path.parent)
            if included is not None:
                yield from _values(included, variables, depth + 1)


def _lines(path: Path) -> list[str]:
    with suppress(OSError, UnicodeDecodeError), path.open("rb") as file:
        return file.read(_LARGEST).decode("utf-8").splitlines()
    return []


def _value(written: str) -> str:
    """A value without its quotes and without a trailing comment."""
    value = ""
    quoted = False
    position = 0
    while position < len(written):
        character = written[position]
        if character == "\\":
            value += written[position + 1 : position + 2]
            position += 1
        elif character == '"':
            quoted = not quoted
        elif character in "#;" and not quoted:
            break
        else:
            value += character
        position += 1
    return value if quoted or written.endswith('"') else value.rstrip()


def _expanded(value: str, variables: Mapping[str, str], base: Path | None) -> Path | None:
    if value.startswith("~/"):
        home = variables.get("HOME")
        return Path(home) / value[2:] if home else None
    if not value or value.startswith("~"):
        return None
    path = Path(value)
    if path.is_absolute():
        return path
    return None if base is None else base / path
