"""Examining and repairing a data directory: what `kodit doctor` and `Kodit.check` share."""

from __future__ import annotations

from kodit.composition import Application
from kodit.domain.diagnosis import Diagnosis, Problem
from kodit.indexing import Show, ShowOperation, serve_until_ended
from kodit.infrastructure.doctor.database import missing_database, unreadable_database
from kodit.settings import Settings


def fatal_problem(settings: Settings) -> Problem | None:
    """What keeps the data directory from being opened at all."""
    return unreadable_database(settings.data_dir / "kodit.db") or missing_database(
        settings.data_dir
    )


async def check_up(
    application: Application,
    *,
    repair: bool,
    show: Show | None = None,
    show_operation: ShowOperation | None = None,
) -> Diagnosis:
    """Examine everything; with `repair` put right what can be, serve the queue until what that
    takes is indexed again, and examine everything once more."""
    found = tuple(await application.doctor.examine())
    if not repair or not found:
        return Diagnosis(found, found)
    await serve_until_ended(
        application, application.doctor.repair, show=show, show_operation=show_operation
    )
    return Diagnosis(found, tuple(await application.doctor.examine()))
