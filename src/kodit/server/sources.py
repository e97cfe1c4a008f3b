"""Adds the sources that the operator has named in the settings."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from kodit.application.services.source_service import IndexRequest
from kodit.composition import Application
from kodit.domain.errors import UserError

log = logging.getLogger(__name__)


async def add_sources(application: Application, sources: Sequence[str]) -> None:
    """Add or refresh each source; errors are logged and do not stop the others."""
    for source in sources:
        try:
            [run] = await application.sources.add(IndexRequest([source]))
        except UserError as error:
            log.error("a source of KODIT_SOURCES cannot be added", extra={"error": str(error)})  # noqa: TRY400 - a sentence
        else:
            log.info("source added", extra={"source": source, "run": run.id})
