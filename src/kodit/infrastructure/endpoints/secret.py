"""Keys of endpoints: given themselves, or as the name of a variable or a file that holds them."""

from __future__ import annotations

import os
import re
from pathlib import Path

from kodit.domain.errors import PermanentError
from kodit.infrastructure.home import expand_home

_ENVIRONMENT = re.compile(r"env:(?P<name>[A-Za-z_][A-Za-z0-9_]*)")
_LARGEST_FILE_BYTES = 16_384


def secret_of(setting: str, text: str) -> str:
    """The secret that a setting holds or refers to: `env:NAME`, `file:/path`, or the secret. It is
    read anew each time, so that it can be replaced while a server runs.

    Raises PermanentError, without the secret, if it cannot be found or sent in a header.
    """
    environment = _ENVIRONMENT.fullmatch(text)
    if environment is not None:
        secret = os.environ.get(environment["name"], "").strip()
        if not secret:
            raise PermanentError(
                f"{setting} names the environment variable {environment['name']}, which is not set "
                "where the worker runs",
                code="endpoint_key_missing",
                variable=environment["name"],
            )
    elif text.startswith("file:"):
        secret = _from_file(setting, text.removeprefix("file:"))
    else:
        secret = text
    if not (secret.isascii() and secret.isprintable()):
        raise PermanentError(
            f"{setting} holds characters that cannot be sent as a key",
            code="endpoint_key_missing",
        )
    return secret


def _from_file(setting: str, name: str) -> str:
    try:
        path = expand_home(Path(name.removeprefix("//")))
        with path.open("rb") as file:
            secret = file.read(_LARGEST_FILE_BYTES).decode().strip()
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise PermanentError(
            f"the key file that {setting} names cannot be read: {reason}",
            code="endpoint_key_missing",
        ) from None
    if not secret:
        raise PermanentError(
            f"the key file that {setting} names is empty", code="endpoint_key_missing"
        )
    return secret
