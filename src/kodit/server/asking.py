"""Answers the questions of the command line over the socket, in the form that processes of one user
exchange. Not a public interface: both sides have the same version."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from kodit.application.services.answers.any_answer import answer
from kodit.application.services.threads import Lane, in_thread
from kodit.application.views.errors import ErrorView
from kodit.application.views.questions import question_from_json
from kodit.application.views.serialization import to_json
from kodit.composition import Application
from kodit.domain.caller import Caller
from kodit.domain.errors import KoditError
from kodit.server.problems import Receive, Refusal, Scope, Send, send_body
from kodit.version import VERSION


@dataclass(frozen=True, slots=True)
class Asking:
    """Answers with `{"answer": …}` or `{"error": …}`, and refuses programs of another version or
    with other settings, whose answers could differ."""

    application: Application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for `ASK_PATH`."""
        try:
            asked = json.loads((await receive())["body"])
            program = (asked["version"], asked["settings"])
            if program != (VERSION, self.application.settings.digest):
                await Refusal(
                    HTTPStatus.CONFLICT,
                    "program_differs",
                    "the server has another version or other settings",
                ).send(send)
                return
            question = question_from_json(asked["question"])
        except (KeyError, TypeError, ValueError) as error:
            await Refusal(
                HTTPStatus.UNPROCESSABLE_ENTITY, "request_invalid", f"not a question: {error}"
            ).send(send)
            return
        caller: Caller = scope["kodit.caller"]
        given: dict[str, Any]
        try:
            given = {"answer": await answer(self.application, caller, question)}
        except KoditError as error:
            given = {"error": ErrorView.of(error)}
        # A listing may be long, and other requests wait for the event loop.
        body = await in_thread(lambda: json.dumps(to_json(given)).encode("ascii"), Lane.READS)
        await send_body(send, HTTPStatus.OK, body)
