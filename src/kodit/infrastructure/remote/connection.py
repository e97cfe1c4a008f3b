"""Requests to the REST interface of a server, and the errors in its answers."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from kodit.domain.errors import (
    InvalidQueryError,
    KoditError,
    NotFoundError,
    RefusedByPolicyError,
    SettingError,
    TransientError,
    UserError,
)

ANSWER_SECONDS = 60.0
"""Longer than the server's own time limit."""
BASE_PATH = "/api/v1"
_PROBLEM = ("type", "title", "status", "detail", "code")
_SERVER_ERRORS = 500

Parameters = Mapping[str, Any]


class RemoteConnection:
    """One connection to a server, opened on first use and reopened if the server has closed it.
    Redirects are not followed, because they would receive the key.
    """

    def __init__(self, url: str, key: str) -> None:
        """Raises SettingError if `url` is not the address of a server. `key` may be empty."""
        self.url = url.rstrip("/")
        self._key = key
        try:
            parts = urlsplit(self.url)
            host, port = parts.hostname, parts.port
        except ValueError:
            parts, host, port = urlsplit(""), None, None
        is_plain = not (parts.query or parts.fragment or parts.username or parts.password)
        if parts.scheme not in ("http", "https") or not host or not is_plain:
            raise SettingError(
                f"{_shown(url)} is not the address of a server, which looks like "
                "https://kodit.example.org or http://127.0.0.1:8321; "
                "its key belongs in KODIT_API_KEY"
            )
        if not (key.isascii() and key.isprintable()):
            raise SettingError("KODIT_API_KEY is not a key: keys are printable ASCII")
        self._path = parts.path
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        self._connection = kind(host, port, timeout=ANSWER_SECONDS)

    def close(self) -> None:
        self._connection.close()

    def get(self, path: str, parameters: Parameters | None = None) -> Any:
        """The JSON at a path. Raises KoditError with the server's message."""
        given = {name: value for name, value in (parameters or {}).items() if value is not None}
        texts = {name: _texts(value) for name, value in given.items()}
        query = f"?{urlencode(texts, doseq=True)}" if texts else ""
        return self._exchange("GET", f"{path}{query}")

    def post(self, path: str, body: Parameters | None = None) -> Any:
        """The JSON answer to a POST request. Raises like `get`."""
        given = {name: value for name, value in (body or {}).items() if value is not None}
        return self._exchange("POST", path, json.dumps(given))

    def delete(self, path: str) -> None:
        self._exchange("DELETE", path)

    def _exchange(self, method: str, path: str, body: str | None = None) -> Any:
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        try:
            self._connection.request(method, f"{self._path}{BASE_PATH}{path}", body, headers)
            response = self._connection.getresponse()
            status, content = response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise TransientError(
                f"the server {self.url} does not answer: {reason}", code="server_unreachable"
            ) from None
        if status == http.client.NO_CONTENT:
            return None
        return self._understood(status, content)

    def _understood(self, status: int, content: bytes) -> Any:
        try:
            answer = json.loads(content)
        except (ValueError, RecursionError):
            answer = None
        is_problem = isinstance(answer, dict) and isinstance(answer.get("code"), str)
        if status < http.client.MULTIPLE_CHOICES and answer is not None and not is_problem:
            return answer
        if not is_problem:
            raise KoditError(
                f"{self.url} does not answer as a Kodit server does (status {status}); "
                "check the address",
                code="server_unreachable",
            )
        raise _error_of(status, answer)


def path_of(*parts: str | int) -> str:
    """A path of these parts, each escaped except for its slashes."""
    return "".join(f"/{quote(str(part), errors='surrogateescape')}" for part in parts)


def _texts(value: Any) -> str | Sequence[str]:
    if isinstance(value, (list, tuple)):
        return [str(one) for one in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def _error_of(status: int, problem: dict[str, Any]) -> KoditError:
    """The error of this program for a problem+json answer."""
    fields = {
        name: value
        for name, value in problem.items()
        if name not in _PROBLEM and (value is None or isinstance(value, (str, int, float)))
    }
    sentence, code = str(problem.get("detail")), str(problem["code"])
    if status >= _SERVER_ERRORS:
        error: KoditError = TransientError(sentence, code=code)
    else:
        kinds: Mapping[int, type[UserError]] = {
            http.client.NOT_FOUND: NotFoundError,
            http.client.BAD_REQUEST: InvalidQueryError,
            http.client.CONFLICT: InvalidQueryError,
            http.client.UNPROCESSABLE_ENTITY: InvalidQueryError,
        }
        kind = RefusedByPolicyError if code == "refused_by_policy" else kinds.get(status, UserError)
        error = kind(sentence, code=code)
    error.fields.update(fields)
    return error


def _shown(url: str) -> str:
    """An address without possible secrets."""
    return repr(url.rpartition("@")[2][:100])
