"""What another worker has stored while a stage waited for its turn is not paid for again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.endpoints.stage_work import TEXTS, StageWork, stage_work
from tests.support.model_server import ModelServer

from kodit.domain.entities import StoredSnippet
from kodit.domain.ports.metered import Answered


def answers(work: StageWork, engine: Any, inputs: dict[bytes, Any]) -> list[Answered[Any]]:
    """All answers for the inputs, which the stage took for new."""
    payer = work.hold()

    async def ask() -> list[Answered[Any]]:
        return [one async for one in engine.answers(inputs, payer, lambda: None)]

    return asyncio.run(ask())


def test_only_the_rest_of_some_texts_is_sent(tmp_path: Path, server: ModelServer) -> None:
    with stage_work(tmp_path, server) as work:
        work.embed_code()
        [key, *_others] = work.sql(
            "SELECT key FROM embeddings JOIN vectors ON vectors.embedding_id = embeddings.id "
            "ORDER BY vectors.snippet_id"
        )
        server.asked.clear()
        found = answers(work, work.embedder, {key: TEXTS[0], b"new": "def five(): pass"})
    assert server.texts == ["def five(): pass"]
    assert [set(one.results) for one in found] == [{b"new"}]


def test_a_snippet_that_was_described_is_not_sent(tmp_path: Path, server: ModelServer) -> None:
    with stage_work(tmp_path, server) as work:
        work.enrich()
        [key, *_others] = work.sql("SELECT key FROM enrichments")
        server.asked.clear()
        snippet = StoredSnippet(1, 1, 1, "/s", "a.py", 1, 2, "python", None, None, "", TEXTS[0])
        [answered] = answers(work, work.enricher, {key: snippet})
    assert server.asked == []
    assert (answered.results, answered.failed) == ({}, {})
