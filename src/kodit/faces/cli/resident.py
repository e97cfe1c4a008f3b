"""A connection of one command to the resident server of the data directory."""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import quote

from kodit.application.views.errors import ErrorView
from kodit.application.views.questions import question_to_json
from kodit.application.views.serialization import from_json
from kodit.domain.errors import TransientError, UserError
from kodit.domain.questions import AnyQuestion
from kodit.faces.cli.terminal.output import say
from kodit.infrastructure.resident.connecting import (
    ASK_PATH,
    ask_to_end,
    connect,
    exchange,
    handshake,
)
from kodit.settings import Settings
from kodit.version import VERSION

ANSWER_SECONDS = 60.0
"""Longer than a server takes to answer, or to report a time-out."""
LARGEST_ANSWER_BYTES = 2_000_000_000
"""Effectively no limit: a listing is as long as the repository is large."""


class ResidentServer:
    """A connection to a server, which answers questions. A command that gets no answer, for
    whatever reason, can answer the question by itself."""

    def __init__(self, connection: socket.socket, settings: Settings, folder: str) -> None:
        """`folder` is the user's current folder."""
        self._connection = connection
        self._settings = settings
        self._headers = {"X-Kodit-Folder": quote(folder.encode("utf-8", "surrogateescape"))}

    def close(self) -> None:
        self._connection.close()

    def ask(self, question: AnyQuestion) -> Any:
        """The view that answers a question, as JSON; None if this server does not answer, after
        which it is not asked again. Raises the error that the question raised there."""
        try:
            status, answer = self._exchange(question)
        except TransientError:  # the server has ended
            self.close()
            return None
        if status == 200 and isinstance(answer, dict):
            if "error" in answer:
                raise from_json(ErrorView, answer["error"]).error()
            return answer["answer"]
        if status in (404, 409):
            self._note_difference()
        self.close()
        return None

    def _exchange(self, question: AnyQuestion) -> tuple[int, Any]:
        asked = {
            "version": VERSION,
            "settings": self._settings.digest,
            "question": question_to_json(question),
        }
        return exchange(
            self._connection,
            "POST",
            ASK_PATH,
            json.dumps(asked).encode("ascii"),
            headers=self._headers,
            seconds=ANSWER_SECONDS,
            largest=LARGEST_ANSWER_BYTES,
        )

    def _note_difference(self) -> None:
        """Ask an idle server of another version to end, and report one that stays. A server with
        other settings is right for the process that started it."""
        try:
            about = handshake(self._connection)
            if about.version == VERSION or ask_to_end(self._connection):
                return
        except TransientError:
            return
        why = about.busy_with or "it was started to keep running"
        say(
            f"kodit: the server of {self._settings.data_dir} (process {about.pid}) is version "
            f"{about.version}, not {VERSION}, and is not used: {why}"
        )


def find_server(settings: Settings, folder: str) -> ResidentServer | None:
    """The server of a data directory, if one runs that can be trusted."""
    try:
        connection = connect(settings.data_dir)
    except UserError:
        return None
    return None if connection is None else ResidentServer(connection, settings, folder)
