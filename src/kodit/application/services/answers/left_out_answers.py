"""Answers questions about files that are not in the indexes, for one caller."""

from __future__ import annotations

from collections.abc import Sequence

from kodit.application.services.left_out_service import LeftOutService
from kodit.application.services.scope_service import ScopeService
from kodit.application.services.standing_service import StandingService
from kodit.application.services.threads import Lane, in_thread
from kodit.application.views.left_out import ExplanationView, LeftOutsView, LeftOutView
from kodit.domain.caller import Caller
from kodit.domain.entities import Index
from kodit.domain.errors import InvalidQueryError, NotFoundError, SourceError, TransientError
from kodit.domain.left_out import Explanation, LeftOutRequest
from kodit.domain.ports.database import Database
from kodit.domain.questions import ExplainQuestion, LeftOutQuestion
from kodit.domain.this_host import ON_ANOTHER_HOST
from kodit.domain.value_objects import SearchFilter


class LeftOutAnswers:
    """Each answer raises what selecting its indexes raises (NotFoundError, SourceError)."""

    def __init__(
        self,
        *,
        database: Database,
        left_out: LeftOutService,
        scope: ScopeService,
        standing: StandingService,
    ) -> None:
        self._database = database
        self.service = left_out
        self._scope = scope
        self._standing = standing

    async def left_out(self, caller: Caller, question: LeftOutQuestion) -> LeftOutsView:
        """The files and folders left out of the selected indexes, by index and path."""
        chosen = await in_thread(lambda: self._scope.choose(caller, question.where), Lane.READS)
        indexes = await in_thread(lambda: self._indexes(chosen.filter), Lane.READS)
        found: list[LeftOutView] = []
        problems = []
        for index in indexes:
            within = tuple(folder for one, folder in chosen.filter.within if one == index.id)
            request = LeftOutRequest(within, chosen.filter.paths)
            try:
                of_index = await self.service.find(index, request)
            except (SourceError, TransientError) as error:
                if len(indexes) == 1:
                    raise
                problems.append(str(error))
                continue
            found += [LeftOutView.of(index, one, with_file=caller.is_local) for one in of_index]
        standing = await in_thread(
            lambda: self._standing.of(chosen.filter, is_implied=chosen.is_implied), Lane.READS
        )
        return LeftOutsView(tuple(found), tuple(problems), standing)

    async def explain(self, caller: Caller, question: ExplainQuestion) -> ExplanationView:
        """Why a file is in its index or not. Raises InvalidQueryError if several indexes have such
        a file, and NotFoundError if none has."""
        places = await in_thread(
            lambda: self._scope.places(caller, question.where, question.path), Lane.READS
        )
        found, absences = [], []
        for index, paths in places.in_indexes:
            for one in paths:
                try:
                    found.append(await self.service.explain(index, one))
                    break
                except NotFoundError as error:
                    absences.append(error)
                except SourceError as error:
                    if error.code != ON_ANOTHER_HOST or len(places.in_indexes) == 1:
                        raise
                    break
        explanation = _only(found, absences, question.path)
        standing = await in_thread(
            lambda: self._standing.of(
                SearchFilter((explanation.index.id,)), is_implied=places.is_implied
            ),
            Lane.READS,
        )
        return ExplanationView.of(explanation, standing, with_file=caller.is_local)

    def _indexes(self, search_filter: SearchFilter) -> list[Index]:
        with self._database.read() as transaction:
            return transaction.indexes.select(search_filter.index_ids)


def _only(
    found: Sequence[Explanation], absences: Sequence[NotFoundError], path: str
) -> Explanation:
    if len(found) == 1:
        return found[0]
    if not found:
        if len(absences) == 1:
            raise absences[0]
        raise NotFoundError(
            f"no source has a file or folder {path!r}", code="file_in_no_index", path=path
        )
    names = ", ".join(f"{one.index.source} ({one.index.id})" for one in found)
    raise InvalidQueryError(
        f"several indexes have a file {path!r}; name one of them: {names}",
        code="sources_several",
        path=path,
    )
