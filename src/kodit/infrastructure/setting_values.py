"""Parsing settings that are lists, folders and hosts.

Each function takes the name of the setting for its error message, and the text, and raises
SettingError for an invalid value.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from kodit.domain.descriptions.kinds import ALL_KINDS, DescriptionKind
from kodit.domain.errors import SettingError
from kodit.domain.policy import AllowedCredentials
from kodit.infrastructure.home import expand_home


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
        if re.fullmatch(r"[a-z0-9._-]+|[0-9a-f:.]+", host) is None:
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
