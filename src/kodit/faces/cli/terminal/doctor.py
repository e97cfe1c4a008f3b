"""`kodit doctor`."""

from __future__ import annotations

import signal
from collections.abc import Sequence

from kodit.application.services.threads import in_thread
from kodit.application.services.worker_host import RunObserver
from kodit.application.views.doctor import DiagnosisView
from kodit.composition import Application
from kodit.domain.diagnosis import Diagnosis, Problem
from kodit.domain.errors import UserError
from kodit.faces.cli.advice import with_advice
from kodit.faces.cli.session import Session
from kodit.faces.cli.signals import on_signals
from kodit.faces.cli.terminal.other_database import report_other_database
from kodit.faces.cli.terminal.output import is_interactive, print_json, print_line, printable, say
from kodit.faces.cli.terminal.tables import megabytes
from kodit.settings import Settings


def check_and_show(settings: Settings, *, repair: bool, as_json: bool) -> bool:
    """Examine the data directory, repair it on request, and print the problems. Returns whether
    none remains."""
    diagnosis = _check(settings, repair=repair)
    if as_json:
        print_json(DiagnosisView.of(diagnosis))
        return diagnosis.is_healthy
    show_problems(diagnosis.found)
    if not diagnosis.found:
        say("No problems were found.")
    elif not repair:
        if any(problem.repair for problem in diagnosis.found):
            say("`kodit doctor --repair` makes the repairs that follow the arrows.")
    elif diagnosis.is_healthy:
        say("All of this was repaired.")
    else:
        say("These problems remain after the repair:")
        show_problems(diagnosis.remaining)
    if diagnosis.freeable:
        advice = "" if repair else "; `kodit doctor --repair` releases it"
        say(f"{megabytes(diagnosis.freeable)} of the database is free{advice}.")
    return diagnosis.is_healthy


def _check(settings: Settings, *, repair: bool) -> Diagnosis:
    """Raises UserError if there is nothing to examine."""
    report_other_database(settings)
    if not settings.data_dir.exists():
        raise UserError(f"the data directory {settings.data_dir} does not exist")
    examination = Application(settings).examination
    unopened = examination.before_opening()
    if unopened is not None:
        return unopened
    if not examination.has_database():
        raise UserError(f"{settings.data_dir} holds no database; nothing is indexed there")
    with Session(settings) as session:
        return session.run(_work(session.application, repair=repair))


async def _work(application: Application, *, repair: bool) -> Diagnosis:
    await in_thread(application.database.check_writable)  # it locks what it examines
    stopped_by = on_signals(signal.SIGTERM)
    if not (repair and is_interactive()):
        return await application.examination.check(repair=repair, stopped_by=stopped_by)
    from kodit.faces.cli.terminal.live import LiveProgress  # noqa: PLC0415 - for terminals only

    with LiveProgress() as live:
        return await application.examination.check(
            repair=True,
            observer=RunObserver(live.show, live.show_operation),
            stopped_by=stopped_by,
        )


def show_problems(problems: Sequence[Problem]) -> None:
    """Print each with its remedy."""
    for problem in problems:
        where = "" if problem.index_id is None else f", index {problem.index_id}"
        remedy = printable(with_advice(problem, problem.remedy))
        print_line(f"{problem.area}{where}: {printable(problem.what)} → {remedy}")
