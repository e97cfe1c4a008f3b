"""One command: its application, and the event loop for what of it is asynchronous."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from kodit.composition import Application

T = TypeVar("T")


class Session:
    """Used as a context manager: what it opens is closed at the end of the block."""

    def __init__(self, application: Application) -> None:
        self.application = application
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
