"""Requests that are refused before any work, each with its status, code and sentence."""

from __future__ import annotations

import ast
import asyncio
import json
import time
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.exceptions import HTTPException
from tests.support.rest import REMOTE, Rest, code

import kodit
from kodit.domain.errors import (
    KoditError,
    NotFoundError,
    PermanentError,
    SourceError,
    TransientError,
    UserError,
)
from kodit.faces.rest.codes import CODES
from kodit.faces.rest.parameters import Search
from kodit.faces.rest.problems import _Unforeseen

LONG = "x" * 501


class OwnError(NotFoundError):
    """An error of a lower layer with a code unknown to REST."""

    default_code = "own"


NOT_OVER_REST = {
    *("client_file_read_only", "client_file_unchanged", "client_file_unreadable"),
    "data_dir_read_only",
    "data_dir_unusable",
    "database_in_use",
    "database_of_another",
    "home_invalid",
    "key_exists",
    "key_not_found",
    *("move_differs", "move_elsewhere", "move_ending", "move_of_another_version"),
    *("move_of_other_hosts", "move_target_invalid", "move_target_occupied"),
    "opened_before_fork",
    "queue_paused",
    "queue_unwritable",
    "run_stopped",
    "server_unreachable",
    "setting_invalid",
    *("user_file_invalid", "user_file_unreadable", "user_file_untrusted"),
    "user_folder_unusable",
    # Of stages that run in workers, and of tasks that failed there:
    "endpoint_paused",
    "search_node_awaited",
    "endpoint_stage_too_long",
    "tokenizer_invalid",
    "private_files_unreadable",
    "cancelled",
    "database_refuses",
    "git_missing",
    "indexing_failed",
    "lease_lost",
    "stage_failed",
    # What an error says that has none of its own: `request_refused` here.
    "request_invalid",
}
"""Codes of errors that no request can meet, or that REST has another word for."""


