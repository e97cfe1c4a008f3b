"""Answers questions for descriptions, for one caller."""

from __future__ import annotations

from kodit.application.services.descriptions.description_service import DescriptionService
from kodit.application.services.scope_service import ScopeService
from kodit.application.services.standing_service import StandingService
from kodit.application.services.threads import Lane, in_thread
from kodit.application.views.description import DescriptionsView
from kodit.domain.caller import Caller
from kodit.domain.questions import DescribeQuestion


class DescriptionAnswers:
    """Raises what selecting indexes raises (NotFoundError, SourceError), and InvalidQueryError."""

    def __init__(
        self, *, service: DescriptionService, scope: ScopeService, standing: StandingService
    ) -> None:
        self.service = service
        self._scope = scope
        self._standing = standing

    async def describe(self, caller: Caller, question: DescribeQuestion) -> DescriptionsView:
        """The descriptions of the selected indexes."""
        chosen = await in_thread(lambda: self._scope.choose(caller, question.where), Lane.READS)
        descriptions = await self.service.describe(
            question.kind, chosen.filter, question.subject, question.budget
        )
        standing = await in_thread(
            lambda: self._standing.of(chosen.filter, is_implied=chosen.is_implied), Lane.READS
        )
        return DescriptionsView.of(
            question.kind.value,
            question.subject,
            question.budget,
            descriptions,
            standing,
            chosen.problems,
            with_file=caller.is_local,
        )
