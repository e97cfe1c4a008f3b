"""The session of one command: who answers its questions, and what it opens for that."""

from __future__ import annotations

import os
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

# A command that a server answers ends before this would be loaded.
if TYPE_CHECKING:
    import asyncio

    from kodit.composition import Application
    from kodit.domain.questions import AnyQuestion
    from kodit.faces.cli.remote import RemoteServer
    from kodit.faces.cli.resident import ResidentServer
    from kodit.infrastructure.git.credentials import SecretExchange
    from kodit.settings import Settings

T = TypeVar("T")


class Session:
    """Used as a context manager: everything it opens is closed at the end of the block.

    Questions go to the server of the data directory, if there is one. Everything else, and every
    question that no server answers, is done by the command's own application. A session with a
    server on another machine, `remote`, has no application: that server does everything.
    """

    def __init__(
        self,
        settings: Settings,
        log_level: str = "error",
        *,
        has_server: bool = False,
        exchange: SecretExchange | None = None,
    ) -> None:
        """`log_level` is what `auto` means here; `has_server` selects the server of the settings
        instead of the data directory. `exchange` is for workers of a server; other commands hand it
        their secrets. Raises SettingError for an invalid address."""
        self.settings = settings
        self.remote: RemoteServer | None = None
        if has_server:
            from kodit.faces.cli.remote import RemoteServer  # noqa: PLC0415 - see above
            from kodit.infrastructure.remote.connection import RemoteConnection  # noqa: PLC0415

            self.remote = RemoteServer(RemoteConnection(settings.server, settings.api_key))
        self._log_level = log_level
        self._exchange = exchange
        self._folder = _current_folder()
        self._application: Application | None = None
        self._reading: Application | None = None
        self._server: ResidentServer | None = None
        self._has_looked = False
        self._runner: asyncio.Runner | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for server in (self.remote, self._server):
            if server is not None:
                server.close()
        if self._runner is not None:
            self._runner.close()
        for application in (self._application, self._reading):
            if application is not None:
                application.close()

    @property
    def folder(self) -> str | None:
        """The user's current folder; None if the sources are on another machine."""
        return None if self.remote is not None else self._folder

    @property
    def application(self) -> Application:
        """The command's own application, opened when it is first needed. Raises what opening it
        raises."""
        if self.remote is not None:
            raise RuntimeError("this is done by the server on the other machine, not here")
        if self._application is None:
            self._application = self._open(is_brief=False)
        return self._application

    def _open(self, *, is_brief: bool) -> Application:
        from kodit.composition import Application  # noqa: PLC0415 - see above
        from kodit.composition.made_later import made_later  # noqa: PLC0415 - see above
        from kodit.infrastructure.logs import configure_logs  # noqa: PLC0415 - see above
        from kodit.settings import LogLevel  # noqa: PLC0415 - see above

        level = self.settings.log_level
        configure_logs(self._log_level if level is LogLevel.AUTO else level)
        exchange = self._exchange or made_later(self._secrets_for_server)
        application = Application(self.settings, exchange, is_brief=is_brief, compares_folders=True)
        application.open()
        return application

    def _secrets_for_server(self) -> SecretExchange:
        from kodit.infrastructure.resident.secrets import (  # noqa: PLC0415 - see above
            SecretsForServer,
        )

        return SecretsForServer(self.settings.data_dir)

    def is_inside(self, source: str) -> bool:
        """Whether a source on this machine is the current folder, or holds it."""
        return self._folder is not None and f"{self._folder}/".startswith(f"{source.rstrip('/')}/")

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine; Ctrl-C cancels it first."""
        try:
            if self._runner is None:
                import asyncio  # noqa: PLC0415 - see above

                from kodit.infrastructure.descriptors import (  # noqa: PLC0415 - see above
                    check_descriptors,
                )

                check_descriptors()
                self._runner = asyncio.Runner()
            return self._runner.run(work)
        finally:
            work.close()  # there was no event loop, so that it never ran

    def ask(self, question: AnyQuestion, view: type[T]) -> T:
        """The answer to the user's question, asked from the current folder: a view of that class.
        Raises what the question raises, whoever answers it."""
        if self.remote is not None:
            return _checked(self.remote.ask(question), view)
        server = self._find_server()
        if server is not None:
            answer = server.ask(question)
            if answer is not None:
                from kodit.application.views.serialization import from_json  # noqa: PLC0415

                with suppress(ValueError):  # another program uses this version's name
                    return from_json(view, answer)
            self._server = None
        return self._answer(question, view)

    def _answer(self, question: AnyQuestion, view: type[T]) -> T:
        from kodit.application.services.answers.any_answer import answer  # noqa: PLC0415
        from kodit.application.services.threads import (  # noqa: PLC0415 - see above
            LoopNeededError,
            run_alone,
        )
        from kodit.domain.caller import Caller  # noqa: PLC0415 - see above

        asked = self._application or self._opened_to_read()
        caller = Caller(folder=self._folder)
        with suppress(LoopNeededError):
            return _checked(run_alone(answer(asked, caller, question)), view)
        return _checked(self.run(answer(asked, caller, question)), view)

    def _opened_to_read(self) -> Application:
        if self._reading is None:
            # Starting threads takes numpy longer than answering one question without them, with the
            # same results.
            os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
            self._reading = self._open(is_brief=True)
        return self._reading

    @property
    def is_served(self) -> bool:
        """Whether questions go to a server, which knows the changes in its folders."""
        return self.remote is not None or self._find_server() is not None

    def outdated_here(self) -> str | None:
        """The folder whose index holds the current folder, if files in it have changed since it was
        indexed; None also if it has no complete index."""
        if self._folder is None:
            return None
        application = self._opened_to_read()
        held = application.locator.holding(self._folder)
        if held is None or not application.comparisons.is_outdated(held.index):
            return None
        return held.index.source.location

    def _find_server(self) -> ResidentServer | None:
        """The server of the data directory. Not used by a command that has already opened the data
        directory itself, or by one without a folder, for which the server could take its own."""
        if not self._has_looked and self._application is None and self._folder is not None:
            from kodit.infrastructure.resident.place import has_socket  # noqa: PLC0415 - see above

            if has_socket(self.settings.data_dir):
                from kodit.faces.cli.resident import find_server  # noqa: PLC0415 - see above

                self._server = find_server(self.settings, self._folder)
        self._has_looked = True
        return self._server


def _checked(answer: object, view: type[T]) -> T:
    if not isinstance(answer, view):
        raise TypeError(f"{type(answer).__name__} is not {view.__name__}")
    return answer


def _current_folder() -> str | None:
    """The current folder; None if it no longer exists."""
    try:
        return os.getcwd()  # noqa: PTH109 - most commands would load pathlib for this alone
    except FileNotFoundError:
        return None
