"""Few snippets, as of a file that was just saved, wait for a busy child; many do not."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from tests.support import child_work

from kodit.domain.entities import StoredSnippet
from kodit.infrastructure.embedding.builtin import BuiltinEmbedder
from kodit.infrastructure.enrichment.builtin import BuiltinEnricher
from kodit.infrastructure.keyword.tantivy_index import TantivyKeywordIndex
from kodit.infrastructure.processes import pool as pool_module
from kodit.infrastructure.processes.pool import FEW_ITEMS, ProcessPool

WORK = child_work.__name__
SNIPPET = StoredSnippet(1, 1, 1, "/shop", "a.py", 1, 1, "python", "f", "function", "", "def f(): 1")
Work = Callable[[ProcessPool, Path, int], Awaitable[object]]


@pytest.fixture
def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessPool]:
    """At most two children, of which the busy one is awaited however long it takes."""
    monkeypatch.setattr(pool_module, "SHORT_WAIT_SECONDS", 600.0)
    pool = ProcessPool(tmp_path, 2)
    yield pool
    pool.close()


def embed(pool: ProcessPool, _folder: Path, count: int) -> Awaitable[object]:
    return BuiltinEmbedder(pool).embed(["def f(): 1"] * count)


def enrich(pool: ProcessPool, _folder: Path, count: int) -> Awaitable[object]:
    return BuiltinEnricher(pool).enrich([SNIPPET] * count)


def apply(pool: ProcessPool, folder: Path, _count: int) -> Awaitable[object]:
    return TantivyKeywordIndex(folder / "keyword", pool).apply([])


@pytest.mark.parametrize(
    ("work", "count", "children"),
    [
        (embed, FEW_ITEMS, 1),
        (embed, FEW_ITEMS + 1, 2),
        (enrich, FEW_ITEMS, 1),
        (enrich, FEW_ITEMS + 1, 2),
        (apply, 0, 1),
    ],
)
def test_which_work_waits(
    work: Work, count: int, children: int, pool: ProcessPool, tmp_path: Path
) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    pipe = os.open(path, os.O_RDWR)

    async def both() -> None:
        busy = asyncio.create_task(pool.call(f"{WORK}:tell_own_id_after", str(path)))
        await asyncio.sleep(0)  # it has taken its place
        other = asyncio.ensure_future(work(pool, tmp_path, count))
        if children > 1:
            await other
        os.write(pipe, b"x")
        await busy
        await other

    try:
        asyncio.run(both())
        assert len(pool._idle) == children
    finally:
        os.close(pipe)
