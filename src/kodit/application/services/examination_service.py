"""Examines a data directory and, on request, repairs it."""

from __future__ import annotations

from collections.abc import Callable

from kodit.application.services.doctor_service import DoctorService
from kodit.application.services.space_service import SpaceService
from kodit.application.services.worker_host import RunObserver, StoppedBy, WorkerHost
from kodit.domain.diagnosis import Area, Diagnosis, Problem


class ExaminationService:
    """The check that every face offers."""

    def __init__(
        self,
        *,
        doctor: Callable[[], DoctorService],
        host: Callable[[], WorkerHost],
        space: Callable[[], SpaceService],
        fatal_problem: Callable[[], Problem | None],
        has_database: Callable[[], bool],
    ) -> None:
        """`doctor`, `host` and `space` are created once the data directory is open; `fatal_problem`
        returns what keeps it from being opened, and `has_database` whether there is anything in
        it."""
        self._doctor = doctor
        self._host = host
        self._space = space
        self._fatal_problem = fatal_problem
        self._has_database = has_database

    def before_opening(self) -> Diagnosis | None:
        """The diagnosis of a data directory that cannot be opened, or must not be, because that
        would create a new database beside the remains of another; None if it can be opened."""
        fatal = self._fatal_problem()
        return None if fatal is None else Diagnosis((fatal,), (fatal,))

    def has_database(self) -> bool:
        """Whether there is a database to examine. Opening the data directory would create one."""
        return self._has_database()

    async def check(
        self,
        *,
        repair: bool,
        observer: RunObserver | None = None,
        stopped_by: StoppedBy | None = None,
    ) -> Diagnosis:
        """Examine everything. With `repair`, repair what can be repaired, serve the queue until the
        affected indexes are complete, examine everything again, and release unused disk space."""
        found = remaining = tuple(await self._doctor().examine())
        if not repair:
            return Diagnosis(found, found, await self._space().freeable())
        if found:
            await self._host().serve_until_ended(
                self._doctor().repair, observer=observer, stopped_by=stopped_by
            )
            remaining = tuple(await self._doctor().examine())
        if not any(problem.area is Area.DATABASE for problem in remaining):
            await self._space().release_all_space()
        return Diagnosis(found, remaining, await self._space().freeable())
