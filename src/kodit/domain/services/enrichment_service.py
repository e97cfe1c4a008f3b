"""Prepares the input of an enricher, and of the model that embeds its answers."""

from __future__ import annotations

from functools import lru_cache

from kodit.domain.embedding import cache_key
from kodit.domain.ranking.terms import words
from kodit.domain.search import StoredSnippet


class EnrichmentDomainService:
    """Prepares enrichments, so that none is made or paid for twice."""

    def key(self, model: str, snippet: StoredSnippet, *, is_local: bool) -> bytes:
        """The cache key of a snippet's enrichment: a hash of everything that the enricher reads. An
        enricher of this machine, with `is_local`, also reads the kind of the symbol."""
        parts = self._parts(snippet)
        # A path, which keys began with once, is never empty.
        return cache_key(model, "\0".join(("", snippet.kind or "", *parts) if is_local else parts))

    def key_at_path(self, model: str, snippet: StoredSnippet) -> bytes:
        """The cache key of an enrichment with the path of its snippet in it."""
        return cache_key(model, "\0".join((snippet.path, *self._parts(snippet))))

    def _parts(self, snippet: StoredSnippet) -> tuple[str, ...]:
        return snippet.language, snippet.scope, snippet.symbol or "", snippet.text

    def text(self, snippet: StoredSnippet, enrichment: str, *, with_name: bool) -> str:
        """What is embedded: the enrichment, after the words of the file's name. Without those of
        its folders, a file that is moved to another one has the same vectors."""
        parts = (spell_name(snippet.path), enrichment) if with_name else (enrichment,)
        return "\n".join(part for part in parts if part)


@lru_cache(maxsize=64)
def spell_name(path: str) -> str:
    """The words of a file's name, without its extension; cached, because the snippets of a file
    come together."""
    name = path.rpartition("/")[2]
    return " ".join(words(name.rpartition(".")[0] or name))
