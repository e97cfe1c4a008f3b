"""Examines a data directory and repairs it."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from kodit.application.services.index_service import IndexService
from kodit.application.services.keyword_following import apply_log
from kodit.application.services.threads import in_thread
from kodit.domain.diagnosis import Problem
from kodit.domain.entities import IndexRun
from kodit.domain.errors import NotFoundError
from kodit.domain.ports.database import Database
from kodit.domain.ports.doctor import Examiner
from kodit.domain.ports.engines import KeywordIndex
from kodit.domain.value_objects import QueuePriority

log = logging.getLogger(__name__)

MOST_ROUNDS = 3
"""A repair may expose another problem in the same area, but not more often than this."""


class DoctorService:
    """Safe beside workers: the problems are found in one snapshot, and every repair checks again,
    in its own transaction, what it is about to change."""

    def __init__(
        self,
        *,
        database: Database,
        indexes: IndexService,
        keyword_index: KeywordIndex | None,
        examiners: Sequence[Examiner],
    ) -> None:
        self._database = database
        self._indexes = indexes
        self._keyword_index = keyword_index
        self._examiners = examiners

    async def examine(self) -> list[Problem]:
        """All problems; changes nothing."""
        return [problem for examiner in self._examiners for problem in await _look(examiner)]

    async def repair(self) -> list[IndexRun]:
        """Repair what can be repaired, area by area. Returns the runs that do the rest, which a
        worker has to process like any run."""
        refresh: set[int] = set()
        for examiner in self._examiners:
            for _ in range(MOST_ROUNDS):
                problems = [problem for problem in await _look(examiner) if problem.repair]
                if not problems:
                    break
                relog: set[int] = set()
                for problem in problems:
                    await _repair(problem)
                    relog |= problem.relog
                    refresh |= problem.refresh
                if self._keyword_index is None:  # others follow the log
                    continue
                for index_id in sorted(relog):  # also where a source is gone
                    await apply_log(self._database, self._keyword_index, index_id)
        return [run for index_id in sorted(refresh) if (run := await self._request(index_id))]

    async def _request(self, index_id: int) -> IndexRun | None:
        try:
            return await self._indexes.request_run(index_id, QueuePriority.USER_INITIATED)
        except NotFoundError:
            return None  # deleted meanwhile


async def _look(examiner: Examiner) -> Sequence[Problem]:
    try:
        return await in_thread(examiner.examine)
    except Exception as error:
        log.debug("the %s cannot be checked", examiner.area, exc_info=True)
        return [
            Problem(
                examiner.area,
                f"it cannot be checked: {_sentence(error)}",
                "nothing; fix the problems reported above first",
            )
        ]


async def _repair(problem: Problem) -> None:
    """If a repair fails, its problem will be found again."""
    if problem.repair is None:
        return
    try:
        await problem.repair()
    except Exception as error:  # noqa: BLE001 - as above; the other problems can still be repaired
        log.error(  # noqa: TRY400 - the sentence is for people
            "%s: %s; the repair failed: %s", problem.area, problem.what, _sentence(error)
        )


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
