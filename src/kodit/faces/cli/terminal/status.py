"""Showing indexes, and deleting them."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from kodit.application.views.indexes import IndexesView
from kodit.application.views.left_out import LeftOutsView, LeftOutView
from kodit.domain.errors import UserError
from kodit.domain.questions import LeftOutQuestion, StatusQuestion, Where
from kodit.faces.cli.advice import with_advice
from kodit.faces.cli.session import Session
from kodit.faces.cli.terminal.notices import NOTHING_INDEXED
from kodit.faces.cli.terminal.output import (
    complain,
    json_text,
    print_as_it_is,
    print_line,
    printable,
    say,
)
from kodit.faces.cli.terminal.runs import queue_line
from kodit.faces.cli.terminal.tables import endpoint_lines, index_lines, node_line, sizes_line

if TYPE_CHECKING:
    from kodit.composition import Application
    from kodit.domain.entities import Index

WATCH_SECONDS = 1.0


def show_indexes(
    session: Session, sources: Sequence[str], *, as_json: bool, with_left_out: bool = False
) -> bool:
    """Print every index, or the named ones, with their current state; `with_left_out` adds each
    file that is not indexed. Returns whether all could be shown."""
    view, errors = _look(session, sources)
    if with_left_out:
        view = _with_left_out(session, sources, view)
    for line in _status_lines(view, as_json=as_json, is_stream=False):
        (print_as_it_is if as_json else print_line)(line)
    for wrong in errors:
        complain(with_advice(wrong))
    if not view.indexes and not as_json and session.remote is None:
        from kodit.faces.cli.terminal.other_database import (  # noqa: PLC0415 - not needed once there are indexes
            report_other_database,
        )

        report_other_database(session.settings)
    return not errors


def say_whether_indexed(session: Session) -> None:
    """Say how to index the current folder, if no index holds it."""
    if session.folder is None:
        return
    indexes = session.ask(StatusQuestion(), IndexesView).indexes
    here = (None, session.settings.this_host.name)
    if not any(index.host in here and session.is_inside(index.source) for index in indexes):
        say("This folder is not indexed; `kodit index .` adds it.")


def _with_left_out(session: Session, sources: Sequence[str], view: IndexesView) -> IndexesView:
    where = Where(sources=tuple(sources), everywhere=not sources)
    answer = session.ask(LeftOutQuestion(where), LeftOutsView)
    for problem in answer.problems:
        complain(problem)
    by_index: dict[int, list[LeftOutView]] = {}
    for one in answer.left_out:
        by_index.setdefault(one.index_id, []).append(one)
    indexes = (replace(index, left_out=tuple(by_index.get(index.id, ()))) for index in view.indexes)
    return replace(view, indexes=tuple(indexes))


def _look(session: Session, sources: Sequence[str]) -> tuple[IndexesView, list[UserError]]:
    """The indexes, and the errors of other names; raises the first such error if all names are
    wrong."""
    if not sources:
        return session.ask(StatusQuestion(), IndexesView), []
    views, errors = list[IndexesView](), list[UserError]()
    for source in sources:
        try:
            views.append(session.ask(StatusQuestion(source), IndexesView))
        except UserError as error:
            errors.append(error)
    if not views:
        raise errors[0]
    indexes = {index.id: index for view in views for index in view.indexes}
    return replace(views[-1], indexes=tuple(indexes.values())), errors


def watch_indexes(session: Session, sources: Sequence[str], *, as_json: bool) -> bool:
    """The same repeatedly until Ctrl-C: in place on a terminal, and elsewhere appended at each
    change. JSON is one document per line."""
    shown: list[str] = []
    try:
        while True:
            view, _errors = _look(session, sources)
            lines = _status_lines(view, as_json=as_json, is_stream=True)
            if sys.stdout.isatty() and not as_json:
                print_as_it_is("\x1b[H\x1b[J" + printable("\n".join(lines), keep="\n"))
            elif lines != shown:
                (print_as_it_is if as_json else print_line)("\n".join(lines))
            sys.stdout.flush()
            shown = lines
            time.sleep(WATCH_SECONDS)
    except KeyboardInterrupt:
        return True


def _status_lines(view: IndexesView, *, as_json: bool, is_stream: bool) -> list[str]:
    if as_json:
        return [json_text(view, indent=None if is_stream else 2)]
    if not view.indexes:
        say(NOTHING_INDEXED)
    queue = view.queue
    lines = []
    if queue is not None and (is_stream or queue.paused_since or queue.running or queue.waiting):
        lines.append(queue_line(queue))
    lines += [line for index in view.indexes for line in index_lines(index)]
    if view.sizes is not None and view.indexes:
        lines.append(sizes_line(view.sizes))
    lines += [line for one in view.endpoints or () for line in endpoint_lines(one)]
    lines += [node_line(one) for one in view.nodes or ()]
    return lines


def delete_indexes(session: Session, names: Sequence[str]) -> bool:
    """Delete each index that exists; returns whether all did. Raises NotFoundError or SourceError
    if none did."""
    errors: list[UserError] = []
    for name in names:
        try:
            _delete_index(session, name)
        except UserError as error:
            errors.append(error)
    if len(errors) == len(names):
        raise errors[0]
    for wrong in errors:
        complain(with_advice(wrong))
    return not errors


def _delete_index(session: Session, name: str) -> None:
    """Raises NotFoundError or SourceError."""

    async def work() -> tuple[int, str]:
        index = await _find_index(session.application, name)
        await session.application.indexes.delete(index.id)
        await session.application.space.release_space()
        return index.id, str(index.source)

    if session.remote is not None:
        index = session.remote.delete(name)
        index_id, source = index.id, index.source
    else:
        index_id, source = session.run(work())
    say(f"Deleted index {index_id} of {printable(source)}.")


async def _find_index(application: Application, name: str) -> Index:
    from kodit.application.services.threads import in_thread  # noqa: PLC0415 - not needed for status

    return await in_thread(lambda: application.locator.locate_whole(name))
