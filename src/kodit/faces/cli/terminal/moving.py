"""`kodit move`: its progress, its result, and what to do next."""

from __future__ import annotations

import time

from kodit.application.views.moving import MoveView
from kodit.composition.moving import SQLITE, planned_move
from kodit.domain.diagnosis import Diagnosis
from kodit.domain.moving import Move
from kodit.faces.cli.session import Session
from kodit.faces.cli.terminal.doctor import show_problems
from kodit.faces.cli.terminal.output import print_json, print_line, say
from kodit.settings import DATABASE_URL, Settings

SECONDS_BETWEEN_LINES = 2.0


def move_and_show(settings: Settings, to: str, *, as_json: bool) -> bool:
    """Move, examine the result, and print what was moved. Returns whether the examination found no
    problem."""
    with planned_move(settings, to) as plan:
        move = plan.service.move(MoveLines().show)
        new_settings = plan.settings
    with Session(new_settings) as session:
        diagnosis = session.run(session.application.examination.check(repair=False))
    if as_json:
        print_json(MoveView.of(move, diagnosis))
    else:
        _show(move, diagnosis)
    _say_what_next(move, is_to_file=to == SQLITE)
    return diagnosis.is_healthy


def give_up_and_tell(settings: Settings, to: str) -> None:
    """End an unfinished move."""
    with planned_move(settings, to) as plan:
        if plan.service.give_up():
            say("kodit: the move was given up; the original can be changed again")
        else:
            say("kodit: there is no unfinished move")


class MoveLines:
    """Reports the progress now and then, and each table that took longer."""

    def __init__(self) -> None:
        self._said_at = time.monotonic()

    def show(self, done: str, table: str, rows: int, total: int) -> None:
        if time.monotonic() - self._said_at >= SECONDS_BETWEEN_LINES:
            self._said_at = time.monotonic()
            say(f"kodit: {table}: {done} {rows:,} of {total:,} rows")


def _show(move: Move, diagnosis: Diagnosis) -> None:
    if move.tables:
        width = max(len(table.name) for table in move.tables)
        for table in move.tables:
            if table.rows:
                print_line(f"{table.name:<{width}}  {table.rows:>12,}")
    show_problems(diagnosis.found)


def _say_what_next(move: Move, *, is_to_file: bool) -> None:
    rows = sum(table.rows for table in move.tables)
    compared = f" {rows:,} rows, compared one by one," if move.tables else ""
    say(f"kodit: moved{compared} from {move.source} to {move.target}")
    if is_to_file:
        say(f"kodit: unset {DATABASE_URL} for every command, `kodit serve` and `kodit worker`")
    else:
        say(
            f"kodit: set {DATABASE_URL} to that address for every command, `kodit serve` and "
            "`kodit worker`, in the environment or in .env of your own settings folder"
        )
    say(f"kodit: the original is kept in {move.kept}; remove it when you no longer need it")
