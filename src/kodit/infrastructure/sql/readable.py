"""Databases whose transactions accept the text of statements."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from kodit.domain.ports.database import Database, Transaction
from kodit.infrastructure.sql.state_cache import Caches
from kodit.infrastructure.sql.statements import Cursors


class ReadTransaction(Transaction, Protocol):
    """A transaction whose driver accepts the text of a statement."""

    @property
    def cursors(self) -> Cursors: ...

    @property
    def caches(self) -> Caches:
        """Values cached with its connection."""
        ...


class ReadableDatabase(Database, Protocol):
    """Opens such transactions."""

    @property
    def address(self) -> str:
        """Where another process finds the database: the path of a file, or a URL, which may hold a
        password."""
        ...

    def read(self) -> AbstractContextManager[ReadTransaction]: ...
