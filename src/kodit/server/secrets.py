"""Secrets that this user's programs hand over for the workers: see `infrastructure.resident`."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import suppress
from http import HTTPStatus

from kodit.domain.source import Credentials
from kodit.server.problems import Receive, Refusal, Scope, Send, send_json


class HandedSecrets:
    """Keeps them in memory only, until the server ends or a newer one replaces them. The worker
    that uses a secret decides by the user's bindings whether it may be sent."""

    def __init__(self) -> None:
        self._credentials: dict[tuple[str, str], Credentials] = {}
        """By reference and server."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for `SECRETS_PATH`. No answer contains a secret."""
        if scope["method"] != "POST":
            await Refusal(
                HTTPStatus.METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "secrets are sent with POST, and cannot be read",
                ((b"allow", b"POST"),),
            ).send(send)
            return
        match _parsed((await receive())["body"]):
            case {
                "reference": str(reference),
                "server": str(server),
                "username": str(username),
                "password": str(password),
            }:
                self._credentials[reference, server] = Credentials(username, password)
                await send_json(send, HTTPStatus.OK, {})
            case _:
                await Refusal(
                    HTTPStatus.UNPROCESSABLE_ENTITY, "request_invalid", "this is not a secret"
                ).send(send)

    async def answer(self, connection: socket.socket) -> None:
        """Answer one worker, until it closes the connection or the task is cancelled."""
        reader, writer = await asyncio.open_unix_connection(sock=connection)
        try:
            with suppress(ConnectionError):  # the worker has been killed
                while line := await reader.readline():
                    reference, server = json.loads(line)
                    writer.write(self._found(reference, server))
                    await writer.drain()
        finally:
            writer.transport.abort()

    def _found(self, reference: str, server: str) -> bytes:
        found = self._credentials.get((reference, server))
        answer = None if found is None else {"username": found.username, "password": found.password}
        return json.dumps(answer).encode("ascii") + b"\n"


def _parsed(body: bytes) -> object:
    with suppress(ValueError):
        return json.loads(body)
    return None
