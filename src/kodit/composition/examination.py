"""Builds the service that examines a data directory, before it is opened and afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kodit.application.services.doctor_service import DoctorService
from kodit.application.services.examination_service import ExaminationService
from kodit.application.services.space_service import SpaceService
from kodit.application.services.worker_host import WorkerHost
from kodit.infrastructure.doctor.database import fatal_problem, has_tables


def make_examination(
    data_dir: Path,
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
        fatal_problem=lambda: fatal_problem(data_dir),
        has_database=lambda: has_tables(data_dir / "kodit.db"),
    )
