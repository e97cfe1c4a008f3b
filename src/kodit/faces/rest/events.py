"""Changes of runs and indexes, as server-sent events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from pydantic import Field

from kodit.application.services.events.event_feed import DeliveredEvent, EventFeed, EventFilter
from kodit.application.views.serialization import to_json
from kodit.faces.rest.asking import ApplicationOf, CallerOf
from kodit.faces.rest.parameters import Identifiers, InQuery
from kodit.faces.rest.problems import documented

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

router = APIRouter(tags=["events"])

MEDIA_TYPE = "text/event-stream"
EVENT_SCHEMA: Mapping[str, Any] = MappingProxyType(
    {
        "title": "Event",
        "type": "object",
        "properties": {
            "event": {"type": "string", "enum": ["run", "task", "index"]},
            "data": {"type": "string"},
            "id": {"type": "string"},
        },
        "required": ["event", "data"],
    }
)
KEEP_ALIVE_SECONDS = 15.0
"""How long the stream may be silent before a comment shows that it is alive."""


class EventsInQuery(InQuery):
    """Which events to send."""

    indexes: Identifiers = Field([], description="Only events of these indexes.")
    runs: Identifiers = Field([], description="Only events of these runs and their tasks.")


class _EventStream(Response):
    """Events as they happen, as long as the client reads them. Unread events are not buffered:
    later the client receives the state at that time."""

    media_type = MEDIA_TYPE

    def __init__(self, feed: EventFeed, wanted: EventFilter, mark: str | None) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._feed = feed
        self._wanted = wanted
        self._mark = mark

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        async with self._feed.reading(self._wanted, self._mark) as reader:
            start = {"type": "http.response.start", "status": self.status_code}
            await send({**start, "headers": self.raw_headers})
            while True:
                told = await reader.read(KEEP_ALIVE_SECONDS)
                body = b"".join(map(_written, told)) or KEEPALIVE_COMMENT
                await send({"type": "http.response.body", "body": body, "more_body": True})


def _written(told: DeliveredEvent) -> bytes:
    return format_sse_event(
        event=told.about.kind,
        data_str=json.dumps(to_json(told.about.data), separators=(",", ":")),
        id=told.mark,
    )


@router.get(
    "/events",
    response_class=Response,
    responses={
        200: {
            "description": "An endless stream; `data` is JSON",
            "content": {MEDIA_TYPE: {"schema": dict(EVENT_SCHEMA)}},
        },
        **documented(),
    },
)
async def follow_events(
    application: ApplicationOf,
    _caller: CallerOf,
    parameters: Annotated[EventsInQuery, Query()],
    last_event_id: Annotated[
        str | None,
        Header(description="The `id` of the last event that was read; only newer events follow."),
    ] = None,
) -> Response:
    """Server-sent events: `run` with a run, `task` with a task and its run, and `index` with the
    standing of an index. The current state comes first, then changes as they happen. A slow reader
    gets fewer events, but always the last one of each run."""
    wanted = EventFilter(tuple(parameters.indexes), tuple(parameters.runs))
    return _EventStream(application.events, wanted, last_event_id)
