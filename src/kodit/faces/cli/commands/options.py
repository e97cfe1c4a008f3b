"""What several commands share: options, arguments, and the session they work in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

if TYPE_CHECKING:
    from kodit.faces.cli.session import Session
    from kodit.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
IndexName = Annotated[
    str, typer.Argument(metavar="SOURCE|ID", help="A source as it was indexed, or an identifier.")
]
OneIndex = Annotated[
    str | None,
    typer.Argument(
        metavar="SOURCE|ID",
        help="Only this index. Without it, the one that holds the current folder, or else all.",
    ),
]
Sources = Annotated[
    list[str] | None,
    typer.Option("--source", "-s", metavar="SOURCE|ID", help="Only this index. Repeatable."),
]
Everywhere = Annotated[bool, typer.Option("--all", help="Every index, wherever you are.")]
Languages = Annotated[
    list[str] | None, typer.Option("--language", "-l", help="Only this language. Repeatable.")
]
Paths = Annotated[
    list[str] | None,
    typer.Option("--path", "-p", help="Only files that match this glob. Repeatable."),
]


class Serve(Protocol):
    """Serves a data directory until told to stop; the program hands it in from above the faces."""

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
class Given:
    """What every command is given: the option that all share, and what the program hands in."""

    data_dir: str | None = None
    serve: Serve | None = None


def given(context: typer.Context) -> Given:
    """What the commands of this run are given."""
    root = context.find_root()
    if not isinstance(root.obj, Given):
        root.obj = Given()
    return root.obj


def opened(context: typer.Context, log_level: str = "error", **options: Any) -> Session:
    """A session over the data directory that was asked for; closed at the end of `with`.

    `options` are settings that the command line gives; `log_level` is what `auto` means here.
    """
    from kodit.faces.cli.session import Session
    from kodit.settings import Settings

    return Session(Settings.load(data_dir=given(context).data_dir, **options), log_level)


def loaded(context: typer.Context, log_level: str = "error", **options: Any) -> Settings:
    """The settings, likewise, with logs written as they say."""
    from kodit.infrastructure.logs import configure_logs
    from kodit.settings import LogLevel, Settings

    settings = Settings.load(data_dir=given(context).data_dir, **options)
    is_auto = settings.log_level is LogLevel.AUTO
    configure_logs(log_level if is_auto else settings.log_level)
    return settings