@pytest.mark.parametrize(
    ("path", "query", "sentence"),
    [
        ("search", {}, "query is missing"),
        ("search", {"query": ""}, "query must not be empty"),
        ("search", {"query": "x" * 200_001}, "query must have at most 200,000 characters"),
        ("search", {"query": "a\x00b"}, "query: string should match pattern"),
        ("search", {"query": "x", "limit": 501}, "limit must be at most 500"),
        ("search", {"query": "x", "limit": 0}, "limit must be at least 1"),
        ("search", {"query": "x", "limit": "1e1"}, "limit: input should be a valid integer"),
        ("search", {"query": "x", "limit": "1.0"}, "limit: input should be a valid integer"),
        ("search", {"query": "x", "limit": " 1"}, "limit: input should be a valid integer"),
        ("search", {"query": "x", "limit": "9" * 31}, "limit: input should be a valid integer"),
        ("search", {"query": "x", "offset": -1}, "offset must be at least 0"),
        ("search", {"query": "x", "offset": 10_001}, "offset must be at most 10,000"),
        ("search", {"query": "x", "budget": 0}, "budget must be at least 1"),
        ("search", {"query": "x", "budget": 10_000_001}, "budget must be at most 10,000,000"),
        ("search", {"query": "x", "wait": -0.5}, "wait must be at least 0"),
        ("search", {"query": "x", "wait": 30.5}, "wait must be at most 30"),
        ("search", {"query": "x", "wait": "nan"}, "wait: input should be a valid number"),
        ("search", {"query": "x", "wait": "inf"}, "wait: input should be a valid number"),
        ("search", {"query": "x", "explain": "yes"}, "explain: input should be a valid boolean"),
        ("search", {"query": "x", "everywhere": "1"}, "everywhere: input should be a valid"),
        ("search", {"query": "x", "mode": "fast"}, "mode: input should be 'hybrid', 'keyword'"),
        ("search", {"query": "x", "kinds": ["verb"]}, "kinds: input should be 'function'"),
        ("search", {"query": "x", "languages": [LONG]}, "languages must have at most 500 char"),
        ("search", {"query": "x", "paths": [LONG]}, "paths must have at most 500 characters"),
        ("search", {"query": "x", "authors": [LONG]}, "authors must have at most 500 characters"),
        ("search", {"query": "x", "sources": [LONG]}, "sources must have at most 500 characters"),
        ("search", {"query": "x", "sources": ["1"] * 21}, "sources must have at most 20 entries"),
        (
            "search",
            {"query": "x", "created_after": "yesterday"},
            "created_after: it must be a date",
        ),
        ("search", {"query": "x", "created_before": "12345"}, "created_before: it must be a date"),
        ("search", {"query": "x", "created_after": "2026-13-01"}, "created_after: "),
        ("search", {"query": "x", "language": "c"}, "did you mean 'languages'?"),
        ("search", {"query": "x", "zzz": "c"}, "unknown parameter 'zzz'"),
        ("symbols", {}, "name is missing"),
        ("symbols", {"name": "x" * 301}, "name must have at most 300 characters"),
        ("symbols", {"name": "x", "limit": 501}, "limit must be at most 500"),
        ("symbols", {"name": "x", "kind": "class"}, "did you mean 'kinds'?"),
        ("related", {"line": 1}, "path is missing"),
        ("related", {"path": "x", "line": 0}, "line must be at least 1"),
        ("related", {"path": "x", "limit": 501}, "limit must be at most 500"),
        ("indexes", {"limit": 501}, "limit must be at most 500"),
        ("indexes/0", {}, "index_id must be at least 1"),
        ("indexes/x", {}, "index_id: it must be a whole number"),
        ("indexes/+1", {}, "index_id: it must be a whole number"),
        ("indexes/9007199254740992", {}, "index_id must be at most 9,007,199,254,740,991"),
        ("indexes/1/files", {"limit": 501}, "limit must be at most 500"),
        (
            "indexes/1/files/shop/cart.py",
            {"lines": "a-b"},
            "lines must be a range such as 30-60, 30- or 30",
        ),
        ("indexes/1/files", {"path": "x"}, "did you mean 'paths'?"),
        ("runs", {"limit": 501}, "limit must be at most 500"),
        ("runs", {"states": "done"}, "states: input should be 'queued'"),
        ("runs", {"indexes": "x"}, "indexes: it must be a whole number"),
        ("runs", {"indexes": 0}, "indexes must be at least 1"),
        ("runs/x", {}, "run_id: it must be a whole number"),
        ("queue", {"limit": 501}, "limit must be at most 500"),
        ("events", {"runs": "x"}, "runs: it must be a whole number"),
        ("events", {"index": "1"}, "did you mean 'indexes'?"),
    ],
    ids=str,
)
def test_a_malformed_question(rest: Rest, path: str, query: dict[str, Any], sentence: str) -> None:
    reply = rest.get(path, **query)
    assert code(reply) == (422, "request_invalid")
    assert sentence in reply.json()["detail"]
    assert reply.json()["errors"][0]["what"] in reply.json()["detail"]


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("search", b"", "the body is missing"),
        ("search", b"{", "the body is not valid JSON"),
        ("search", b"[]", "the body must be a JSON object, sent as"),
        ("search", b'"x"', "the body must be a JSON object, sent as"),
        ("search", b"{}", "query is missing"),
        ("search", b'{"query": 1}', "query: input should be a valid string"),
        ("search", b'{"query": "\\ud800"}', "query: "),
        ("search", b'{"query": "x", "limit": "10"}', "limit: input should be a valid integer"),
        ("search", b'{"query": "x", "limit": 1.5}', "limit: input should be a valid integer"),
        ("search", b'{"query": "x", "limit": true}', "limit: input should be a valid integer"),
        ("search", b'{"query": "x", "explain": "true"}', "explain: input should be a valid bool"),
        ("search", b'{"query": "x", "wait": NaN}', "wait"),
        ("search", b'{"query": "x", "wait": 1e999}', "wait"),
        ("search", b'{"query": "x", "languages": "c"}', "languages: input should be a valid list"),
        ("search", b'{"query": "x", "created_after": 1}', "created_after: it must be a date"),
        ("search", b'{"query": "x", "quary": 1}', "did you mean 'query'?"),
        ("grep", b"{}", "pattern is missing"),
        ("grep", b'{"pattern": "x", "context": 101}', "context must be at most 100"),
        ("grep", b'{"pattern": "x", "context": -1}', "context must be at least 0"),
        ("grep", b'{"pattern": "x", "limit": 501}', "limit must be at most 500"),
        ("grep", b'{"pattern": "x", "ignorecase": true}', "did you mean 'ignore_case'?"),
        ("indexes", b'{"source": ["a"]}', "source: input should be a valid string"),
        ("indexes", b'{"source": "a", "ref": ""}', "ref must not be empty"),
        ("indexes", b'{"source": "a", "include": "*.py"}', "include: input should be a valid"),
        ("indexes", b'{"source": "a", "url": "b"}', "unknown parameter 'url'"),
    ],
    ids=str,
)
def test_a_malformed_body(rest: Rest, path: str, body: bytes, sentence: str) -> None:
    reply = rest.ask("POST", path, REMOTE, body=body)
    assert code(reply) == (422, "request_invalid")
    assert sentence in reply.json()["detail"]


