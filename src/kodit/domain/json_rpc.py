"""Validates JSON-RPC 2.0 messages as the Model Context Protocol restricts them: parameters are an
object, and a request's identifier is a string or an integer. Imports next to nothing, because the
front must answer its first request at once."""

from __future__ import annotations

import json

PARSE_ERROR = -32700
INVALID_REQUEST = -32600


def parse(data: bytes) -> object:
    """Parses JSON in UTF-8. Raises ValueError for anything else and for values nested too
    deeply."""
    try:
        return json.loads(data.decode("utf-8-sig"), parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def why_invalid(message: object) -> str | None:  # noqa: PLR0911 - one for each rule
    """Why a value is not a message, in one sentence; None for a valid request, notification or
    response."""
    if isinstance(message, list):
        return "the message must be one JSON object, not a list; send each message by itself"
    if not isinstance(message, dict):
        return "the message must be a JSON object"
    if message.get("jsonrpc") != "2.0":
        return 'the member "jsonrpc" must be "2.0"'
    if "method" not in message:
        is_response = "result" in message or "error" in message
        return None if is_response else 'the member "method" is missing'
    if not isinstance(message["method"], str):
        return 'the member "method" must be a string'
    if not isinstance(message.get("params", {}), dict):
        return 'the member "params" must be an object'
    if "id" in message and id_of(message) is None:
        return 'the member "id" must be a string or an integer'
    return None


def id_of(message: object) -> str | int | None:
    """The identifier to answer a message with; None if it has no valid one."""
    value = message.get("id") if isinstance(message, dict) else None
    return value if isinstance(value, (str, int)) and not isinstance(value, bool) else None


def error(request_id: str | int | None, code: int, sentence: str) -> dict[str, object]:
    """The error response to a request."""
    return {"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": sentence}}


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")
