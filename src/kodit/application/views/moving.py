"""A move to another database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from kodit.application.views.doctor import DiagnosisView
from kodit.domain.diagnosis import Diagnosis
from kodit.domain.moving import Move


@dataclass(frozen=True, slots=True)
class MovedTableView:
    """A table, and how many rows of it were copied and compared."""

    name: str
    rows: int


@dataclass(frozen=True, slots=True)
class MoveView:
    """A finished move. `kept` is where the former database is left. `tables` is empty if an earlier
    call had already copied them. `doctor` is the examination of the new database."""

    source: str
    target: str
    kept: str | None
    rows: int
    tables: tuple[MovedTableView, ...]
    doctor: DiagnosisView

    @classmethod
    def of(cls, move: Move, diagnosis: Diagnosis) -> Self:
        return cls(
            source=move.source,
            target=move.target,
            kept=move.kept,
            rows=sum(table.rows for table in move.tables),
            tables=tuple(MovedTableView(table.name, table.rows) for table in move.tables),
            doctor=DiagnosisView.of(diagnosis),
        )
