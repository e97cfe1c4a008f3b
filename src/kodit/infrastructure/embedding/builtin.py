"""The embedder that needs nothing but this package: a static model, run in child processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kodit.domain.embedding import PackedVector
from kodit.infrastructure.embedding.static_model import MODEL, load_model
from kodit.infrastructure.processes.pool import ProcessPool
from kodit.infrastructure.vectors.packing import pack
from kodit.infrastructure.work_log import record_work

PREPROCESSING_VERSION = "1"


class BuiltinEmbedder:
    """Indexing embeds in the pool; a query is embedded here."""

    model = f"{MODEL}/{PREPROCESSING_VERSION}"
    includes_path = True

    def __init__(self, pool: ProcessPool) -> None:
        self._pool = pool

    async def embed(self, texts: Sequence[str]) -> list[PackedVector]:
        packed: list[PackedVector] = await self._pool.call(f"{__name__}:embed_texts", list(texts))
        return packed

    def embed_query(self, text: str) -> Sequence[float]:
        vector: list[float] = load_model().embed([text])[0].tolist()
        return vector


def embed_texts(texts: Sequence[str], *, report: Any) -> list[PackedVector]:
    """Runs in a child process."""
    packed = pack(load_model().embed(texts))
    record_work("texts_embedded", len(packed))
    report(len(packed), len(packed))
    return packed
