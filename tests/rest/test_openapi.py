"""The documentation matches the server: OpenAPI, its page, and docs/rest.md."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import fields, is_dataclass
from html.parser import HTMLParser
from http import HTTPStatus
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from tests.documentation.test_documentation import _compare
from tests.support.rest import Rest

import kodit
from kodit.application.views import events, files, indexes, runs, search, standing
from kodit.faces.rest.codes import CODES
from kodit.faces.rest.parameters import LARGEST_IDENTIFIER

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "rest.md"

INTRODUCTION = """ `kodit serve` provides the API at `/api/v1`. Answers are JSON: the same objects
that the commands print with `--json`. `/openapi.json` describes everything in detail, and `/docs`
shows it in a browser, without requests to any other host. `/healthz` and `/readyz` need no key:
`/healthz` answers while the server runs, and `/readyz` tells whether it is ready.

A parameter that may be given several times is repeated in a query string
(`languages=c&languages=go`) and is a list in a body. A body is JSON and sent as `Content-Type:
application/json`; it may be larger than a query string, in which such a parameter may be given at
most 20 times. No answer has more than 500 results.

If there are more results than fit in an answer, its `next` is a cursor: the same request with
`cursor` continues there. If there are no more, `next` is null. `standing` describes the basis of an
answer: the state of each searched index, and what is missing from it. `file`, the absolute path of
a result, is only for callers over the server's own socket and null for all others.
"""
EVENTS_AND_PROBLEMS = """
## Events

`/api/v1/events` first sends the current state, and then changes. Each event contains the complete
state at its time, so that a missed one does not matter: a slow reader gets fewer events, but always
the end of a run. A `run` event carries a run with its tasks, a `task` event `{run_id, index_id,
task}`, and an `index` event the same object as in `standing`; the state of a deleted index is
`deleted`. A client that reconnects with `Last-Event-ID` gets the changes since then, if the server
still has them, and otherwise the current state. A comment every 15 seconds keeps the connection
open.

## Problems

