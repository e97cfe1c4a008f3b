"""Runs background work for the duration of a block."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def running_in_background(
    work: Sequence[tuple[str, Coroutine[Any, Any, None]]],
) -> AsyncIterator[None]:
    """Run the named coroutines concurrently with the block. At its end they are cancelled and
    awaited."""
    tasks = [asyncio.create_task(one, name=name) for name, one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
