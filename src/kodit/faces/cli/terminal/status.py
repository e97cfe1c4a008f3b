"""Looking at indexes, and deleting them."""

from __future__ import annotations

import asyncio
import contextlib
import sys

from kodit.application.services.threads import in_thread
from kodit.application.views.indexes import IndexesView
from kodit.composition import Application
from kodit.domain.entities import Index
from kodit.faces.cli.session import Session
from kodit.faces.cli.terminal.output import json_text, print_as_it_is, print_line, printable, say
from kodit.faces.cli.terminal.runs import queue_line
from kodit.faces.cli.terminal.tables import status_lines

WATCH_SECONDS = 1.0


async def find_index(application: Application, name: str) -> Index:
    """The index of an identifier or of a source. Raises NotFoundError or SourceError."""
    return await in_thread(lambda: application.locator.locate(name))


def show_indexes(session: Session, source: str | None, *, as_json: bool) -> None:
    """Every index, or one, as it stands now."""

    async def read() -> list[str]:
        wanted = await _wanted(session.application, source)
        return await _status_lines(session.application, wanted, as_json=as_json, is_stream=False)

    for line in session.run(read()):
        (print_as_it_is if as_json else print_line)(line)


def watch_indexes(session: Session, source: str | None, *, as_json: bool) -> None:
    """The same again and again until Ctrl-C: over the last on a terminal, and elsewhere, one after
    the other, whenever it has changed. JSON is one document a line."""

    async def watch() -> None:
        wanted = await _wanted(session.application, source)
        shown: list[str] = []
        while True:
            lines = await _status_lines(
                session.application, wanted, as_json=as_json, is_stream=True
            )
            if sys.stdout.isatty() and not as_json:
                print_as_it_is("\x1b[H\x1b[J" + printable("\n".join(lines), keep="\n"))
            elif lines != shown:
                (print_as_it_is if as_json else print_line)("\n".join(lines))
            sys.stdout.flush()
            shown = lines
            await asyncio.sleep(WATCH_SECONDS)

    with contextlib.suppress(KeyboardInterrupt):
        session.run(watch())


async def _wanted(application: Application, source: str | None) -> tuple[int, ...]:
    return () if source is None else ((await find_index(application, source)).id,)


async def _status_lines(
    application: Application, wanted: tuple[int, ...], *, as_json: bool, is_stream: bool
) -> list[str]:
    statuses = await application.indexes.status(wanted)
    queue = await application.queue.overview(application.registry)
    if as_json:
        view = IndexesView.of(statuses, queue)
        return [json_text(view, indent=None if is_stream else 2)]
    if not statuses:
        say("Nothing is indexed yet; `kodit index SOURCE` adds a git URL or a folder.")
    is_busy = queue.paused_since is not None or queue.running or queue.waiting
    lines = [queue_line(queue)] if is_busy or is_stream else []
    return lines + [line for status in statuses for line in status_lines(status, queue)]


def delete_index(session: Session, name: str) -> None:
    async def work() -> None:
        index = await find_index(session.application, name)
        await session.application.indexes.delete(index.id)
        say(f"Deleted index {index.id} of {printable(str(index.source))}.")

    session.run(work())
