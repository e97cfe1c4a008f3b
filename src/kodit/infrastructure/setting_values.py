"""Parsing settings that are lists, folders and hosts.

Each function takes the name of the setting for its error message, and the text, and raises
SettingError for an invalid value.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from kodit.domain.descriptions.kinds import ALL_KINDS, DescriptionKind
from kodit.domain.errors import SettingError
from kodit.domain.policy import AllowedCredentials
from kodit.domain.value_objects import TaskType
from kodit.infrastructure.home import expand_home

LARGEST_NUMBER = 1_000_000_000
"""For any setting: as seconds, thirty years."""
_YES = ("1", "true", "yes", "on")
_NO = ("0", "false", "no", "off")


def folders_in(name: str, text: str) -> tuple[Path, ...]:
    """Absolute paths with all symbolic links resolved, so that they can be compared."""
    folders = []
    for part in text.replace(os.pathsep, ",").split(","):
        if not part.strip():
            continue
        try:
            path = expand_home(Path(part.strip()))
            if not path.is_absolute():
                raise SettingError(f"{name} must be absolute paths; {part.strip()!r} is not one")
            folders.append(Path(os.path.realpath(path)))
        except (OSError, RuntimeError, ValueError):
            raise SettingError(f"{name} names {part.strip()!r}, which is not a path") from None
    return tuple(folders)


def credentials_in(name: str, text: str) -> tuple[AllowedCredentials, ...]:
    allowed = []
    for part in text.split(","):
        if not part.strip():
            continue
        one = AllowedCredentials.parse(part.strip())
        if one is None:
            # The value may be the secret itself.
            raise SettingError(f"{name} must be references like env:TOKEN@git.example.org")
        allowed.append(one)
    return tuple(allowed)


def sources_in(_name: str, text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in re.split(r"[,\n]", text) if part.strip())


def file_at(name: str, text: str) -> Path:
    try:
        path = expand_home(Path(text.strip()))
    except RuntimeError:
        raise SettingError(f"{name} names the home folder of an unknown user") from None
    if not path.is_absolute():
        raise SettingError(f"{name} must be an absolute path; {text.strip()!r} is not one")
    return path


def hosts_in(name: str, text: str) -> tuple[str, ...]:
    """Names and addresses, without ports."""
    hosts = []
    for part in text.split(","):
        host = part.strip().lower().strip("[]")
        if not host:
            continue
        if re.fullmatch(r"[a-z0-9._-]+|[0-9a-f.]*(:[0-9a-f.]*){2,7}", host) is None:
            raise SettingError(
                f"{name} must be names of hosts without scheme and port, such as "
                f"kodit.example.org; {part.strip()!r} is not one"
            )
        hosts.append(host)
    return tuple(hosts)


def descriptions_in(name: str, text: str) -> tuple[DescriptionKind, ...]:
    """Kinds of descriptions, each once, in their usual order; `all` and `none` stand alone."""
    words = [part.strip().lower() for part in text.split(",") if part.strip()]
    if words in (["none"], ["all"]):
        return ALL_KINDS if words == ["all"] else ()
    for word in words:
        if word not in ALL_KINDS:
            raise SettingError(
                f"{name} must be some of {', '.join(ALL_KINDS)}, separated by commas, or none; "
                f"{word!r} is not"
            )
    return tuple(kind for kind in ALL_KINDS if kind in words)


def number_in(name: str, text: str, kind: Any) -> Any:
    try:
        value = kind(text)
    except ValueError:
        raise SettingError(f"{name} must be a number, not {text!r}") from None
    if not 0 < value <= LARGEST_NUMBER:
        raise SettingError(
            f"{name} must be larger than 0 and at most {LARGEST_NUMBER:,}, not {text!r}"
        )
    return value


def truth_in(name: str, text: str) -> bool:
    if text.strip().lower() not in _YES + _NO:
        raise SettingError(f"{name} must be true or false, not {text!r}")
    return text.strip().lower() in _YES


def limits_in(name: str, text: str) -> dict[TaskType, int]:
    """`TYPE=NUMBER` pairs, separated by commas."""
    limits = {}
    for pair in text.split(","):
        task_type, _, number = (part.strip() for part in pair.partition("="))
        if task_type.upper() not in TaskType.__members__:
            types = ", ".join(TaskType.__members__)
            raise SettingError(
                f"{name} must be pairs like ENRICH=1, separated by commas, of the types {types}; "
                f"{pair.strip()!r} is not"
            )
        limits[TaskType[task_type.upper()]] = number_in(f"{name} of {task_type}", number, int)
    return limits
