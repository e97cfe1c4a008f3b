"""Builds the service that examines a data directory, before it is opened and afterwards."""

from __future__ import annotations

from collections.abc import Callable

from kodit.application.services.doctor_service import DoctorService
from kodit.application.services.examination_service import ExaminationService
from kodit.application.services.space_service import SpaceService
from kodit.application.services.worker_host import WorkerHost
from kodit.composition.store import Store


def make_examination(
    store: Store,
    *,
    doctor: Callable[[], DoctorService],
    host: Callable[[], WorkerHost],
    space: Callable[[], SpaceService],
) -> ExaminationService:
    """`doctor`, `host` and `space` are created once the data directory is open."""
    return ExaminationService(
        doctor=doctor,
        host=host,
        space=space,
        fatal_problem=store.fatal_problem,
        has_database=store.has_database,
    )
