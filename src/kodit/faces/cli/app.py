"""The command line. Each command imports what it needs when it runs, so that help is instant."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from typing import Annotated

import typer

from kodit.domain.errors import KoditError, UserError
from kodit.faces.cli.advice import with_advice
from kodit.faces.cli.commands import (
    clients,
    files,
    grep,
    keys,
    moving,
    queue,
    search,
    serve,
    structure,
    worker,
)
from kodit.faces.cli.commands.group import Commands, UsageError, sentence_of_usage, show_help_of
from kodit.faces.cli.commands.options import (
    CommandContext,
    Json,
    Serve,
    given,
    opened_to_read,
)
from kodit.faces.cli.commands.options import loaded as _loaded
from kodit.faces.cli.commands.options import opened as _opened
from kodit.faces.cli.terminal import screen
from kodit.faces.cli.terminal.output import (
    ReaderLeftError,
    complain,
    discard_output,
    finish_output,
    say,
)
from kodit.version import VERSION

EXIT_FAILED = 1
"""Something that was asked for did not succeed."""
EXIT_USER_ERROR = 2
"""The request is not valid."""
EXIT_SERVER_RUNS = 3
"""A server already runs, which was the goal."""
EXIT_INTERRUPTED = 130
OBJECTS_BETWEEN_COLLECTIONS = 50_000

app = typer.Typer(
    name="kodit",
    cls=Commands,
    help="Durable, incremental code search.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich and its imports would be most of the cost of help
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(search.app)
app.add_typer(grep.app)
app.add_typer(files.app)
app.add_typer(structure.app)
app.add_typer(queue.app, name="queue")
app.add_typer(worker.app)
app.add_typer(serve.app)
app.add_typer(moving.app)
app.add_typer(keys.app, name="keys")
app.add_typer(clients.app)


def _print_version(wanted: bool) -> None:
    if wanted:
        _show_version()
        raise typer.Exit


@app.callback()
def configure(
    context: typer.Context,
    data_dir: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="Where Kodit keeps its data: KODIT_DATA_DIR or ~/.kodit unless given. May also "
            "follow the command.",
        ),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(
            "--server",
            metavar="URL",
            help="Ask this server instead, with the key in KODIT_API_KEY; KODIT_SERVER unless "
            "given. May also follow the command.",
        ),
    ] = None,
    color: Annotated[
        screen.Color,
        typer.Option(
            help="When to colour the output: on a terminal, always or never. NO_COLOR and "
            "FORCE_COLOR are honoured. May also follow the command."
        ),
    ] = screen.Color.AUTO,
    no_pager: Annotated[
        bool,
        typer.Option(
            "--no-pager",
            help="Do not page long output on a terminal with KODIT_PAGER, PAGER or less. May "
            "also follow the command.",
        ),
    ] = False,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", help="Print Kodit's version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """Durable, incremental code search."""
    options = given(context)
    options.data_dir, options.server = data_dir, server
    screen.configure(color, pager=not no_pager)


@app.command()
def index(
    context: typer.Context,
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE|ID",
            help="Git URLs (URL@ref selects a ref) or the addresses of their web pages, "
            "owner/name on GitHub, folders, and index identifiers; ./2 is a folder called "
            "2. A path inside an indexed folder means that index.",
            show_default=False,
        ),
    ] = None,
    include: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GLOB",
            help="Index only files that match this glob. Repeatable; kept until changed, and '' "
            "clears it.",
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GLOB",
            help="Do not index files that match this glob. Repeatable; kept until changed, and "
            "'' clears it.",
        ),
    ] = None,
    submodules: Annotated[
        bool | None,
        typer.Option(
            "--submodules/--no-submodules",
            help="Index submodules too, at the commit that the source pins; in a folder, the "
            "repositories within it. Kept until changed.",
        ),
    ] = None,
    credentials: Annotated[
        str | None,
        typer.Option(
            metavar="env:NAME",
            help="The environment variable that holds user:password or a token.",
        ),
    ] = None,
    sync_every: Annotated[
        str | None,
        typer.Option(
            metavar="INTERVAL",
            help="How often a server updates the index by itself: 10m, 1h30m, 2d, never, or "
            "default for the server's own interval. Kept until changed.",
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Index even a folder as large as / or ~.")
    ] = False,
    wait: Annotated[
        bool | None,
        typer.Option(
            "--wait/--no-wait",
            help="Index now, or only queue the work. With --wait, also wait for a spent budget.",
            show_default=False,
        ),
    ] = None,
    is_dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Index and send nothing; show what would be sent to endpoints, and its price.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Add or refresh sources and index them; without a source, list the indexes."""
    if not sources:
        status(context, None, as_json=as_json)
        if not as_json:
            from kodit.faces.cli.terminal.status import say_whether_indexed

            with opened_to_read(context) as session:
                say_whether_indexed(session)
        return
    from kodit.application.services.source_service import IndexRequest
    from kodit.domain.intervals import parse_sync_every
    from kodit.faces.cli.terminal.indexing import index_and_show

    interval = None if sync_every is None else parse_sync_every(sync_every)
    request = IndexRequest(
        sources,
        _globs(include),
        _globs(exclude),
        credentials,
        sync_every=interval,
        submodules=submodules,
        even_if_broad=yes,
    )
    with _opened(context) as session:
        if is_dry_run:
            from kodit.faces.cli.terminal.dry_run import show_dry_run

            succeeded = show_dry_run(session, request, as_json=as_json)
        else:
            succeeded = index_and_show(session, request, wait=wait, as_json=as_json)
    if not succeeded:
        raise typer.Exit(EXIT_FAILED)