A refused request is answered by RFC 9457: with the media type `application/problem+json` and the
members `type`, `title`, `status`, `detail` (a sentence), `code`, and the fields of the code. The
status of a malformed request is 422; that of a well-formed but refused one is 403, 404 or 409.
Programs may rely on the codes; sentences may change.
"""

ENDPOINTS = {
    "/api/v1/indexes": ["get", "post"],
    "/api/v1/indexes/{index_id}": ["get", "delete"],
    "/api/v1/indexes/{index_id}/runs": ["post"],
    "/api/v1/indexes/{index_id}/files": ["get"],
    "/api/v1/indexes/{index_id}/files/{path}": ["get"],
    "/api/v1/indexes/{index_id}/outline/{path}": ["get"],
    "/api/v1/indexes/{index_id}/map": ["get"],
    "/api/v1/indexes/{index_id}/descriptions/{kind}": ["get"],
    "/api/v1/runs": ["get"],
    "/api/v1/runs/{run_id}": ["get"],
    "/api/v1/runs/{run_id}/cancel": ["post"],
    "/api/v1/runs/{run_id}/retry": ["post"],
    "/api/v1/queue": ["get"],
    "/api/v1/queue/pause": ["post"],
    "/api/v1/queue/resume": ["post"],
    "/api/v1/search": ["get", "post"],
    "/api/v1/grep": ["post"],
    "/api/v1/symbols": ["get"],
    "/api/v1/related": ["get"],
    "/api/v1/events": ["get"],
    "/metrics": ["get"],
}
READING = ("/api/v1/search", "/api/v1/grep")
"""What may be posted by who may only read."""
SERVER_CODES = {
    "body_too_large": "The body is larger than 1,000,000 bytes or has more than 10,000 chunks.",
    "body_too_slow": "The body has not come in time.",
    "header_too_large": "The header is larger than 65,536 bytes, or has more than 100 fields.",
    "host_refused": "The server is not called by this name; `KODIT_ALLOWED_HOSTS` has its names.",
    "internal_error": "The server failed; its log says why.",
    "key_may_not_write": "The key may only read.",
    "key_missing": "A key is needed, as `Authorization: Bearer KEY` or `X-API-KEY: KEY`.",
    "key_unknown": "The key is not known.",
    "keys_unreadable": "The file of keys cannot be read.",
    "line_too_long": "The address of the request is longer than 262,144 bytes.",
    "method_not_allowed": "The path does not take this method.",
    "origin_refused": "Pages of this host may not use the server.",
    "overloaded": "The server has too much data to receive, or too many connections.",
    "request_too_slow": "There was no answer in time.",
    "program_differs": "The program that asks over the socket is of another version.",
    "request_invalid": "This is not a request of HTTP/1.1, or over the socket not a question.",
    "server_busy": "The server does not end: it is needed.",
    "server_stopping": "The server is stopping.",
}
"""What the server refuses before this face sees it."""


def test_every_endpoint(rest: Rest) -> None:
    openapi = rest.ask("GET", "/openapi.json").json()
    found = {path: list(operations) for path, operations in openapi["paths"].items()}
    assert found == ENDPOINTS
    identifiers = [one["operationId"] for _path, _method, one in operations_of(openapi)]
    assert len(set(identifiers)) == len(identifiers)


def test_bounds_are_described_as_json_schema_has_them(rest: Rest) -> None:
    """Pydantic names the bound of a union in its own way, which clients do not understand."""
    described = json.dumps(rest.app.openapi())
    assert re.findall(r'"(?:ge|gt|le|lt|min_length|max_length)":', described) == []


def test_every_parameter_says_what_it_is(rest: Rest) -> None:
    for path, method, operation in operations_of(rest.app.openapi()):
        assert operation["description"], f"{method} {path}"
        for name, schema, _required, about in parameters_of(rest.app.openapi(), operation):
            assert about, f"{name} of {method} {path}"
            assert schema.get("type") != "null"


def test_what_changes_something_says_that_it_may_be_refused(rest: Rest) -> None:
    for path, method, operation in operations_of(rest.app.openapi()):
        changes = method != "get" and path not in READING
        if changes:
            assert "403" in operation["responses"], f"{method} {path}"


def test_schemas_are_sound(rest: Rest) -> None:
    openapi = rest.app.openapi()
    for schema in openapi["components"]["schemas"].values():
        Draft202012Validator.check_schema({**schema, "components": openapi["components"]})


def test_schemas_are_the_views(rest: Rest) -> None:
    """Each field, required unless it may be left out."""
    schemas = rest.app.openapi()["components"]["schemas"]
    views = {
        view.__name__: view
        for module in (events, files, indexes, runs, search, standing)
        for view in vars(module).values()
        if isinstance(view, type) and is_dataclass(view) and view.__name__ in schemas
    }
    assert {"SearchView", "ResultView", "StandingView", "OneIndexView", "RunPageView"} < set(views)
    for name, view in views.items():
        schema = schemas[name]
        optional = {one.name for one in fields(view) if one.metadata}
        assert list(schema["properties"]) == [one.name for one in fields(view)]
        assert set(schema["required"]) == {one.name for one in fields(view)} - optional
        for one in optional:
            assert {"type": "null"} not in schema["properties"][one].get("anyOf", ())


class _Addresses(HTMLParser):
    """The addresses that a page names."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("src", "href", "action")]


