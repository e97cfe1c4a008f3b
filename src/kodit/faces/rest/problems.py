"""Refusals as problem details (RFC 9457): one status for each code."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.routing import Match

from kodit.domain.errors import KoditError, TransientError, UserError
from kodit.faces.rest.codes import CODES

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
HEADERS: Mapping[str, str] = MappingProxyType(
    {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
)
"""Headers of every answer of the API: it may soon be outdated, and is not a page to display."""


_OF_ERRORS = CODES.keys() - {"request_invalid", "internal_error"}
"""The codes of errors; the two others are assigned here."""
_INTERNAL = "the server failed to answer; its log says why"
_MEMBERS = ("type", "title", "status", "detail", "code")

PROBLEM_SCHEMA: Mapping[str, Any] = MappingProxyType(
    {
        "title": "Problem",
        "description": "Why a request was refused, as an RFC 9457 problem. Further members have "
        "the values that the code is about, such as `index` or `path`.",
        "type": "object",
        "properties": {
            "type": {"type": "string", "description": "Always `about:blank`."},
            "title": {"type": "string", "description": "The reason phrase of the status."},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "One sentence for people to read."},
            "code": {"type": "string", "description": "A stable code that programs may rely on."},
        },
        "required": list(_MEMBERS),
    }
)


class Refused(Exception):  # noqa: N818 - an outcome that is raised as an exception
    """A request that this face itself refuses."""

    def __init__(self, code: str, detail: str, **fields: Any) -> None:
        super().__init__(detail)
        self.code = code
        self.fields = fields


def problem(
    code: str,
    detail: str,
    fields: Mapping[str, Any] = MappingProxyType({}),
    headers: Mapping[str, str] | None = None,
    status: HTTPStatus | None = None,
) -> Response:
    """The answer to a refused request; without a `status`, that of the code."""
    status = status or CODES[code].status
    body = {
        **fields,  # which cannot replace those below
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "code": code,
    }
    return Response(json.dumps(body), status, {**HEADERS, **(headers or {})}, MEDIA_TYPE)


def documented(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI description of these problems, and of those that any request may cause."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    known: dict[int | str, dict[str, Any]] = {
        str(status.value): {"description": status.phrase, "content": content}
        for status in sorted({*statuses, HTTPStatus.UNPROCESSABLE_ENTITY})
    }
    return {**known, "default": {"description": "Any other problem", "content": content}}


def answer_problems(app: FastAPI) -> None:
    """Make an application answer with problem details, whatever goes wrong."""
    app.add_exception_handler(KoditError, _of_error)
    app.add_exception_handler(Refused, _of_refusal)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_middleware(_Unforeseen)


class _Unforeseen:
    """Answers unexpected errors: the log gets all details, and the client a sentence."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_started = False

        async def sending(message: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception:
            if has_started or scope["type"] != "http":
                raise
            log.exception("a request failed", extra={"path": scope["path"]})
            await problem("internal_error", _INTERNAL)(scope, receive, send)


def _of_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, KoditError):
        raise error
    code = error.code if error.code in _OF_ERRORS else _kind_of(error)
    if code == "internal_error":
        log.error("a request failed", extra={"path": request.url.path}, exc_info=error)
        return problem(code, _INTERNAL)
    headers = {}
    if isinstance(error, TransientError):
        headers["Retry-After"] = str(math.ceil(error.retry_after_seconds or 1))
    fields = {name: value for name, value in error.fields.items() if value is not None}
    return problem(code, _sentence(str(error)), fields, headers)


def _kind_of(error: KoditError) -> str:
    """The code of its class, for an error whose own code has no status."""
    classes = (kind for kind in type(error).__mro__ if issubclass(kind, KoditError))
    otherwise = "request_refused" if isinstance(error, UserError) else "internal_error"
    codes = (kind.default_code for kind in classes)
    return next((code for code in codes if code in _OF_ERRORS), otherwise)


def _of_refusal(_request: Request, refusal: Exception) -> Response:
    if not isinstance(refusal, Refused):
        raise refusal
    return problem(refusal.code, str(refusal), refusal.fields)


def _of_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = ", ".join(_methods_of(request))
        detail = f"{request.method} is not allowed for this path; use {allowed}"
        return problem("method_not_allowed", detail, headers={"Allow": allowed})
    if error.status_code == HTTPStatus.NOT_FOUND:
        return problem("not_found", "there is nothing at this path; /docs lists all paths")
    return problem(
        "request_invalid", _sentence(str(error.detail)), status=HTTPStatus(error.status_code)
    )


def _methods_of(request: Request) -> list[str]:
    """All methods of a path, whichever of its routes answers."""
    found: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        if route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return sorted(found)


def _of_validation(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    errors = [{"where": _location(one["loc"]), "what": _description(one)} for one in error.errors()]
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return problem("request_invalid", f"{first['what']}{more}", {"errors": errors})


def _location(place: Sequence[Any]) -> str:
    """`query.limit`, without parts that the client has sent."""
    return ".".join(str(part)[:40] for part in place)


def _description(error: Mapping[str, Any]) -> str:
    name = str(error["loc"][-1] if error["loc"] else "request")[:40]
    if isinstance(error["loc"][-1], int) and len(error["loc"]) > 1:
        name = str(error["loc"][-2])[:40]
    about = error.get("ctx", {})
    match error["type"]:
        case "missing":
            what = "the body is missing" if error["loc"] == ("body",) else f"{name} is missing"
        case "extra_forbidden":
            what = str(error["msg"])
        case "less_than_equal":
            what = f"{name} must be at most {about['le']:,}"
        case "greater_than_equal":
            what = f"{name} must be at least {about['ge']:,}"
        case "string_too_long" | "too_long":
            unit = "characters" if error["type"] == "string_too_long" else "entries"
            what = f"{name} must have at most {about['max_length']:,} {unit}"
        case "string_too_short":
            what = f"{name} must not be empty"
        case "json_invalid":
            what = "the body is not valid JSON"
        case "model_attributes_type" if error["loc"] == ("body",):
            what = "the body must be a JSON object, sent as `Content-Type: application/json`"
        case "string_pattern_mismatch" if name == "lines":
            what = "lines must be a range such as 30-60, 30- or 30"
        case _:
            sentence = str(error["msg"]).removeprefix("Value error, ")
            what = f"{name}: {sentence[:1].lower()}{sentence[1:]}"
    return what


def _sentence(text: str) -> str:
    return text.removesuffix(".") or "the request is refused"
