"""Context fields of log lines: the current run, task and attempt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_FIELDS: ContextVar[Mapping[str, object] | None] = ContextVar("kodit_log_fields", default=None)


def log_fields() -> Mapping[str, object]:
    """The fields that apply to the current task or thread."""
    return _FIELDS.get() or {}


@contextmanager
def log_context(**fields: object) -> Iterator[None]:
    """Add fields to every line that is logged inside the block, including threads that it
    starts."""
    token = _FIELDS.set({**log_fields(), **fields})
    try:
        yield
    finally:
        _FIELDS.reset(token)
