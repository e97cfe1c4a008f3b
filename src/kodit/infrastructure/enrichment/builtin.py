"""The enricher that needs no model: it describes code by its own documentation and names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kodit.domain.entities import StoredSnippet
from kodit.infrastructure.enrichment.describe import describe
from kodit.infrastructure.work_log import record_work

# Child processes are started when they are first needed.
if TYPE_CHECKING:
    from kodit.infrastructure.processes.pool import ProcessPool


class BuiltinEnricher:
    """Describes snippets in the pool."""

    model = "self-description/1"
    includes_name = True

    def __init__(self, pool: ProcessPool, *, includes_name: bool = True) -> None:
        """With a paid embedder, the name of the file is not embedded, so that a rename costs
        nothing."""
        self._pool = pool
        if not includes_name:
            self.includes_name = False
            self.model = "self-description without path/1"

    async def enrich(self, snippets: Sequence[StoredSnippet]) -> list[str]:
        texts: list[str] = await self._pool.call(
            f"{__name__}:describe_all", list(snippets), items=len(snippets)
        )
        return texts


def describe_all(snippets: Sequence[StoredSnippet], *, report: Any) -> list[str]:
    """Runs in a child process."""
    record_work("snippets_enriched", len(snippets))
    texts = [describe(snippet) for snippet in snippets]
    report(len(texts), len(texts))
    return texts
