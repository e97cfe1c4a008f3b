"""The front itself: reads requests and writes answers, one per line."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, BinaryIO

from kodit.domain.json_rpc import INVALID_REQUEST, PARSE_ERROR, error, id_of, parse, why_invalid
from kodit.front.messages import (
    VERSION_KEY,
    Answers,
    Message,
    failure,
    may_be_repeated,
    meta_of,
)

if TYPE_CHECKING:
    from kodit.front.exchange import Exchange
    from kodit.front.resident import Resident
    from kodit.front.roots import Roots

MOST_ATTEMPTS = 4
SECONDS_BETWEEN_ATTEMPTS = 0.1
"""A server that was killed still accepts connections for a moment."""
ROOTS_MAY_BE_NEW = ("notifications/initialized", "notifications/roots/list_changed")
SECONDS_AFTER_THE_END = 5.0
"""How long running requests may still take after the client has closed the input."""


class Front:
    """Answers one client until it closes the input. Each forwarded request has a thread and a
    connection of its own, so that none waits for another."""

    def __init__(
        self, requests: BinaryIO, answers: BinaryIO, resident: Callable[[], Resident]
    ) -> None:
        """`resident` is called once, when something is to be forwarded."""
        self._requests = requests
        self._responses = answers
        self._make_resident = resident
        self._resident: Resident | None = None
        self._answers = Answers()
        self._writing = threading.Lock()
        self._state = threading.Lock()
        self._under_way: dict[object, _Forwarded] = {}
        self._roots: Roots | None = None
        """The roots of a client that announces them."""

    def run(self) -> None:
        """Serve until the input ends; running requests then have a moment to finish."""
        for line in self._requests:
            if line.strip():
                self._take(line)
        deadline = time.monotonic() + SECONDS_AFTER_THE_END
        for forwarded in self._pending():
            forwarded.thread.join(max(0.0, deadline - time.monotonic()))
        for forwarded in self._pending():
            self._write(failure(forwarded.request, "The client closed the input before the end."))
            forwarded.cancel()

    def _pending(self) -> list[_Forwarded]:
        with self._state:
            return list(self._under_way.values())

    def _take(self, line: bytes) -> None:
        try:
            message = parse(line)
        except ValueError:
            self._write(error(None, PARSE_ERROR, "the line cannot be read as JSON in UTF-8"))
            return
        if isinstance(message, list) and message:  # a batch, as older revisions have it
            for one in message:
                self._dispatch(one)
        else:
            self._dispatch(message)

    def _dispatch(self, message: object) -> None:
        invalid = why_invalid(message)
        if invalid is not None or not isinstance(message, dict):
            self._write(error(id_of(message), INVALID_REQUEST, str(invalid)))
        elif message.get("method") == "notifications/cancelled":
            self._cancel(message.get("params", {}).get("requestId"))
        elif "method" in message and "id" in message:
            if message["method"] == "initialize":
                self._roots = self._roots_of(message)
            answer = self._answers.to(message)
            if answer is not None:
                self._write(answer)
            else:
                self._forward(message)
        elif self._roots is not None:
            if message.get("method") in ROOTS_MAY_BE_NEW:
                self._roots.ask()
            elif "method" not in message:
                self._roots.take(message)
        # Other notifications and responses need no action.

    def _roots_of(self, hello: Message) -> Roots | None:
        """None for a client that does not announce roots."""
        params = hello.get("params")
        declared = params.get("capabilities") if isinstance(params, dict) else None
        if not isinstance(declared, dict) or not isinstance(declared.get("roots"), dict):
            return None
        from kodit.front.roots import Roots  # noqa: PLC0415 - most clients have none

        return Roots(self._write)

    def _forward(self, request: Message) -> None:
        forwarded = _Forwarded(request)
        forwarded.thread = threading.Thread(target=self._serve, args=(forwarded,), daemon=True)
        with self._state:
            self._under_way[request["id"]] = forwarded
        forwarded.thread.start()

    def _cancel(self, request_id: object) -> None:
        if not isinstance(request_id, (str, int)):
            return  # no request has such an identifier
        with self._state:
            forwarded = self._under_way.get(request_id)
        if forwarded is not None:
            forwarded.cancel()

    def _serve(self, forwarded: _Forwarded) -> None:
        """Forward one request and pass on what comes back."""
        try:
            self._exchange(forwarded)
        except Exception as problem:  # noqa: BLE001 - whatever it is, the client gets an answer
            if not forwarded.is_cancelled:
                self._write(failure(forwarded.request, str(problem) or type(problem).__name__))
        finally:
            with self._state:
                if self._under_way.get(forwarded.request["id"]) is forwarded:
                    del self._under_way[forwarded.request["id"]]

    def _exchange(self, forwarded: _Forwarded) -> None:
        from kodit.front.exchange import (  # noqa: PLC0415 - the first answers need no connection
            Exchange,
            LostConnectionError,
        )

        request = forwarded.request
        resident = self._get_resident()
        version = self._answers.version_of(request)
        headers = resident.headers(self._folders(request)) | _headers(request, version)
        for attempt in range(1, MOST_ATTEMPTS + 1):
            exchange = Exchange(resident.connect())
            if not forwarded.begin(exchange):
                return
            try:
                for message in exchange.messages(request, headers):
                    self._write(message)
            except LostConnectionError:
                if forwarded.is_cancelled:
                    return
                if attempt == MOST_ATTEMPTS or not may_be_repeated(request):
                    raise ConnectionError(
                        "The Kodit server ended before it answered, so the request may or may not "
                        "have been carried out. Ask again; the server restarts by itself."
                    ) from None
            else:
                return
            finally:
                exchange.close()
            time.sleep(attempt * SECONDS_BETWEEN_ATTEMPTS)

    def _folders(self, request: Message) -> Sequence[str]:
        """The roots of the client; a request of a newer revision has none."""
        if self._roots is None or VERSION_KEY in meta_of(request):
            return ()
        return self._roots.folders()

    def _get_resident(self) -> Resident:
        with self._state:
            if self._resident is None:
                self._resident = self._make_resident()
            return self._resident

    def _write(self, message: Message) -> None:
        try:
            data = json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()
        except UnicodeEncodeError:  # a lone surrogate, which can only be written as an escape
            data = json.dumps(message, separators=(",", ":")).encode()
        data += b"\n"
        with self._writing:
            try:
                self._responses.write(data)
                self._responses.flush()
            except (BrokenPipeError, ValueError):
                os._exit(0)  # nobody reads any more, and nothing here needs saving


class _Forwarded:
    """A running request."""

    def __init__(self, request: Message) -> None:
        self.request = request
        self.thread = threading.Thread()
        self.is_cancelled = False
        self._exchange: Exchange | None = None
        self._state = threading.Lock()

    def begin(self, exchange: Exchange) -> bool:
        """Whether the request is still wanted; if not, the exchange is closed."""
        with self._state:
            self._exchange = exchange
            if self.is_cancelled:
                exchange.close()
            return not self.is_cancelled

    def cancel(self) -> None:
        """End the request; nothing is answered any more."""
        with self._state:
            self.is_cancelled = True
            if self._exchange is not None:
                self._exchange.close()


def _headers(request: Message, version: str) -> dict[str, str]:
    """The headers that streamable HTTP requires for a request."""
    params = request.get("params")
    name = params.get("name") if isinstance(params, dict) else None
    headers = {"MCP-Protocol-Version": version, "Mcp-Method": request["method"], "Mcp-Name": name}
    return {key: _header_value(value) for key, value in headers.items() if isinstance(value, str)}


def _header_value(text: str) -> str:
    """Text in a form that a header allows: what is not plain ASCII is encoded in Base64."""
    if text.isascii() and text.isprintable() and text == text.strip():
        return text
    from base64 import b64encode  # noqa: PLC0415 - no name of a tool needs it

    return f"=?base64?{b64encode(text.encode('utf-8', 'replace')).decode('ascii')}?="


def serve(resident: Callable[[], Resident]) -> None:
    """Serve the client at standard input and output; other prints go to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    Front(sys.stdin.buffer, answers, resident).run()
