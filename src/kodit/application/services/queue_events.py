"""Log lines about the queue, written when their transaction has been committed: a transaction that
was rolled back did nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from kodit.domain.entities import IndexRun

log = logging.getLogger(__name__)

_PENDING: ContextVar[list[tuple[str, dict[str, object]]] | None] = ContextVar(
    "kodit_queue_events", default=None
)


@contextmanager
def events_logged_on_success() -> Iterator[None]:
    """Log the events of the block at its end, and none of them if it fails."""
    pending: list[tuple[str, dict[str, object]]] = []
    token = _PENDING.set(pending)
    try:
        yield
    finally:
        _PENDING.reset(token)
    for event, fields in pending:
        log.info(event, extra=fields)


def record_event(event: str, run: IndexRun | None = None, **fields: object) -> None:
    """Record an event of a run, or of the queue; within `events_logged_on_success`."""
    pending = _PENDING.get()
    if pending is not None:
        about = {} if run is None else {"run": run.id, "index": run.index_id}
        pending.append((event, about | fields))
