"""The effects of the stages in these tests, in an append-only file outside the database."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from kodit.domain.entities import Task


class Effect(NamedTuple):
    """One line. `kind` is `start` (a stage has started) or `batch` (a batch is about to be
    committed); `at_us` is in microseconds since 1970."""

    at_us: int
    kind: str
    process: int
    run: int
    task: int
    type: str
    batch: int
    claim_no: int


class EffectLog:
    """Appends whole lines, so that many processes may share the file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, kind: str, task: Task, batch: int = 0) -> None:
        effect = Effect(
            time.time_ns() // 1000,
            kind,
            os.getpid(),
            task.run_id or 0,
            task.id,
            task.type_name,
            batch,
            task.claim_no,
        )
        line = (" ".join(map(str, effect)) + "\n").encode()
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)

    def read(self) -> list[Effect]:
        """All lines, in the order in which they were written."""
        if not self._path.exists():
            return []
        effects = []
        for line in self._path.read_text("ascii").splitlines():
            at_us, kind, process, run, task, stage, batch, claim_no = line.split()
            effects.append(
                Effect(
                    int(at_us),
                    kind,
                    int(process),
                    int(run),
                    int(task),
                    stage,
                    int(batch),
                    int(claim_no),
                )
            )
        return effects


def work(number: int, milliseconds: int, *, report: Callable[[int, int | None], None]) -> int:
    """The work of a child process for a batch: it takes a while, and reports progress."""
    report(0, 1)
    time.sleep(milliseconds / 1000)
    return number
