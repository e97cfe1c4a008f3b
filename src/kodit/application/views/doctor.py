"""The results of an examination."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from kodit.domain.diagnosis import Diagnosis, Problem


@dataclass(frozen=True, slots=True)
class ProblemView:
    """A problem: `repair` says what a repair does, or `advice` what only the user can do."""

    area: str
    index_id: int | None
    problem: str
    repair: str | None
    advice: str | None

    @classmethod
    def of(cls, problem: Problem) -> Self:
        return cls(
            area=problem.area.value,
            index_id=problem.index_id,
            problem=problem.what,
            repair=problem.remedy if problem.repair else None,
            advice=None if problem.repair else problem.remedy,
        )


@dataclass(frozen=True, slots=True)
class DiagnosisView:
    """The problems found, and those that remain after a repair. `freeable_bytes` of the database
    are unused and could be released."""

    healthy: bool
    problems: tuple[ProblemView, ...]
    remaining: tuple[ProblemView, ...]
    freeable_bytes: int = 0

    @classmethod
    def of(cls, diagnosis: Diagnosis) -> Self:
        return cls(
            diagnosis.is_healthy,
            tuple(map(ProblemView.of, diagnosis.found)),
            tuple(map(ProblemView.of, diagnosis.remaining)),
            diagnosis.freeable,
        )
