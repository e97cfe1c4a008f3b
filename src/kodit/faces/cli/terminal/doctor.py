"""`kodit doctor`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from kodit.checkup import check_up, fatal_problem
from kodit.composition import Application
from kodit.domain.diagnosis import Diagnosis, Problem
from kodit.domain.errors import UserError
from kodit.faces.cli.terminal.output import is_interactive, print_json, print_line, printable, say
from kodit.infrastructure.doctor.database import has_tables
from kodit.settings import Settings
from kodit.shapes import problem_shape


def check_and_show(settings: Settings, *, repair: bool, as_json: bool) -> bool:
    """Examine the data directory, repair it where that is asked for, and print what was wrong.
    Returns whether nothing is wrong (any more)."""
    diagnosis = _check(settings, repair=repair)
    if as_json:
        print_json(
            {
                "healthy": diagnosis.is_healthy,
                "problems": [problem_shape(problem) for problem in diagnosis.found],
                "remaining": [problem_shape(problem) for problem in diagnosis.remaining],
            }
        )
        return diagnosis.is_healthy
    _show(diagnosis.found)
    if not diagnosis.found:
        say("Nothing is wrong.")
    elif not repair:
        if any(problem.repair for problem in diagnosis.found):
            say("`kodit doctor --repair` does what stands behind the arrows.")
    elif diagnosis.is_healthy:
        say("All of this is repaired.")
    else:
        say("After the repair there is still:")
        _show(diagnosis.remaining)
    return diagnosis.is_healthy


def _check(settings: Settings, *, repair: bool) -> Diagnosis:
    """Raises UserError where there is nothing to examine."""
    if not settings.data_dir.exists():
        raise UserError(f"the data directory {settings.data_dir} does not exist")
    fatal = fatal_problem(settings)
    if fatal is not None:
        return Diagnosis((fatal,), (fatal,))
    if not has_tables(settings.data_dir / "kodit.db"):
        raise UserError(f"{settings.data_dir} holds no database; nothing is indexed there")
    with Application(settings) as application:
        return asyncio.run(_work(application, repair=repair))


async def _work(application: Application, *, repair: bool) -> Diagnosis:
    if not (repair and is_interactive()):
        return await check_up(application, repair=repair)
    from kodit.faces.cli.terminal.live import LiveProgress  # noqa: PLC0415 - for terminals only

    with LiveProgress() as live:
        return await check_up(
            application, repair=True, show=live.show, show_operation=live.show_operation
        )


def _show(problems: Sequence[Problem]) -> None:
    for problem in problems:
        where = "" if problem.index_id is None else f", index {problem.index_id}"
        print_line(f"{problem.area}{where}: {printable(problem.what)} → {problem.remedy}")
