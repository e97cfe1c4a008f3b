"""Selects the texts to embed, without those already cached."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from kodit.domain.embedding import cache_key, local_key


class EmbeddingDomainService:
    """Prepares the input of a model, so that no text is embedded twice."""

    def keys(self, model: str, texts: Sequence[str]) -> list[bytes]:
        return [cache_key(model, text) for text in texts]

    def local_keys(self, model: str, texts: Sequence[str]) -> list[bytes]:
        """Likewise for a model of this machine."""
        return [local_key(model, text) for text in texts]

    def missing(
        self, keys: Sequence[bytes], texts: Sequence[str], known: Collection[bytes]
    ) -> dict[bytes, str]:
        """The texts whose key the cache does not hold, each once."""
        return {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
