"""One command: its application, and the event loop for what of it is asynchronous."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from kodit.composition import Application
from kodit.domain.caller import Caller

if TYPE_CHECKING:
    from kodit.application.services.answers.answer_service import AnswerService

T = TypeVar("T")


class Session:
    """Used as a context manager: what it opens is closed at the end of the block."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.caller = Caller(folder=_current_folder())
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        self.application.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._runner.close()
        self.application.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine; Ctrl-C cancels it first."""
        return self._runner.run(work)

    def ask(self, question: Callable[[AnswerService, Caller], Coroutine[Any, Any, T]]) -> T:
        """The answer to a question of the user's, asked where the user stands."""
        return self.run(question(self.application.answers, self.caller))


def _current_folder() -> str | None:
    """Where the user stands; None where that is no folder any more."""
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return None
