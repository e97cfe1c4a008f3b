"""Log lines about the queue, written when their transaction has been committed: a transaction that
was rolled back did nothing."""

from __future__ import annotations

import logging
from contextvars import ContextVar

from kodit.domain.entities import IndexRun

log = logging.getLogger(__name__)

_PENDING: ContextVar[list[tuple[str, dict[str, object]]] | None] = ContextVar(
    "kodit_queue_events", default=None
)


class events_logged_on_success:  # noqa: N801 - used like a function
    """Log the events of the block at its end, and none of them if it fails."""

    __slots__ = ("_pending", "_token")

    def __enter__(self) -> None:
        self._pending: list[tuple[str, dict[str, object]]] = []
        self._token = _PENDING.set(self._pending)

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        _PENDING.reset(self._token)
        if kind is None:
            for event, fields in self._pending:
                log.info(event, extra=fields)


def record_event(event: str, run: IndexRun | None = None, **fields: object) -> None:
    """Record an event of a run, or of the queue; within `events_logged_on_success`."""
    pending = _PENDING.get()
    if pending is not None:
        about = {} if run is None else {"run": run.id, "index": run.index_id}
        pending.append((event, about | fields))