def test_all_mistakes_are_reported(rest: Rest) -> None:
    """The first one in the sentence. Sent values are quoted only as far as necessary."""
    problem = rest.get("search", query="x", limit=501, offset=-1, wait=1e9).json()
    assert problem["detail"] == "limit must be at most 500 (and 2 more)"
    where = [one["where"] for one in problem["errors"]]
    assert where == ["query.limit", "query.offset", "query.wait"]
    [long] = rest.post("search", query="x", **{"y" * 90: 1}).json()["errors"]
    assert long["what"] == f"unknown parameter '{'y' * 40}'"
    many = rest.get("search", query="x", languages=["c"] * 21).json()
    assert many["detail"] == "languages must have at most 20 entries"


@pytest.mark.parametrize(
    ("error", "seconds"), [(TransientError("no"), "1"), (TransientError("no", 60.0), "60")]
)
def test_when_to_try_again(
    rest: Rest, error: TransientError, seconds: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_arguments: object) -> None:
        raise error

    monkeypatch.setattr(rest.application.run_answers, "queue", fail)
    reply = rest.get("queue")
    assert reply.headers["retry-after"] == seconds
    assert reply.headers["cache-control"] == "no-store"


def test_a_body_has_room_for_more(rest: Rest) -> None:
    """A whole number may be written as 10.0, which is the same in JSON."""
    reply = rest.post("search", query="x" * 200_000, paths=[LONG], limit=2.0, budget=99.0)
    assert reply.status == 200
    too_long = rest.post("search", query="x" * 200_001)
    assert code(too_long) == (422, "request_invalid")
    too_many = rest.post("search", query="x", sources=["1"] * 1_001)
    assert "sources must have at most 1,000 entries" in too_many.json()["detail"]
    many = rest.post("search", query="x", paths=["a"] * 101)
    assert "paths must have at most 100 entries" in many.json()["detail"]


def test_a_body_that_is_not_called_json(rest: Rest) -> None:
    """A page of another host can send such a body without permission."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        body = json.dumps({"query": "x"}).encode()
        reply = rest.ask("POST", "search", REMOTE, body=body, headers={"content-type": kind})
        assert code(reply) == (422, "request_invalid")


@pytest.mark.parametrize(
    ("reply_to", "problem"),
    [
        ({"query": "x", "sources": ["99"]}, (404, "index_not_found")),
        ({"query": "x", "sources": ["9" * 30]}, (404, "index_not_found")),
        ({"query": "x", "sources": ["https://example.org/a"]}, (404, "source_not_indexed")),
        ({"query": "x", "sources": ["/etc"]}, (403, "refused_by_policy")),
        ({"query": "x", "sources": ["/no/such"]}, (403, "refused_by_policy")),
        ({"query": "x", "sources": ["a\nb"]}, (409, "source_invalid")),
        ({"query": "x", "paths": ["[z-a]"]}, (409, "query_invalid")),
        ({"query": "x", "paths": [""]}, (409, "query_invalid")),
        ({"query": "   "}, (409, "query_invalid")),
    ],
    ids=str,
)
def test_a_question_that_is_refused(
    rest: Rest, reply_to: dict[str, Any], problem: tuple[int, str]
) -> None:
    for reply in (rest.get("search", **reply_to), rest.post("search", **reply_to)):
        assert code(reply) == problem


def test_an_invalid_expression(rest: Rest) -> None:
    reply = rest.post("grep", pattern="(")
    assert code(reply) == (409, "expression_invalid")
    assert reply.json()["pattern"] == "("


def test_unknown_paths_and_methods(rest: Rest) -> None:
    for path in ("nothing", "", "search/", "/", "/docs/", "/docs/other.js", "/api/v2/search"):
        assert code(rest.get(path)) == (404, "not_found")
    for method, path, allowed in (
        ("PUT", "search", "GET, POST"),
        ("DELETE", "indexes", "GET, POST"),
        ("PATCH", "indexes/1", "DELETE, GET"),
        ("GET", "grep", "POST"),
        ("GET", "runs/1/cancel", "POST"),
    ):
        reply = rest.ask(method, path)
        assert code(reply) == (405, "method_not_allowed")
        assert reply.headers["allow"] == allowed


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (UserError("no"), (409, "request_refused")),
        (UserError("no", code="never_heard_of"), (409, "request_refused")),
        (UserError("no", code="internal_error"), (409, "request_refused")),
        (UserError("no", code="request_invalid"), (409, "request_refused")),
        (HTTPException(400, "no."), (400, "request_invalid")),
        (SourceError("no", code="never_heard_of"), (409, "source_refused")),
        (NotFoundError("no"), (404, "not_found")),
        (OwnError("no"), (404, "not_found")),
        (TransientError("no", 7.2), (503, "unavailable")),
        (PermanentError("/secret/place"), (500, "internal_error")),
        (KoditError("/secret/place"), (500, "internal_error")),
        (ValueError("/secret/place"), (500, "internal_error")),
    ],
    ids=repr,
)
def test_an_error_of_a_use_case(
    rest: Rest,
    error: Exception,
    problem: tuple[int, str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Unexpected errors are logged and not shown."""

    async def fail(*_arguments: object) -> None:
        raise error

    monkeypatch.setattr(rest.application.run_answers, "queue", fail)
    reply = rest.get("queue")
    assert code(reply) == problem
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert not reply.json()["detail"].endswith(".")
    if problem[0] == HTTPStatus.INTERNAL_SERVER_ERROR:
        assert "secret" not in reply.body.decode()
        assert "/secret/place" in caplog.text
    if problem[0] == HTTPStatus.SERVICE_UNAVAILABLE:
        assert reply.headers["retry-after"] == "8"


