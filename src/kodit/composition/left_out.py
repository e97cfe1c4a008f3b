"""Builds the service that explains why files are not in the indexes."""

from __future__ import annotations

from kodit.application.services.answers.left_out_answers import LeftOutAnswers
from kodit.application.services.left_out_service import LeftOutService
from kodit.application.services.scope_service import ScopeService
from kodit.application.services.standing_service import StandingService
from kodit.composition.foundation import Foundation
from kodit.infrastructure.sources.left_out import PooledLeftOutReader
from kodit.infrastructure.sqlalchemy.file_facts import SqlFileFacts


def make_left_out_answers(
    foundation: Foundation, *, scope: ScopeService, standing: StandingService
) -> LeftOutAnswers:
    """The service over one data directory."""
    service = LeftOutService(
        facts=SqlFileFacts(foundation.database),
        reader=PooledLeftOutReader(foundation.places, foundation.pool),
    )
    return LeftOutAnswers(
        database=foundation.database, left_out=service, scope=scope, standing=standing
    )