def _globs(given: list[str] | None) -> tuple[str, ...] | None:
    """None keeps an index's globs; a single empty text clears them."""
    if not given:
        return None
    return () if given == [""] else tuple(given)


@app.command()
def status(
    context: typer.Context,
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="SOURCE|ID", help="Only these indexes.", show_default=False),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep updating the output until Ctrl-C.")
    ] = False,
    left_out: Annotated[
        bool,
        typer.Option("--left-out", help="Also list each file and folder that is not indexed."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what is indexed and its state."""
    from kodit.faces.cli.terminal.status import (
        show_indexes,
        watch_indexes,
    )

    with opened_to_read(context) as session:
        if watch:
            succeeded = watch_indexes(session, sources or (), as_json=as_json)
        else:
            succeeded = show_indexes(
                session, sources or (), as_json=as_json, with_left_out=left_out
            )
    if not succeeded:
        raise typer.Exit(EXIT_FAILED)


@app.command()
def delete(
    context: typer.Context,
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE|ID", help="Sources as they were indexed, or index identifiers."
        ),
    ],
) -> None:
    """Remove indexes and everything derived from them; the sources are never touched."""
    from kodit.faces.cli.terminal.status import delete_indexes

    with _opened(context) as session:
        succeeded = delete_indexes(session, sources)
    if not succeeded:
        raise typer.Exit(EXIT_FAILED)


@app.command()
def doctor(
    context: typer.Context,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Repair what can be repaired, and reindex where needed."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Check that all stored data is consistent."""
    from kodit.faces.cli.terminal.doctor import check_and_show

    if not check_and_show(_loaded(context), repair=repair, as_json=as_json):
        raise typer.Exit(EXIT_FAILED)


@app.command("version")
def print_version(as_json: Json = False) -> None:
    """Print Kodit's version."""
    _show_version(as_json=as_json)


def _show_version(*, as_json: bool = False) -> None:
    from kodit.faces.cli.terminal.output import print_json, print_line

    if as_json:
        from kodit.application.views.version import VersionView

        print_json(VersionView(VERSION))
    else:
        print_line(VERSION)


def _open_closed_streams() -> None:
    """Open the null device for each standard stream that the caller has closed. Otherwise the next
    opened file takes its number, and receives what is written to the stream."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # takes the lowest free number
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8")
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8")


def main(serve: Serve | None = None) -> None:
    """Run the command line; every expected error is one sentence and an exit code. `serve`
    implements the `serve` command."""
    _open_closed_streams()
    # Importing makes objects that stay: scanning them again and again for garbage takes a tenth of
    # the time of a search.
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    # At exit, Python scans all of them several times; the operating system frees the memory anyway.
    atexit.register(gc.freeze)
    command = CommandContext(serve=serve)
    code, has_ended = None, False
    try:
        code, has_ended = app(obj=command, standalone_mode=False), True
        finish_output()
        _end(code)
    except UsageError as error:
        if not show_help_of(error):
            complain(sentence_of_usage(error))
        sys.exit(EXIT_USER_ERROR)
    except UserError as error:
        complain(with_advice(error))
        sys.exit(EXIT_USER_ERROR)
    except KoditError as error:
        complain(with_advice(error))
        sys.exit(EXIT_SERVER_RUNS if error.code == "server_runs" else command.exit_failed)
    except (KeyboardInterrupt, SystemExit) as end:
        if isinstance(end, SystemExit) and end.code != EXIT_INTERRUPTED:
            raise
        say("kodit: interrupted; run the same command again to continue")
        sys.exit(EXIT_INTERRUPTED)
    except (ReaderLeftError, BrokenPipeError):
        # The reader of the output has stopped reading.
        discard_output()
        _end(code if has_ended or command.only_reads else EXIT_FAILED)
    except (MemoryError, ImportError, RuntimeError, OSError) as error:
        from kodit.faces.cli.ending import end_if_exhausted

        end_if_exhausted(error, command.exit_failed)


def _end(code: object) -> None:
    """Turn the exit code that a command has asked for into the result of the program."""
    if isinstance(code, int) and code:
        sys.exit(code)
