"""What can be set from outside: by an option, an environment variable, or a `.env` file."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any

from kodit.domain.claiming import QueueOrder
from kodit.domain.errors import UserError
from kodit.domain.value_objects import TaskType

PREFIX = "KODIT_"
LARGEST_NUMBER = 1_000_000_000
"""For any setting: as seconds, thirty years."""


class LogLevel(StrEnum):
    """From which level on log lines are written."""

    AUTO = "auto"
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Settings:
    """Every setting with its default. Each may be set as `KODIT_` and its name in capitals."""

    data_dir: Path = Path("~/.kodit")
    """Holds everything Kodit writes."""
    worker_slots: int = 2
    """How many tasks one worker runs at once."""
    lease_seconds: float = 60.0
    """How long a worker holds a task without renewing its claim; at least two heartbeats."""
    heartbeat_seconds: float = 15.0
    """How often a worker renews the claims it holds."""
    stall_seconds: float = 180.0
    """How long a task may show no progress before it is ended and tried again."""
    max_failures: int = 5
    """How many times in a row a task may fail in passing before it fails for good."""
    git_answer_seconds: float = 60.0
    """How long a git server may be silent when it is asked what it holds."""
    queue_order: QueueOrder = QueueOrder.PRIORITY
    """`priority`, or `run_first`: finish the runs that have started before others are started."""
    task_limits: Mapping[TaskType, int] = field(default_factory=dict)
    """How many tasks of a type may run at once over all workers, as in `ENRICH=1,SYNC=4`."""
    keep_runs: int = 20
    """How many runs of an index are kept, however old they are."""
    keep_days: float = 14.0
    """For how many days every run is kept."""
    sync_every_seconds: float | None = field(default=None, metadata={"kind": float})
    """How often `kodit worker` brings every index up to date; never, unless this is set."""
    log_level: LogLevel = LogLevel.AUTO
    """What is written to standard error: `debug`, `info`, `warning` or `error`; `auto` is `info`
    for `kodit worker` and `error` elsewhere, where what failed is told in a sentence."""

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None, **options: Any) -> Settings:
        """Options first, then the environment, then `.env` of the current folder, then defaults.

        Raises UserError, naming the variable, for a value that cannot be used.
        """
        values: dict[str, Any] = {}
        found = _dotenv() | dict(os.environ if environment is None else environment)
        for setting in fields(cls):
            name = f"{PREFIX}{setting.name.upper()}"
            text = found.get(name)
            if text:
                kind = setting.metadata.get("kind", type(setting.default))
                values[setting.name] = (
                    _limits(name, text)
                    if setting.name == "task_limits"
                    else _convert(name, text, kind)
                )
        values.update((name, value) for name, value in options.items() if value is not None)
        data_dir = values.get("data_dir", cls.data_dir)
        if not str(data_dir).strip():  # to `Path` it would be the current folder
            raise UserError("the data directory has no name; give a folder, or none at all")
        values["data_dir"] = Path(data_dir).expanduser().absolute()
        settings = cls(**values)
        if settings.lease_seconds < 2 * settings.heartbeat_seconds:
            raise UserError(
                f"{PREFIX}LEASE_SECONDS ({settings.lease_seconds:g}) must be at least twice "
                f"{PREFIX}HEARTBEAT_SECONDS ({settings.heartbeat_seconds:g}): a worker would lose "
                "what it is working on"
            )
        return settings


def _dotenv() -> dict[str, str]:
    """The Kodit variables of `.env`, which may belong to another program altogether."""
    if not Path(".env").is_file():
        return {}
    from dotenv import dotenv_values  # noqa: PLC0415 - most folders have no such file

    text = io.StringIO(Path(".env").read_text("utf-8", errors="replace"))
    return {
        name: value
        for name, value in dotenv_values(stream=text, interpolate=False).items()
        if name.startswith(PREFIX) and value
    }


def _convert(name: str, text: str, kind: type[Any]) -> Any:
    if issubclass(kind, Path):
        return Path(text)
    if issubclass(kind, Enum):
        try:
            return kind(text.lower())
        except ValueError:
            choices = ", ".join(str(choice) for choice in kind)
            raise UserError(f"{name} must be one of {choices}, not {text!r}") from None
    try:
        value = kind(text)
    except ValueError:
        raise UserError(f"{name} must be a number, not {text!r}") from None
    if isinstance(value, (int, float)) and not 0 < value <= LARGEST_NUMBER:
        raise UserError(
            f"{name} must be larger than 0 and at most {LARGEST_NUMBER:,}, not {text!r}"
        )
    return value


def _limits(name: str, text: str) -> dict[TaskType, int]:
    """`TYPE=NUMBER` pairs, separated by commas."""
    limits = {}
    for pair in text.split(","):
        task_type, _, number = (part.strip() for part in pair.partition("="))
        if task_type.upper() not in TaskType.__members__:
            types = ", ".join(TaskType.__members__)
            raise UserError(
                f"{name} must be pairs like ENRICH=1, separated by commas, of the types {types}; "
                f"{pair.strip()!r} is not"
            )
        limits[TaskType[task_type.upper()]] = _convert(f"{name} of {task_type}", number, int)
    return limits
