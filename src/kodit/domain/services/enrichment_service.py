"""Prepares the input of an enricher."""

from __future__ import annotations

from kodit.domain.embedding import cache_key
from kodit.domain.search import StoredSnippet


class EnrichmentDomainService:
    """Prepares enrichments, so that none is made or paid for twice."""

    def key(self, model: str, snippet: StoredSnippet, *, with_path: bool) -> bytes:
        """The cache key of a snippet's enrichment: a hash of everything that the enricher reads."""
        parts = (snippet.language, snippet.scope, snippet.symbol or "", snippet.text)
        return cache_key(model, "\0".join((snippet.path, *parts) if with_path else parts))