def test_the_page_asks_nobody_else(rest: Rest) -> None:
    """The page, its script and its style name no other host, and the browser is told to allow
    none."""
    page = rest.ask("GET", "/docs")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    addresses = _Addresses()
    addresses.feed(page.body.decode())
    assert {"/docs/docs.js", "/docs/docs.css", "/openapi.json"} <= set(addresses.found)
    for address in {"/docs", *addresses.found} - {"data:,"}:
        reply = rest.ask("GET", address)
        assert reply.status == 200
        if address != "/openapi.json":
            assert b"://" not in reply.body
            assert "default-src 'none'" in reply.headers["content-security-policy"]
            assert reply.headers["x-content-type-options"] == "nosniff"
    script = rest.ask("GET", "/docs/docs.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert b"innerHTML" not in script.body


def test_the_rest_page_lists_every_endpoint_parameter_and_code(
    rest: Rest, update_golden: bool
) -> None:
    """docs/rest.md is made from the code."""
    _compare(PAGE, _page(rest.app.openapi()), update_golden)


def test_the_description_is_kept_as_it_is_sent(rest: Rest) -> None:
    """Encoding it takes as long as many answers."""
    sent = rest.ask("GET", "/openapi.json")
    assert sent.headers["content-type"] == "application/json"
    assert json.loads(sent.body) == rest.app.openapi()
    assert rest.app.state.description() is rest.app.state.description()


def test_the_rest_page_has_what_the_server_refuses() -> None:
    assert {code for code, _status in _server_codes()} == set(SERVER_CODES)


def operations_of(openapi: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, operations in openapi["paths"].items()
        for method, operation in operations.items()
    ]


def parameters_of(
    openapi: dict[str, Any], operation: dict[str, Any]
) -> list[tuple[str, dict[str, Any], bool, str]]:
    """Name, schema, whether it is required, and what it is: of the path, the query string, and the
    body."""
    found = []
    for one in operation.get("parameters", ()):
        schema = one["schema"]
        if schema.get("type") == "object":
            found += _properties(openapi, schema)
        else:
            found.append((one["name"], schema, one["required"], one.get("description", "")))
    if "requestBody" in operation:
        reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        found += _properties(openapi, _resolved(openapi, reference))
    return found


def _resolved(openapi: dict[str, Any], reference: str) -> dict[str, Any]:
    found: dict[str, Any] = openapi["components"]["schemas"][reference.rpartition("/")[2]]
    return found


def _properties(
    openapi: dict[str, Any], schema: dict[str, Any]
) -> list[tuple[str, dict[str, Any], bool, str]]:
    required = schema.get("required", ())
    found = []
    for name, one in schema["properties"].items():
        kinds = [kind for kind in one.get("anyOf", ()) if kind != {"type": "null"}]
        known = {**one, **kinds[0]} if len(kinds) == 1 else one
        about = _resolved(openapi, known["$ref"]) if "$ref" in known else {}
        found.append((name, known, name in required, {**about, **known}.get("description", "")))
    return found


def _page(openapi: dict[str, Any]) -> str:
    lines = ["# REST API", "", *INTRODUCTION.strip().splitlines(), "", "## Endpoints", ""]
    for path, method, operation in operations_of(openapi):
        lines += [f"### `{method.upper()} {path}`", "", operation["description"], ""]
        for name, schema, required, about in parameters_of(openapi, operation):
            lines.append(f"* `{name}`: {_said(openapi, schema, about, required=required)}")
        answers = [status for status in operation["responses"] if status.startswith("2")]
        body = ", ".join(map(_body, [operation["responses"][one] for one in answers]))
        lines += [*([""] if lines[-1].startswith("*") else []), f"Answers {answers[0]}{body}.", ""]
    lines += [
        *EVENTS_AND_PROBLEMS.strip().splitlines(),
        "",
        "| code | status | when |",
        "|---|---|---|",
    ]
    lines += [f"| `{code}` | {one.status.value} | {one.about} |" for code, one in CODES.items()]
    lines += ["", "The server itself refuses some requests before anything is looked at:", ""]
    lines += ["| code | status | when |", "|---|---|---|"]
    lines += [
        f"| `{code}` | {status} | {SERVER_CODES[code]} |"
        for code, status in sorted(_server_codes())
        if code in SERVER_CODES
    ]
    return "\n".join(lines) + "\n"


def _said(openapi: dict[str, Any], schema: dict[str, Any], about: str, *, required: bool) -> str:
    """The description of a parameter, with its values and limits."""
    items = schema.get("items", schema)
    if "$ref" in items:
        items = _resolved(openapi, items["$ref"])
    known = ["required"] if required else []
    for word, name in (
        ("from", "minimum"),
        ("to", "maximum"),
        ("at most characters:", "maxLength"),
    ):
        if name in items and items[name] != LARGEST_IDENTIFIER:
            known.append(f"{word} {items[name]:,.10g}")
    if "enum" in items:
        known.append("one of " + ", ".join(f"`{one}`" for one in items["enum"]))
    if schema.get("default") not in (None, []):
        default = schema["default"]
        is_number = isinstance(default, float)
        known.append(f"default `{f'{default:g}' if is_number else str(default).lower()}`")
    return " ".join(filter(None, (about, f"({', '.join(known)})" if known else "")))


def _body(answer: dict[str, Any]) -> str:
    found = [
        f" `{one['schema']['$ref'].rpartition('/')[2]}`"
        if "$ref" in one["schema"]
        else f" `{media_type}`"
        for media_type, one in answer.get("content", {}).items()
    ]
    return " with" + " or".join(found) if found else ""


def _server_codes() -> set[tuple[str, int]]:
    """The codes of the server's own refusals, from its code."""
    found = set()
    for path in (Path(kodit.__file__).parent / "server").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Refusal":
                status, code, *_others = node.args
                assert isinstance(status, ast.Attribute)
                for one in (code.body, code.orelse) if isinstance(code, ast.IfExp) else (code,):
                    assert isinstance(one, ast.Constant)
                    found.add((str(one.value), HTTPStatus[status.attr].value))
    return found