def test_the_fields_of_an_error_do_not_replace_its_code(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_arguments: object) -> None:
        raise NotFoundError("there is none.", status=200, detail="all is well", index=4, path=None)

    monkeypatch.setattr(rest.application.run_answers, "queue", fail)
    problem = rest.get("queue").json()
    assert (problem["status"], problem["detail"]) == (404, "there is none")
    assert problem["index"] == 4
    assert "path" not in problem


def test_every_code_has_its_status() -> None:
    """All codes that errors of the lower layers may carry."""
    root = Path(kodit.__file__).parent
    found = {
        str(node.value.value)
        for layer in ("domain", "application", "infrastructure", "composition")
        for path in (root / layer).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.keyword) and node.arg == "code")
        or (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id in ("default_code", "code")
        )
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }
    assert found - NOT_OVER_REST - CODES.keys() == set()
    assert found | {"request_invalid"} >= NOT_OVER_REST


@pytest.mark.parametrize(
    ("wait", "status"),
    [("0.5", 200), ("4.7e-299", 200), ("1E0", 200), ("1e999", 422), ("1e", 422), ("e5", 422)],
)
def test_numbers_are_those_of_json(rest: Rest, wait: str, status: int) -> None:
    """A program writes a very small number with an exponent."""
    assert rest.get("search", query="x", wait=wait).status == status


def test_a_date_without_a_zone_is_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the server runs."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        for written, moment in (
            ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
            ("2026-01-31t12:30:05z", datetime(2026, 1, 31, 12, 30, 5, tzinfo=UTC)),
            ("2026-01-31T12:30+02:00", datetime(2026, 1, 31, 10, 30, tzinfo=UTC)),
            ("0001-01-01T00:00+01:00", datetime(1, 1, 1, tzinfo=UTC)),
        ):
            asked = Search.model_validate({"query": "x", "created_after": written})
            assert asked.created_after == moment
            assert str(asked.created_after) == str(moment)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_what_fails_after_its_answer_has_started_is_not_answered_twice() -> None:
    """The connection is then ended by the server."""
    sent: list[Any] = []

    async def fail(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("no luck")

    async def send(message: Any) -> None:
        sent.append(message)

    async def run() -> None:
        scope: Any = {"type": "http", "path": "/"}
        with pytest.raises(ValueError, match="no luck"):
            await _Unforeseen(fail)(scope, cast(Any, None), send)

    asyncio.run(run())
    assert len(sent) == 1
