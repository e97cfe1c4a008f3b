"""Fixtures of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.database.content import Content
from tests.queue.databases import sqlite_database
from tests.support.fixtures import kodit
from tests.support.postgresql_databases import postgresql_database

from kodit.infrastructure.sqlalchemy.transaction import SqlTransaction

__all__ = ["kodit"]


@pytest.fixture
def transaction(store: str, tmp_path: Path) -> Iterator[SqlTransaction]:
    """A write transaction of an empty database."""
    empty = postgresql_database() if store == "postgresql" else sqlite_database(tmp_path)
    with empty as database, database.write() as opened:
        yield opened


@pytest.fixture
def content(transaction: SqlTransaction) -> Content:
    """An index with two files that hold nothing yet."""
    return Content(transaction, "/content")


@pytest.fixture
def other(transaction: SqlTransaction) -> Content:
    """The index beside it."""
    other = Content(transaction, "/other")
    other.replace(a=["one", "two"], b=["three"])
    return other
