"""What can be set from outside: by an option, an environment variable, or a `.env` file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from kodit.domain.errors import UserError

PREFIX = "KODIT_"


@dataclass(frozen=True)
class Settings:
    """Every setting with its default. Each may be set as `KODIT_` and its name in capitals."""

    data_dir: Path = Path("~/.kodit")
    """Holds everything Kodit writes."""
    worker_slots: int = 2
    """How many tasks one worker runs at once."""
    lease_seconds: float = 60.0
    """How long a worker holds a task without renewing its claim."""
    heartbeat_seconds: float = 15.0
    """How often a worker renews the claims it holds."""
    stall_seconds: float = 180.0
    """How long a task may show no progress before it is ended and tried again."""
    max_failures: int = 5
    """How many times in a row a task may fail in passing before it fails for good."""
    log_level: str = "warning"
    """What is written to standard error: debug, info, warning or error."""

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None, **options: Any) -> Settings:
        """Options first, then the environment, then `.env` of the current folder, then defaults.

        Raises UserError, naming the variable, for a value that cannot be used.
        """
        values: dict[str, Any] = {}
        found = _dotenv() | dict(os.environ if environment is None else environment)
        for field in fields(cls):
            name = f"{PREFIX}{field.name.upper()}"
            text = found.get(name)
            if text:
                values[field.name] = _convert(name, text, type(field.default))
        values.update((name, value) for name, value in options.items() if value is not None)
        values["data_dir"] = Path(values.get("data_dir", cls.data_dir)).expanduser().absolute()
        return cls(**values)


def _dotenv() -> dict[str, str]:
    """The Kodit variables of `.env`, which may belong to another program altogether."""
    if not Path(".env").is_file():
        return {}
    from dotenv import dotenv_values  # noqa: PLC0415 - most folders have no such file

    return {
        name: value
        for name, value in dotenv_values(".env", interpolate=False).items()
        if name.startswith(PREFIX) and value
    }


def _convert(name: str, text: str, kind: type[Any]) -> Any:
    if issubclass(kind, Path):
        return Path(text)
    try:
        value = kind(text)
    except ValueError:
        raise UserError(f"{name} must be a number, not {text!r}") from None
    if isinstance(value, (int, float)) and value <= 0:
        raise UserError(f"{name} must be larger than 0, not {text!r}")
    return value
