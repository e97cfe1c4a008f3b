"""The REST face in the process of a test: requests to its ASGI application, whose answers are
checked against OpenAPI.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from jsonschema import Draft202012Validator
from tests.support.server import Reply
from tests.support.serving import ServingKodit

from kodit.domain.caller import Caller
from kodit.domain.policy import CallerPolicy
from kodit.faces.rest.app import PREFIX, create_rest_app

REMOTE = Caller(CallerPolicy())
"""A remote caller, to whom the operator has granted nothing."""
READER = Caller(CallerPolicy(), may_write=False)


class Rest:
    """An application and the face over it, on the application's event loop."""

    def __init__(self, serving: ServingKodit) -> None:
        self.serving = serving
        self.application = serving.application
        self.app = create_rest_app(serving.application)
        self.openapi = _closed(self.app.openapi())
        self._life = self.app.router.lifespan_context(self.app)
        serving.call(lambda _application: self._life.__aenter__())

    def close(self) -> None:
        """Detach from the application, which stays open."""
        self.serving.call(lambda _application: self._life.__aexit__(None, None, None))

    def get(self, path: str, caller: Caller = REMOTE, /, **query: Any) -> Reply:
        """A GET request; lists are repeated parameters."""
        return self.ask("GET", path, caller, query=query)

    def post(self, path: str, caller: Caller = REMOTE, /, **body: Any) -> Reply:
        """A POST request with these members in its body."""
        return self.ask("POST", path, caller, body=json.dumps(body).encode())

    def ask(
        self,
        method: str,
        path: str,
        caller: Caller | None = REMOTE,
        *,
        query: Mapping[str, Any] = {},
        body: bytes = b"",
        headers: Mapping[str, str] = {},
    ) -> Reply:
        """Any request, below `/api/v1` unless its path is absolute; its answer must match the
        documentation. Without a caller, no listener has identified one.
        """
        whole = path if path.startswith("/") else f"{PREFIX}/{path}"
        sent = {"content-type": "application/json", **headers}
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": whole,
            "raw_path": quote(whole).encode("ascii"),
            "root_path": "",
            "query_string": urlencode(query, doseq=True, errors="surrogateescape").encode("ascii"),
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
            "client": ("127.0.0.1", 4711),
            "server": ("127.0.0.1", 8321),
            "state": {},
        }
        if caller is not None:
            scope["kodit.caller"] = caller
        reply = self.serving.call(lambda _application: self._exchange(scope, body))
        self._check_documented(method, whole, reply)
        return reply

    async def _exchange(self, scope: dict[str, Any], body: bytes) -> Reply:
        sent: list[dict[str, Any]] = []
        is_read = False

        async def receive() -> dict[str, Any]:
            nonlocal is_read
            if is_read:
                await asyncio.Event().wait()
            is_read = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        start, *parts = sent
        headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return Reply(start["status"], headers, b"".join(part["body"] for part in parts))

    def _check_documented(self, method: str, path: str, reply: Reply) -> None:
        operation = self._operation(method, path)
        if operation is None:
            return
        responses = operation["responses"]
        answer = responses.get(str(reply.status)) or responses.get("default")
        assert answer is not None, f"{method} {path} has answered {reply.status}"
        content = answer.get("content")
        if content is None:
            assert reply.body == b""
            return
        media_type = reply.headers["content-type"].partition(";")[0]
        assert media_type in content, f"{method} {path} has answered with {media_type}"
        if media_type.endswith("json"):
            schema = {**content[media_type]["schema"], "components": self.openapi["components"]}
            Draft202012Validator(schema).validate(reply.json())

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        """The documentation of a request; literal paths come before those with parameters."""
        for template, operations in sorted(
            self.openapi["paths"].items(), key=lambda item: item[0].count("{")
        ):
            pattern = re.sub(r"\\\{(\w+)\\\}", _parameter, re.escape(template))
            if re.fullmatch(pattern, path):
                found: dict[str, Any] | None = operations.get(method.lower())
                return found
        return None


def _parameter(match: re.Match[str]) -> str:
    return ".+" if match[1] == "path" else "[^/]+"


def _closed(openapi: dict[str, Any]) -> dict[str, Any]:
    """The same schema without additional members."""
    made: dict[str, Any] = json.loads(json.dumps(openapi))
    for name, schema in made["components"]["schemas"].items():
        if "properties" in schema and name != "Problem":
            schema["additionalProperties"] = False
    return made


def code(reply: Reply) -> tuple[int, str]:
    """The status and the code of a problem by RFC 9457."""
    assert reply.headers["content-type"] == "application/problem+json"
    problem = reply.json()
    assert problem["status"] == reply.status
    assert problem["type"] == "about:blank"
    assert problem["title"]
    assert problem["detail"]
    assert "Traceback" not in problem["detail"]
    return reply.status, problem["code"]
