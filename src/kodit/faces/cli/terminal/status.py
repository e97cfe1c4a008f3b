"""Looking at indexes, and deleting them."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from kodit.application.views.indexes import IndexesView
from kodit.application.views.left_out import LeftOutsView, LeftOutView
from kodit.domain.questions import LeftOutQuestion, StatusQuestion, Where
from kodit.faces.cli.session import Session
from kodit.faces.cli.terminal.output import json_text, print_as_it_is, print_line, printable, say
from kodit.faces.cli.terminal.runs import queue_line
from kodit.faces.cli.terminal.tables import index_lines, sizes_line

if TYPE_CHECKING:
    from kodit.composition import Application
    from kodit.domain.entities import Index

WATCH_SECONDS = 1.0


def show_indexes(
    session: Session, source: str | None, *, as_json: bool, with_left_out: bool = False
) -> None:
    """Every index, or one, as it stands now; `with_left_out`, with each file that is not in it."""
    view = session.ask(StatusQuestion(source), IndexesView)
    if with_left_out:
        view = _with_left_out(session, source, view)
    for line in _status_lines(view, as_json=as_json, is_stream=False):
        (print_as_it_is if as_json else print_line)(line)
    if not view.indexes and not as_json and session.remote is None:
        from kodit.faces.cli.terminal.another import (  # noqa: PLC0415 - once there are indexes, no
            say_what_another_has,
        )

        say_what_another_has(session.settings)


def _with_left_out(session: Session, source: str | None, view: IndexesView) -> IndexesView:
    where = Where(everywhere=True) if source is None else Where(sources=(source,))
    answer = session.ask(LeftOutQuestion(where), LeftOutsView)
    for problem in answer.problems:
        say(f"kodit: {problem}")
    by_index: dict[int, list[LeftOutView]] = {}
    for one in answer.left_out:
        by_index.setdefault(one.index_id, []).append(one)
    indexes = (replace(index, left_out=tuple(by_index.get(index.id, ()))) for index in view.indexes)
    return replace(view, indexes=tuple(indexes))


def watch_indexes(session: Session, source: str | None, *, as_json: bool) -> None:
    """The same again and again until Ctrl-C: over the last on a terminal, and elsewhere, one after
    the other, whenever it has changed. JSON is one document a line."""
    shown: list[str] = []
    try:
        while True:
            view = session.ask(StatusQuestion(source), IndexesView)
            lines = _status_lines(view, as_json=as_json, is_stream=True)
            if sys.stdout.isatty() and not as_json:
                print_as_it_is("\x1b[H\x1b[J" + printable("\n".join(lines), keep="\n"))
            elif lines != shown:
                (print_as_it_is if as_json else print_line)("\n".join(lines))
            sys.stdout.flush()
            shown = lines
            time.sleep(WATCH_SECONDS)
    except KeyboardInterrupt:
        return


def _status_lines(view: IndexesView, *, as_json: bool, is_stream: bool) -> list[str]:
    if as_json:
        return [json_text(view, indent=None if is_stream else 2)]
    if not view.indexes:
        say("Nothing is indexed yet; `kodit index SOURCE` adds a git URL or a folder.")
    queue = view.queue
    lines = []
    if queue is not None and (is_stream or queue.paused_since or queue.running or queue.waiting):
        lines.append(queue_line(queue))
    lines += [line for index in view.indexes for line in index_lines(index)]
    if view.sizes is not None and view.indexes:
        lines.append(sizes_line(view.sizes))
    return lines


def delete_index(session: Session, name: str) -> None:
    """Raises NotFoundError or SourceError."""

    async def work() -> tuple[int, str]:
        index = await _find_index(session.application, name)
        await session.application.indexes.delete(index.id)
        await session.application.space.give_back()
        return index.id, str(index.source)

    if session.remote is not None:
        index = session.remote.delete(name)
        index_id, source = index.id, index.source
    else:
        index_id, source = session.run(work())
    say(f"Deleted index {index_id} of {printable(source)}.")


async def _find_index(application: Application, name: str) -> Index:
    from kodit.application.services.threads import in_thread  # noqa: PLC0415 - status does without

    return await in_thread(lambda: application.locator.locate(name))
