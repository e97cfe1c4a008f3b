"""Refusals as problem details (RFC 9457): one status for each code."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.routing import Match

from kodit.domain.errors import KoditError, TransientError, UserError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
HEADERS: Mapping[str, str] = MappingProxyType(
    {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
)
"""Headers of every answer of the API: it may soon be outdated, and is not a page to display."""


class _Code(NamedTuple):
    status: HTTPStatus
    about: str


CODES: Mapping[str, _Code] = MappingProxyType(
    {
        "request_invalid": _Code(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "A parameter is missing, unknown, or does not match its schema; `errors` lists all.",
        ),
        "cursor_invalid": _Code(
            HTTPStatus.BAD_REQUEST, "The cursor belongs to another question or an older version."
        ),
        "caller_may_not_write": _Code(HTTPStatus.FORBIDDEN, "The caller may only read."),
        "refused_by_policy": _Code(
            HTTPStatus.FORBIDDEN,
            "The caller may not name this folder, address or variable, whether it exists or not.",
        ),
        "file_left_out": _Code(
            HTTPStatus.NOT_FOUND, "The file exists but is left out of the index; `reason` says why."
        ),
        "file_in_no_index": _Code(HTTPStatus.NOT_FOUND, "No index has a file of this path."),
        "file_misnamed": _Code(
            HTTPStatus.NOT_FOUND, "No file has this path; others have similar names."
        ),
        "file_not_found": _Code(HTTPStatus.NOT_FOUND, "No file of the index has this path."),
        "file_not_indexed_yet": _Code(
            HTTPStatus.NOT_FOUND, "The file is not in the index yet; indexing is not complete."
        ),
        "file_without_snippets": _Code(HTTPStatus.NOT_FOUND, "The file has nothing to compare."),
        "folder_missing": _Code(HTTPStatus.NOT_FOUND, "The folder does not exist."),
        "index_not_found": _Code(HTTPStatus.NOT_FOUND, "No index has this identifier or name."),
        "line_not_found": _Code(HTTPStatus.NOT_FOUND, "The file ends before this line."),
        "name_not_found": _Code(
            HTTPStatus.NOT_FOUND, "No definition, table or commit has this name."
        ),
        "not_found": _Code(HTTPStatus.NOT_FOUND, "There is nothing at this path."),
        "run_not_found": _Code(HTTPStatus.NOT_FOUND, "No run has this identifier."),
        "source_not_indexed": _Code(HTTPStatus.NOT_FOUND, "The source has no index."),
        "task_not_found": _Code(HTTPStatus.NOT_FOUND, "No task has this identifier."),
        "method_not_allowed": _Code(
            HTTPStatus.METHOD_NOT_ALLOWED,
            "The path does not support this method; `Allow` lists those it supports.",
        ),
        "access_refused": _Code(
            HTTPStatus.CONFLICT,
            "The server of the source refuses access without other credentials.",
        ),
        "choice_invalid": _Code(HTTPStatus.CONFLICT, "There is no such mode, kind or state."),
        "clone_damaged": _Code(
            HTTPStatus.CONFLICT,
            "The clone of a git source cannot be read; bringing the index up to date repairs it.",
        ),
        "credentials_missing": _Code(
            HTTPStatus.CONFLICT,
            "The secret of the source is no longer stored, or was given for another server.",
        ),
        "certificate_refused": _Code(
            HTTPStatus.CONFLICT, "The TLS certificate of the source's server is not accepted."
        ),
        "credentials_invalid": _Code(HTTPStatus.CONFLICT, "Credentials must be given as env:NAME."),
        "credentials_not_given": _Code(
            HTTPStatus.CONFLICT, "The variable was not given for the server of the source."
        ),
        "default_branch_missing": _Code(
            HTTPStatus.CONFLICT, "The repository has no default branch, and no ref is named."
        ),
        "host_key_unknown": _Code(
            HTTPStatus.CONFLICT, "The ssh host key of the source's server is not known."
        ),
        "redirect_refused": _Code(
            HTTPStatus.CONFLICT, "The server of the source redirects to another address."
        ),
        "ref_not_found": _Code(
            HTTPStatus.CONFLICT, "The repository has no such branch, tag or commit."
        ),
        "repository_damaged": _Code(
            HTTPStatus.CONFLICT, "The repository is missing objects that it refers to."
        ),
        "repository_not_found": _Code(
            HTTPStatus.CONFLICT, "The source is not a git repository, or needs credentials."
        ),
        "repository_unsupported": _Code(
            HTTPStatus.CONFLICT, "The repository has a format that cannot be read."
        ),
        "ssh_key_refused": _Code(
            HTTPStatus.CONFLICT, "The server of the source accepts no ssh key."
        ),
        "transport_refused": _Code(
            HTTPStatus.CONFLICT, "The source uses a git transport that is not allowed."
        ),
        "variable_unusable": _Code(
            HTTPStatus.CONFLICT, "The variable that holds the secret is not set, or not usable."
        ),
        "expression_invalid": _Code(
            HTTPStatus.CONFLICT, "The pattern is not a regular expression of RE2."
        ),
        "file_unreadable": _Code(
            HTTPStatus.CONFLICT, "The file is indexed, but can no longer be read."
        ),
        "glob_invalid": _Code(HTTPStatus.CONFLICT, "A glob can match no file."),
        "grep_too_slow": _Code(HTTPStatus.CONFLICT, "The lines could not be searched in time."),
        "index_deleted": _Code(HTTPStatus.CONFLICT, "The index was deleted in the meantime."),
        "index_incomplete": _Code(HTTPStatus.CONFLICT, "The index is not complete yet."),
        "keyword_index_unreadable": _Code(HTTPStatus.CONFLICT, "The keyword index cannot be read."),
        "kind_turned_off": _Code(
            HTTPStatus.CONFLICT, "The server makes no descriptions of this kind."
        ),
        "subject_missing": _Code(
            HTTPStatus.CONFLICT, "Descriptions of this kind need a `subject`."
        ),
        "language_unknown": _Code(HTTPStatus.CONFLICT, "No file is in this language."),
        "lines_invalid": _Code(HTTPStatus.CONFLICT, "The last line comes before the first."),
        "query_invalid": _Code(HTTPStatus.CONFLICT, "The question is not valid."),
        "request_refused": _Code(HTTPStatus.CONFLICT, "The request is not valid."),
        "run_has_ended": _Code(HTTPStatus.CONFLICT, "The run has ended and cannot be cancelled."),
        "run_has_succeeded": _Code(
            HTTPStatus.CONFLICT, "The run has succeeded: there is nothing to retry."
        ),
        "run_under_way": _Code(
            HTTPStatus.CONFLICT, "The run, or another one of its index, is in progress."
        ),
        "source_invalid": _Code(
            HTTPStatus.CONFLICT, "The source is neither a git URL nor a folder that can be indexed."
        ),
        "nothing_indexed": _Code(HTTPStatus.NOT_FOUND, "There is no index yet."),
        "sources_several": _Code(HTTPStatus.CONFLICT, "Several indexes have a file of this path."),
        "source_ambiguous": _Code(
            HTTPStatus.CONFLICT, "The name could mean several indexes; `detail` lists them."
        ),
        "source_broad": _Code(
            HTTPStatus.CONFLICT, "The folder holds much more than code, as `/` does."
        ),
        "source_is_part": _Code(
            HTTPStatus.CONFLICT, "This is part of an index, and the request would affect all of it."
        ),
        "source_refused": _Code(HTTPStatus.CONFLICT, "The source cannot be read."),
        "sync_every_invalid": _Code(
            HTTPStatus.CONFLICT, "The interval between two syncs is too short or too long."
        ),
        "internal_error": _Code(
            HTTPStatus.INTERNAL_SERVER_ERROR, "The server failed; its log says why."
        ),
        "clone_unreadable": _Code(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The clone of a git source cannot be read at the moment.",
        ),
        "clone_unwritable": _Code(
            HTTPStatus.SERVICE_UNAVAILABLE, "The clone of a git source cannot be written."
        ),
        "disk_full": _Code(HTTPStatus.SERVICE_UNAVAILABLE, "The disk of the server is full."),
        "git_failed": _Code(
            HTTPStatus.SERVICE_UNAVAILABLE, "git failed; trying again may succeed."
        ),
        "source_unreachable": _Code(
            HTTPStatus.SERVICE_UNAVAILABLE, "The server of the source does not answer."
        ),
        "database_newer": _Code(
            HTTPStatus.SERVICE_UNAVAILABLE, "The database was written by a newer version."
        ),
        "stalled": _Code(
            HTTPStatus.SERVICE_UNAVAILABLE, "A child process made no progress and was stopped."
        ),
        "unavailable": _Code(
            HTTPStatus.SERVICE_UNAVAILABLE, "Trying again may succeed; `Retry-After` says when."
        ),
    }
)
"""A malformed request is 422. One that is well-formed but refused is 403, 404 or 409, or 400 if its
cursor belongs to another question."""

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
