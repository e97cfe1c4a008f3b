"""The embedder that needs only this package: a static model, run in child processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kodit.domain.embedding import PackedVector
from kodit.infrastructure.work_log import record_work

# Child processes are started when they are first needed.
if TYPE_CHECKING:
    from kodit.infrastructure.processes.pool import ProcessPool

MODEL = "kodit-static-1"
PREPROCESSING_VERSION = "2"


class BuiltinEmbedder:
    """Indexing embeds in the pool; a query is embedded in this process."""

    model = f"{MODEL}/{PREPROCESSING_VERSION}"
    is_local = True

    def __init__(self, pool: ProcessPool) -> None:
        self._pool = pool

    async def embed(self, texts: Sequence[str]) -> list[PackedVector]:
        packed: list[PackedVector] = await self._pool.call(
            f"{__name__}:embed_texts", list(texts), items=len(texts)
        )
        return packed

    def embed_query(self, text: str) -> Sequence[float]:
        from kodit.infrastructure.embedding.static_model import (  # noqa: PLC0415 - heavy
            load_model,
        )

        vector: list[float] = load_model().embed_query(text).tolist()
        return vector


def embed_texts(texts: Sequence[str], *, report: Any) -> list[PackedVector]:
    """Runs in a child process."""
    from kodit.infrastructure.embedding.static_model import load_model  # noqa: PLC0415 - heavy
    from kodit.infrastructure.vectors.quantization import pack  # noqa: PLC0415 - heavy

    record_work("texts_embedded", len(texts))
    packed = pack(load_model().embed(texts))
    report(len(packed), len(packed))
    return packed
