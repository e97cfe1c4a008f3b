"""Builds the service that describes indexed code."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from kodit.application.services.answers.description_answers import DescriptionAnswers
    from kodit.application.services.description_stage import DescriptionStage
    from kodit.application.services.scope_service import ScopeService
    from kodit.application.services.standing_service import StandingService
    from kodit.application.services.symbol_service import SymbolService
    from kodit.composition.engines import Engines
    from kodit.composition.foundation import Foundation
    from kodit.domain.ports.describing import Describer


def make_description_answers(
    foundation: Foundation,
    *,
    scope: ScopeService,
    standing: StandingService,
    symbols: Callable[[], SymbolService],
) -> DescriptionAnswers:
    """The service over one data directory; each describer is loaded when it is first needed."""
    from kodit.application.services.answers.description_answers import DescriptionAnswers
    from kodit.application.services.descriptions.description_service import DescriptionService
    from kodit.domain.descriptions.kinds import DescriptionKind

    service = DescriptionService(
        catalogue=foundation.catalogue,
        describers={
            DescriptionKind.OVERVIEW: _overview,
            DescriptionKind.INTERFACE: _interface,
            DescriptionKind.SCHEMA: _schema,
            DescriptionKind.COMMIT: lambda: _commit(foundation),
            DescriptionKind.USAGE: lambda: _usage(symbols),
        },
        kinds=foundation.settings.descriptions,
    )
    return DescriptionAnswers(service=service, scope=scope, standing=standing)


def _overview() -> Describer:
    from kodit.application.services.descriptions.overview import OverviewDescriber

    return OverviewDescriber()


def _interface() -> Describer:
    from kodit.application.services.descriptions.interface import InterfaceDescriber

    return InterfaceDescriber()


def _schema() -> Describer:
    from kodit.application.services.descriptions.schema import SchemaDescriber

    return SchemaDescriber()


def _usage(symbols: Callable[[], SymbolService]) -> Describer:
    from kodit.application.services.descriptions.usage import UsageDescriber

    return UsageDescriber(symbols())


def _commit(foundation: Foundation) -> Describer:
    from kodit.application.services.descriptions.commit import CommitDescriber
    from kodit.composition.made_later import made_later
    from kodit.infrastructure.sources.commits import PooledCommitReader

    return CommitDescriber(
        PooledCommitReader(foundation.places, made_later(lambda: foundation.pool))
    )


def make_description_stage(foundation: Foundation, engines: Engines) -> DescriptionStage | None:
    """The part of the last stage that stores descriptions, in the child processes of some engines;
    None if none is to be stored."""
    from kodit.domain.descriptions.kinds import STORED_KINDS

    kinds = STORED_KINDS.intersection(foundation.settings.descriptions)
    if not kinds:
        return None
    from kodit.application.services.description_stage import DescriptionStage
    from kodit.infrastructure.sources.commits import PooledCommitReader
    from kodit.infrastructure.sources.schemas import PooledSchemaReader

    return DescriptionStage(
        kinds=kinds,
        catalogue=foundation.catalogue,
        commits=PooledCommitReader(foundation.places, engines.pool),
        schemas=PooledSchemaReader(engines.pool),
    )
