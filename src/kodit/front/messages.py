"""JSON-RPC messages as plain dictionaries, and those that the front answers itself."""

from __future__ import annotations

import json
import os
from typing import Any

from kodit.domain.json_rpc import error
from kodit.domain.text import as_sentence

UNREACHABLE = -32000
"""The error code of a request that the server did not answer."""

Message = dict[str, Any]

VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
"""In `_meta`, from revision 2026-07-28 on: the revision of a request."""
CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"
READ_ONLY_METHODS = ("server/discover", "tools/list", "ping")
WRITING_TOOLS = ("index",)
"""Tools whose effect is unknown when no answer came."""


class Answers:
    """The answers that are the same for every client, for each revision of the protocol."""

    def __init__(self) -> None:
        path = os.path.join(os.path.dirname(__file__), "answers.json")  # noqa: PTH118, PTH120 - pathlib takes a tenth of the time there is
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - as above
            self._by_version: dict[str, dict[str, Message]] = json.load(file)["versions"]
        self.latest_handshake = max(
            version for version, answers in self._by_version.items() if "initialize" in answers
        )
        self.negotiated = self.latest_handshake
        """The revision negotiated by `initialize`."""

    def to(self, request: Message) -> Message | None:
        """The whole response, or None for a request that only the server can answer."""
        method, params = request["method"], request.get("params")
        params = params if isinstance(params, dict) else {}
        if method == "initialize":
            asked = params.get("protocolVersion")
            known = isinstance(asked, str) and "initialize" in self._by_version.get(asked, {})
            self.negotiated = asked if known else self.latest_handshake
        elif method == "ping" and VERSION_KEY not in meta_of(request):
            return result(request, {})
        if method in ("server/discover", "tools/list") and "cursor" in params:
            return None
        if VERSION_KEY in meta_of(request) and CAPABILITIES_KEY not in meta_of(request):
            return None  # the server reports the error
        answer = self._by_version.get(self.version_of(request), {}).get(method)
        return None if answer is None else result(request, answer)

    def version_of(self, request: Message) -> str:
        """The revision of a request: its own, or the negotiated one."""
        own = meta_of(request).get(VERSION_KEY)
        return own if isinstance(own, str) else self.negotiated


def meta_of(message: Message) -> Message:
    """The `_meta` of a message."""
    params = message.get("params")
    meta = params.get("_meta") if isinstance(params, dict) else None
    return meta if isinstance(meta, dict) else {}


def may_be_repeated(request: Message) -> bool:
    """Whether the request may safely be sent again."""
    if request["method"] != "tools/call":
        return request["method"] in READ_ONLY_METHODS
    params = request.get("params")
    return isinstance(params, dict) and params.get("name") not in WRITING_TOOLS


def result(request: Message, value: Message) -> Message:
    """The response to a request."""
    return {"jsonrpc": "2.0", "id": request["id"], "result": value}


def failure(request: Message, sentence: str) -> Message:
    """The response to a request that could not be answered. For a tool it is a result, which the
    model gets to read."""
    if request["method"] != "tools/call":
        return error(request["id"], UNREACHABLE, sentence)
    text = as_sentence(sentence)
    value: Message = {"content": [{"type": "text", "text": text}], "isError": True}
    if VERSION_KEY in meta_of(request):
        value["resultType"] = "complete"
    return result(request, value)
