"""Work beside a block, which ends with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def running_beside(
    work: Sequence[tuple[str, Coroutine[Any, Any, None]]],
) -> AsyncIterator[None]:
    """Run the coroutines, each with a name, beside the block. They are cancelled at its end, and
    have ended when it is over."""
    tasks = [asyncio.create_task(one, name=name) for name, one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
