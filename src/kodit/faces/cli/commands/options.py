"""Options, arguments and sessions that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

if TYPE_CHECKING:
    from kodit.faces.cli.session import Session
    from kodit.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
JsonLines = Annotated[
    bool, typer.Option("--jsonl", help="Print each result as JSON on a line of its own.")
]
OnlyFiles = Annotated[
    bool, typer.Option("--files", help="Print only the paths of the files, each once.")
]
Lines = Annotated[
    int | None,
    typer.Option(
        metavar="NUMBER",
        min=0,
        show_default=False,
        help="Lines of text to show for each result; 6 unless given, or on a terminal as many as "
        "fit the screen.",
    ),
]
SOURCES_HELP = (
    "Only these: folders or files in an index, git URLs, index identifiers, or the last part of "
    "a source's name. By default the index that contains the current folder, or else all indexes."
)
IndexNames = Annotated[
    list[str] | None, typer.Argument(metavar="SOURCE|ID", help=SOURCES_HELP, show_default=False)
]
Sources = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        "-s",
        metavar="SOURCE|ID",
        help="Only this index, or this folder or file in one. Repeatable.",
    ),
]
Everywhere = Annotated[
    bool, typer.Option("--all", help="Every index, whatever the current folder.")
]
Languages = Annotated[
    list[str] | None,
    typer.Option(
        "--language",
        "-l",
        metavar="LANGUAGE",
        help="Only this language, such as python or py. Repeatable.",
    ),
]
Paths = Annotated[
    list[str] | None,
    typer.Option(
        "--path", "-p", metavar="GLOB", help="Only files that match this glob. Repeatable."
    ),
]
KINDS = (
    "function, method, class, interface, enum, struct, trait, module, type, constant, macro, "
    "section, property, field, event, variable, route, target, task, table, view, procedure, "
    "trigger or index"
)
Kinds = Annotated[
    list[str] | None,
    typer.Option(
        "--kind", "-k", metavar="KIND", help=f"Only definitions of this kind: {KINDS}. Repeatable."
    ),
]
EXIT_NOTHING_FOUND = 1
EXIT_ERROR = 2
EXIT_CODES = "Exit codes: 0 success, 1 failure, 2 invalid request, 130 interrupted."
EXIT_CODES_OF_GREP = "Exit codes: 0 found, 1 nothing found, 2 any error, 130 interrupted."


class Serve(Protocol):
    """Serves a data directory until told to stop; the program passes it in from above the faces."""

    def __call__(
        self,
        settings: Settings,
        *,
        host: str | None,
        port: int,
        workers: int | None,
        idle_minutes: float | None,
    ) -> None: ...


@dataclass(slots=True)
class CommandContext:
    """What every command receives: the shared options, and what the program passes in."""

    data_dir: str | None = None
    server: str | None = None
    serve: Serve | None = None
    is_search_like: bool = False
    """Whether the exit codes are those of grep: 0 found, 1 nothing found, 2 any error."""
    only_reads: bool = False
    """Whether the command is complete when its output is no longer read."""

    @property
    def exit_failed(self) -> int:
        """The exit code of a failure that is not a mistake of the user."""
        return EXIT_ERROR if self.is_search_like else EXIT_NOTHING_FOUND


def given(context: typer.Context) -> CommandContext:
    """What the commands of this process receive."""
    root = context.find_root()
    if not isinstance(root.obj, CommandContext):
        root.obj = CommandContext()
    return root.obj


def opened(context: typer.Context, **options: Any) -> Session:
    """A session over the data directory or with the server of the shared options; closed at the end
    of `with`. `options` are settings from the command line."""
    from kodit.domain.errors import UserError
    from kodit.faces.cli.session import Session
    from kodit.settings import Settings

    asked = given(context)
    if asked.data_dir is not None and asked.server is not None:
        raise UserError(
            "--data-dir is for this machine and --server for another; give only one of them"
        )
    settings = Settings.load(data_dir=asked.data_dir, server=asked.server, **options)
    return Session(settings, has_server=bool(settings.server) and asked.data_dir is None)


def opened_to_read(context: typer.Context) -> Session:
    """The same for a command that changes nothing."""
    given(context).only_reads = True
    return opened(context)


def opened_to_search(context: typer.Context) -> Session:
    """The same for a command with the exit codes of grep."""
    given(context).is_search_like = True
    return opened_to_read(context)


def leave(found: bool, problems: Sequence[str] = ()) -> None:
    """End such a command: with 0 if something was found, 1 if nothing was, and 2 if a source could
    not be used, whatever the others returned."""
    if problems:
        raise typer.Exit(EXIT_ERROR)
    if not found:
        raise typer.Exit(EXIT_NOTHING_FOUND)


def opened_here(context: typer.Context, log_level: str = "error", **options: Any) -> Session:
    """A session over the data directory alone; `log_level` is what `auto` means in it."""
    from kodit.faces.cli.session import Session

    return Session(_settings_of_this_machine(context, **options), log_level)


def loaded(context: typer.Context, log_level: str = "error", **options: Any) -> Settings:
    """The settings of a command that works on this machine; starts logging as they say."""
    from kodit.infrastructure.logs import configure_logs
    from kodit.settings import LogLevel

    settings = _settings_of_this_machine(context, **options)
    is_auto = settings.log_level is LogLevel.AUTO
    configure_logs(log_level if is_auto else settings.log_level)
    return settings


def command_path(context: Any) -> str:
    """The command as users type it, however the program was started."""
    _program, *names = context.command_path.removeprefix("python -m ").split()
    return " ".join(("kodit", *names))


def _settings_of_this_machine(context: typer.Context, **options: Any) -> Settings:
    """Raises UserError if another machine was asked for."""
    from kodit.domain.errors import UserError
    from kodit.settings import Settings

    asked = given(context)
    if asked.server is not None:
        raise UserError(
            f"`{command_path(context)}` works on the data of this machine and does not take "
            "--server; run it where the server runs"
        )
    return Settings.load(data_dir=asked.data_dir, **options)
