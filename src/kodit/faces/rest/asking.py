"""From a request to its caller and application, and from a view to a response."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Request, Response

from kodit.application.services.threads import Lane, in_thread
from kodit.application.views.serialization import to_json
from kodit.composition import Application
from kodit.domain.caller import Caller
from kodit.faces.rest.problems import HEADERS, Refused

CALLER = "kodit.caller"
"""The key under which a listener puts the `Caller` into a scope."""


async def _application(request: Request) -> Application:
    application = request.app.state.application
    if not isinstance(application, Application):
        raise TypeError("the REST application was made without an application")
    return application


async def _caller(request: Request) -> Caller:
    """The caller, as set by the listener; by default, a remote caller who may only read."""
    caller = request.scope.get(CALLER)
    if isinstance(caller, Caller):
        return caller
    policy = (await _application(request)).settings.policy_of_remote_callers
    return Caller(policy, may_write=False)


async def _writer(request: Request) -> Caller:
    caller = await _caller(request)
    if not caller.may_write:
        raise Refused(
            "caller_may_not_write",
            "this caller may only read, and the request would change something",
        )
    return caller


# These are coroutines, as FastAPI runs plain functions in threads.
ApplicationOf = Annotated[Application, Depends(_application)]
CallerOf = Annotated[Caller, Depends(_caller)]
Writer = Annotated[Caller, Depends(_writer)]
"""A caller who may write; any other caller is refused before anything is read."""


async def answer(
    view: Any, status: HTTPStatus = HTTPStatus.OK, headers: dict[str, str] | None = None
) -> Response:
    """A view as JSON, made in a thread, because a listing may be long and other requests wait for
    the event loop."""
    text = await in_thread(lambda: json.dumps(to_json(view), separators=(",", ":")), Lane.READS)
    return Response(text, status, {**HEADERS, **(headers or {})}, "application/json")
