"""Log lines: one event per line, as `name=value` pairs, on standard error.

    time=2026-11-22T18:04:05.123Z level=info logger=kodit.worker event="task ended" run=7 task=31
    claim_no=1 type=SYNC worker=host-812-9f outcome=succeeded seconds=0.412

The event comes first, then the fields of the context (run, task, attempt), then those of the call,
given as `extra`. Values with a space, quote or control character are JSON strings, so that nothing
from a repository can forge a line.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import TextIO

from kodit.application.log_context import log_fields

_PLAIN = re.compile(r"[^\s\"=]+")
_CREDENTIALS = re.compile(r"(\w://)[^/\s@]+@")
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class KeyValueFormatter(logging.Formatter):
    """Formats a record as one line of `name=value` pairs, without credentials in URLs."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        fields: dict[str, object] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **log_fields(),
            **{name: value for name, value in vars(record).items() if name not in _STANDARD},
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return " ".join(f"{name}={_written(value)}" for name, value in fields.items())


def _written(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    text = _CREDENTIALS.sub(r"\1", str(value))
    return text if text.isprintable() and _PLAIN.fullmatch(text) else json.dumps(text)


def configure_logs(level: str, stream: TextIO | None = None) -> None:
    """Write Kodit's log records from `level` on, and those of other libraries from `warning` on;
    logging is configured only here.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(KeyValueFormatter())
    root = logging.getLogger()
    for old in root.handlers[:]:
        if isinstance(old.formatter, KeyValueFormatter):
            root.removeHandler(old)
    root.addHandler(handler)
    logging.getLogger("kodit").setLevel(level.upper())
