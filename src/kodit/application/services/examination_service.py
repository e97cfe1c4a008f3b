"""Examining a data directory and, where that is asked for, repairing it."""

from __future__ import annotations

from kodit.application.services.doctor_service import DoctorService
from kodit.application.services.worker_host import RunObserver, StoppedBy, WorkerHost
from kodit.domain.diagnosis import Diagnosis


class ExaminationService:
    """What every face does to check that all is in order."""

    def __init__(self, *, doctor: DoctorService, host: WorkerHost) -> None:
        self._doctor = doctor
        self._host = host

    async def check(
        self,
        *,
        repair: bool,
        observer: RunObserver | None = None,
        stopped_by: StoppedBy | None = None,
    ) -> Diagnosis:
        """Examine everything; with `repair` put right what can be, serve the queue until what that
        takes is indexed again, and examine everything once more."""
        found = tuple(await self._doctor.examine())
        if not repair or not found:
            return Diagnosis(found, found)
        await self._host.serve_until_ended(
            self._doctor.repair, observer=observer, stopped_by=stopped_by
        )
        return Diagnosis(found, tuple(await self._doctor.examine()))
