"""An empty queue over each database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.queue.databases import DATABASES
from tests.queue.driver import QueueDriver

from kodit.domain.ports.database import Database


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with DATABASES[request.param](tmp_path) as opened:
        yield opened


@pytest.fixture
def queue(database: Database) -> Iterator[QueueDriver]:
    """A queue with two indexes and nothing to do."""
    with asyncio.Runner() as runner:
        yield QueueDriver(database, runner)
